/** An agent's definition, `agents.d/<name>.yaml`: its shape, its defaults, and what is wrong with one that is not valid. */

import type { LineCounter, ParsedNode } from 'yaml';
import { AosError, type Grant, grantSchema, type Issue, LIMITS, schema, yaml } from '../plugin-sdk/index.ts';

const VALUE_CHARS_MAX = 60;
const PERSONA_CHARS_MAX = 32_768;
const DAY_SEC = 86_400;

export const AGENT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const TOOL_NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;

/** A definition with every default filled in. */
export interface AgentConfig {
  readonly name: string;
  readonly description: string;
  /** As the operator wrote it; undefined for the daemon's default. */
  readonly model: string | undefined;
  readonly persona: string;
  readonly tools: readonly string[];
  /** What it may do: as written, and the use of its tools and of models. */
  readonly grants: readonly Grant[];
  readonly limits: { readonly max_cost_usd: number; readonly timeout_sec: number; readonly max_turns: number };
  readonly queue: { readonly depth: number; readonly parallel: number };
}

const DEFAULT_LIMITS = { max_cost_usd: 1, timeout_sec: LIMITS.run_timeout_default_ms / 1000, max_turns: 20 };
const DEFAULT_QUEUE = { depth: LIMITS.queue_depth_default, parallel: 1 };

const definitionSchema = schema(z => {
  const limits = z.strictObject({
    max_cost_usd: z.number().nonnegative().max(1e6).default(DEFAULT_LIMITS.max_cost_usd),
    timeout_sec: z.number().positive().max(DAY_SEC).default(DEFAULT_LIMITS.timeout_sec),
    max_turns: z.int().min(1).max(LIMITS.run_turns_max).default(DEFAULT_LIMITS.max_turns),
  });
  const queue = z.strictObject({
    depth: z.int().min(1).max(100_000).default(DEFAULT_QUEUE.depth),
    parallel: z.int().min(1).max(64).default(DEFAULT_QUEUE.parallel),
  });
  return z.strictObject({
    name: z.string().optional(),
    description: z.string().max(500).default(''),
    model: z.string().min(1).optional(),
    persona: z.string().min(1).max(PERSONA_CHARS_MAX).default('You answer briefly and say what your answer rests on.'),
    tools: z.array(z.string().regex(TOOL_NAME, 'not the name of a tool')).default(['search', 'read', 'list']),
    capabilities: z.array(grantSchema()).optional(),
    limits: limits.default(DEFAULT_LIMITS),
    queue: queue.default(DEFAULT_QUEUE),
  });
});

/** Where a definition is, for errors. */
export function sourcePath(name: string): string {
  return `/aos/etc/agents.d/${name}.yaml`;
}

/** Throws `invalid` with the line, the key, the value and what is wrong with it. */
export function parseAgent(name: string, text: string): AgentConfig {
  const { LineCounter, parseDocument } = yaml();
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
  const broken = document.errors[0];
  if (broken !== undefined) {
    throw invalid(name, `line ${counter.linePos(broken.pos[0]).line}: not YAML: ${broken.message}`);
  }
  const value: unknown = document.toJS();
  if (value === null || value === undefined) throw invalid(name, 'it is empty');
  if (typeof value !== 'object' || Array.isArray(value)) throw invalid(name, 'line 1: it holds no keys');
  const checked = definitionSchema().safeParse(value);
  const lineOf = (path: readonly PropertyKey[]): number => lineAt(document.contents, path, counter);
  if (!checked.success) throw invalid(name, describe(checked.error.issues[0], value, lineOf));
  const { capabilities, model, name: said, ...rest } = checked.data;
  if (said !== undefined && said !== name) {
    throw invalid(name, `line ${lineOf(['name'])}: "name" is ${show(said)}: the file's name says ${show(name)}`);
  }
  const grants = [...(capabilities ?? ownGrants(name)), ...impliedGrants(rest.tools, capabilities ?? [])];
  return Object.freeze({ ...rest, name, model: model === 'default' ? undefined : model, grants });
}

/** The definition in effect, as config.yaml shows it. */
export function printAgent(config: AgentConfig): string {
  const { description, model, persona, tools, grants, limits, queue } = config;
  const capabilities = grants.map(({ verbs, path, until }) => ({
    verbs,
    path,
    ...(until !== undefined && { until: new Date(until).toISOString() }),
  }));
  const head = description === '' ? {} : { description };
  const { Document, isMap, visit } = yaml();
  const document = new Document({ ...head, model: model ?? 'default', persona, tools, capabilities, limits, queue });
  visit(document, {
    // One line for each list of names, each grant and each group of limits.
    Collection: (_key, node, path) => {
      node.flow = path.length > 1 && !node.items.some(isMap);
    },
  });
  return document.toString({ lineWidth: 0 });
}

/** What an agent may do where its definition does not say. */
function ownGrants(name: string): Grant[] {
  return [
    { verbs: ['list', 'read'], path: '/aos/memory/**' },
    { verbs: ['list', 'read', 'write', 'create', 'remove'], path: `/aos/memory/agents/${name}/**` },
    { verbs: ['list', 'read'], path: '/aos/conversations/**' },
  ];
}

/** Listing a tool grants its use. Any model may be called, unless the definition itself speaks of models. */
function impliedGrants(tools: readonly string[], given: readonly Grant[]): Grant[] {
  const ofTools = tools.map((tool): Grant => ({ verbs: ['read', 'call'], path: `/aos/tools/${tool}/**` }));
  if (given.some(grant => grant.path.startsWith('/aos/models'))) return ofTools;
  return [...ofTools, { verbs: ['read', 'call'], path: '/aos/models/**' }];
}

export function invalid(name: string, why: string): AosError {
  return new AosError('invalid', {
    component: 'agents',
    path: sourcePath(name),
    why,
    remedy: 'correct the file; it is read again at once',
  });
}

function describe(issue: Issue | undefined, root: object, lineOf: (path: readonly PropertyKey[]) => number): string {
  if (issue === undefined) return 'it is not valid';
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const path = unknown === undefined ? issue.path : [...issue.path, unknown];
  const key = path.map(String).join('.');
  const value = path.reduce<unknown>((at, part) => (isObject(at) ? Reflect.get(at, part) : undefined), root);
  const where = `line ${lineOf(path)}: "${key}" is ${show(value)}`;
  return unknown === undefined ? `${where}: ${issue.message}` : `${where}: there is no such key`;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function show(value: unknown): string {
  const text = value === undefined ? 'missing' : JSON.stringify(value);
  return text.length > VALUE_CHARS_MAX ? `${text.slice(0, VALUE_CHARS_MAX)}...` : text;
}

/** The line of the key at the path, or of the nearest one above it that is there. */
function lineAt(contents: ParsedNode | null, path: readonly PropertyKey[], counter: LineCounter): number {
  const { isMap, isScalar, isSeq } = yaml();
  let node: unknown = contents;
  let at = contents?.range[0] ?? 0;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(item => isScalar(item.key) && item.key.value === part);
      if (pair === undefined) break;
      if (isScalar(pair.key)) at = pair.key.range?.[0] ?? at;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      if (isScalar(node) || isMap(node) || isSeq(node)) at = node.range?.[0] ?? at;
    }
  }
  return counter.linePos(at).line;
}
