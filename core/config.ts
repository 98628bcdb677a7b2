/** The shape of the configuration. Pure: where it is found and read is the composition root's business. */

import { compilePattern, subtreePattern, VERBS } from './capabilities/grant.ts';
import { microsFromUsd, usdFromMicros } from './cost/money.ts';
import { parseDuration } from './duration.ts';
import { AosError } from './errors.ts';
import { type Issue, schema } from './schema.ts';
import type { Config, Grant, Limit, Millis, Verb } from './types.ts';

const pattern = schema(z =>
  z.string().superRefine((text, context) => {
    try {
      compilePattern(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof AosError ? error.why : 'not a path pattern' });
    }
  }),
);

const duration = schema(z =>
  z.string().transform((text, context) => {
    try {
      return parseDuration(text);
    } catch {
      context.addIssue({ code: 'custom', message: 'not a duration such as 45s, 30m or 2h' });
      return z.NEVER;
    }
  }),
);

const usd = schema(z =>
  z.number().transform((amount, context) => {
    try {
      return microsFromUsd(amount);
    } catch {
      context.addIssue({ code: 'custom', message: 'not an amount of dollars from 0 up' });
      return z.NEVER;
    }
  }),
);

const verbs = schema(z =>
  z
    .array(z.enum([...VERBS, 'all'] as const))
    .min(1)
    .transform((written): Verb[] => written.flatMap(v => (v === 'all' ? VERBS : [v]))),
);

/** One grant as written: `{verbs: [read, list], path: /aos/memory/**}`; `all` stands for every verb. */
export const grantSchema = schema(z =>
  z
    .strictObject({ verbs: verbs(), path: pattern(), until: z.iso.datetime({ offset: true }).optional() })
    .transform(
      ({ verbs, path, until }): Grant => ({ verbs, path, ...(until !== undefined && { until: Date.parse(until) }) }),
    ),
);

const limit = schema(z =>
  z.strictObject({ usd: usd(), per: duration().optional() }).transform((l): Limit => ({ usd: l.usd, per: l.per ?? 0 })),
);

/** What is in force where nothing is configured. */
export const DEFAULT_CONFIG = Object.freeze<Config>({
  aliases: {},
  backends: {},
  grants: {},
  ceilings: {},
  budgets: {
    pid: { usd: 100_000, per: 60_000 },
    session: { usd: 1_000_000, per: 0 },
    uid: { usd: 1_000_000, per: 60_000 },
    global: { usd: 10_000_000, per: 60_000 },
    velocity: 100,
    agents: {},
    subtree: {},
  },
  audit: { reads: false, file_bytes_max: 64 * 1024 * 1024 },
  plugins: [],
  log: { level: 'info' },
});

/** An agent's name, in which `*` is any part of it. */
const agentName = schema(z =>
  z
    .string()
    .regex(
      /^[A-Za-z0-9*][A-Za-z0-9._*-]{0,63}$/,
      "no agent has such a name: write an agent's name, or a pattern such as re*",
    )
    .refine(name => !name.includes('**'), '* is the only wildcard of a name'),
);

/** One subtree written in two ways would be counted twice. */
function refuseTwins(subtree: Readonly<Record<string, Limit>>, context: { addIssue(issue: string): void }): void {
  const keys = Object.keys(subtree);
  const twin = keys.find(key => keys.some(other => other !== key && other === subtreePattern(key)));
  if (twin !== undefined) context.addIssue(`"${twin}" and "${subtreePattern(twin)}" are the same subtree: keep one`);
}

const budgets = schema(z => {
  const standard = DEFAULT_CONFIG.budgets;
  return z.strictObject({
    pid: limit().default(standard.pid),
    session: limit().default(standard.session),
    uid: limit().default(standard.uid),
    global: limit().default(standard.global),
    velocity: z.int().min(0).default(standard.velocity),
    agents: z.record(agentName(), limit()).default({}),
    subtree: z.record(pattern(), limit()).superRefine(refuseTwins).default({}),
  });
});

const audit = schema(z =>
  z.strictObject({
    reads: z.boolean().default(DEFAULT_CONFIG.audit.reads),
    file_bytes_max: z.int().min(4096).default(DEFAULT_CONFIG.audit.file_bytes_max),
  }),
);

const configSchema = schema(z =>
  z.strictObject({
    model: z.string().min(1).optional(),
    aliases: z.record(z.string(), z.string()).default({}),
    backends: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
    grants: z.record(z.string().regex(/^\d+$/, 'a uid is a number'), z.array(grantSchema())).default({}),
    ceilings: z.record(pattern(), verbs()).default({}),
    budgets: budgets().default(DEFAULT_CONFIG.budgets),
    audit: audit().default(DEFAULT_CONFIG.audit),
    plugins: z.array(z.string()).default([]),
    log: z
      .strictObject({ level: z.enum(['debug', 'info', 'warn', 'error']).default('info') })
      .default({ level: 'info' }),
  }),
);

/** Where in the file a key stands, as its loader found it: `['budgets','pid']` → line. */
export type LineOf = (key: readonly PropertyKey[]) => number | undefined;

/** Throws `invalid` with the file, the line, the key, the value and what is wrong with it. */
export function checkConfig(value: unknown, file: string, lineOf: LineOf): Config {
  if (value === null || value === undefined) {
    throw invalid(file, 'it is empty', 'write at least one key, such as "model: offline/search", or remove the file');
  }
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw invalid(
      file,
      `it holds ${Array.isArray(value) ? 'a list' : `a ${typeof value}`}, not keys and values`,
      'see docs/configuration.md',
    );
  }
  if (Object.keys(value).length === 0) return DEFAULT_CONFIG;
  const checked = configSchema().safeParse(value);
  if (checked.success) {
    const { model, ...rest } = checked.data;
    return Object.freeze({ ...rest, ...(model !== undefined && { model }) });
  }
  const issue = checked.error.issues[0];
  throw invalid(file, describe(issue, value, lineOf), 'correct it, or remove the key');
}

function invalid(file: string, why: string, remedy: string): AosError {
  return new AosError('invalid', { component: 'config', path: file, why, remedy });
}

function describe(issue: Issue | undefined, root: object, lineOf: LineOf): string {
  if (issue === undefined) return 'it is not valid';
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const path = unknown === undefined ? issue.path : [...issue.path, unknown];
  const line = lineOf(path);
  const where = line === undefined ? '' : `line ${line}: `;
  const key = path.map(String).join('.');
  if (unknown !== undefined) return `${where}unknown key "${key}"`;
  if (issue.code === 'invalid_key') return `${where}"${key}": ${issue.issues[0]?.message ?? issue.message}`;
  return `${where}"${key}" is ${shown(key, valueAt(root, path))}: ${issue.message}`;
}

function valueAt(root: object, path: readonly PropertyKey[]): unknown {
  let at: unknown = root;
  for (const part of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = Reflect.get(at, part);
  }
  return at;
}

/** The value as the user wrote it, unless the key names a secret. */
function shown(key: string, value: unknown): string {
  if (isSecret(key)) return '(not shown)';
  // JSON has no word for a number that is none, or beyond all numbers.
  const isNone = (inner: unknown): boolean => typeof inner === 'number' && !Number.isFinite(inner);
  const said = isNone(value)
    ? String(value)
    : JSON.stringify(value, (_, inner) => (isNone(inner) ? String(inner) : inner));
  const text = said ?? 'missing';
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}

/** Whether what stands at a key is shown to nobody. */
function isSecret(key: string): boolean {
  return /key|token|secret|password|connection|header/i.test(key);
}

/** The configuration as a user would write it, and could give it back; of what backends are told the secrets are left out. */
export function writtenConfig({ backends, grants, ceilings, budgets, ...rest }: Config): object {
  const { pid, session, uid, global, velocity, agents, subtree } = budgets;
  return {
    ...rest,
    backends: withoutSecrets(backends),
    grants: each(grants, list => list.map(writtenGrant)),
    ceilings: each(ceilings, writtenVerbs),
    budgets: {
      ...each({ pid, session, uid, global }, writtenLimit),
      velocity,
      agents: each(agents, writtenLimit),
      subtree: each(subtree, writtenLimit),
    },
  };
}

function each<T>(record: Readonly<Record<string, T>>, write: (value: T) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, write(value)]));
}

function writtenGrant({ verbs, path, until }: Grant): object {
  return { verbs: writtenVerbs(verbs), path, ...(until !== undefined && { until: new Date(until).toISOString() }) };
}

function writtenVerbs(verbs: readonly Verb[]): readonly string[] {
  return VERBS.every(verb => verbs.includes(verb)) ? ['all'] : [...new Set(verbs)];
}

/** No amount is printed as `-0`. */
function writtenLimit({ usd, per }: Limit): object {
  return { usd: usdFromMicros(usd) + 0, ...(per > 0 && { per: writtenDuration(per) }) };
}

const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
] as const;

/** In the largest unit of which it is several: `60s`, `30m`, `24h`. */
function writtenDuration(length: Millis): string {
  for (const [unit, name] of UNITS) {
    if (length > unit && length % unit === 0) return `${length / unit}${name}`;
  }
  return length % 1000 === 0 ? `${length / 1000}s` : `${Number(length.toFixed(3))}ms`;
}

/** An address is none, without the user and password in it. */
function withoutSecrets(from: unknown): unknown {
  if (typeof from === 'string') return from.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1');
  return inside(from, (inner, key) => (isSecret(key) ? unshown(inner) : withoutSecrets(inner)));
}

/** Text is a secret wherever it stands below; numbers and switches are none. */
function unshown(secret: unknown): unknown {
  if (typeof secret === 'string') return secret === '' ? '' : '(set, not shown)';
  return inside(secret, unshown);
}

function inside(from: unknown, change: (inner: unknown, key: string) => unknown): unknown {
  if (Array.isArray(from)) return from.map(inner => change(inner, ''));
  if (typeof from !== 'object' || from === null) return from;
  return Object.fromEntries(Object.entries(from).map(([key, inner]) => [key, change(inner, key)]));
}
