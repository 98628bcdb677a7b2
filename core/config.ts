/** The shape of the configuration. Pure: where it is found and read is the composition root's business. */

import { z } from 'zod';
import { compilePattern, VERBS } from './capabilities/grant.ts';
import { microsFromUsd } from './cost/money.ts';
import { parseDuration } from './duration.ts';
import { AosError } from './errors.ts';
import type { Config, Grant, Limit, Verb } from './types.ts';

const pattern = z.string().superRefine((text, context) => {
  try {
    compilePattern(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof AosError ? error.why : 'not a path pattern' });
  }
});

const duration = z.string().transform((text, context) => {
  try {
    return parseDuration(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'not a duration such as 45s, 30m or 2h' });
    return z.NEVER;
  }
});

const usd = z.number().transform((amount, context) => {
  try {
    return microsFromUsd(amount);
  } catch {
    context.addIssue({ code: 'custom', message: 'not an amount of dollars from 0 up' });
    return z.NEVER;
  }
});

const verb = z.enum(['stat', 'list', 'read', 'write', 'create', 'remove', 'call', 'all']);

const verbs = z
  .array(verb)
  .min(1)
  .transform((written): Verb[] => written.flatMap(v => (v === 'all' ? VERBS : [v])));

/** One grant as written: `{verbs: [read, list], path: /aos/memory/**}`; `all` stands for every verb. */
export const grantSchema = z
  .strictObject({ verbs, path: pattern, until: z.iso.datetime({ offset: true }).optional() })
  .transform(
    ({ verbs, path, until }): Grant => ({ verbs, path, ...(until !== undefined && { until: Date.parse(until) }) }),
  );

const limit = z
  .strictObject({ usd, per: duration.optional() })
  .transform((l): Limit => ({ usd: l.usd, per: l.per ?? 0 }));

const DEFAULT_BUDGETS = {
  pid: { usd: 100_000, per: 60_000 },
  session: { usd: 1_000_000, per: 0 },
  uid: { usd: 1_000_000, per: 60_000 },
  global: { usd: 10_000_000, per: 60_000 },
  velocity: 100,
  agents: {},
  subtree: {},
} as const;

const budgets = z.strictObject({
  pid: limit.default(DEFAULT_BUDGETS.pid),
  session: limit.default(DEFAULT_BUDGETS.session),
  uid: limit.default(DEFAULT_BUDGETS.uid),
  global: limit.default(DEFAULT_BUDGETS.global),
  velocity: z.int().min(0).default(DEFAULT_BUDGETS.velocity),
  agents: z.record(z.string(), limit).default({}),
  subtree: z.record(pattern, limit).default({}),
});

const DEFAULT_AUDIT = { reads: false, file_bytes_max: 64 * 1024 * 1024 } as const;

const audit = z.strictObject({
  reads: z.boolean().default(DEFAULT_AUDIT.reads),
  file_bytes_max: z.int().min(4096).default(DEFAULT_AUDIT.file_bytes_max),
});

export const configSchema = z.strictObject({
  model: z.string().min(1).optional(),
  aliases: z.record(z.string(), z.string()).default({}),
  backends: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  grants: z.record(z.string().regex(/^\d+$/, 'a uid is a number'), z.array(grantSchema)).default({}),
  ceilings: z.record(pattern, verbs).default({}),
  budgets: budgets.default(DEFAULT_BUDGETS),
  audit: audit.default(DEFAULT_AUDIT),
  plugins: z.array(z.string()).default([]),
  log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error']).default('info') }).default({ level: 'info' }),
});

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
  const checked = configSchema.safeParse(value);
  if (checked.success) {
    const { model, ...rest } = checked.data;
    return Object.freeze({ ...rest, ...(model !== undefined && { model }) });
  }
  const issue = checked.error.issues[0];
  throw invalid(file, describe(issue, value, lineOf), 'correct it, or remove the key');
}

export const DEFAULT_CONFIG: Config = checkConfig({}, 'defaults', () => undefined);

function invalid(file: string, why: string, remedy: string): AosError {
  return new AosError('invalid', { component: 'config', path: file, why, remedy });
}

function describe(issue: z.core.$ZodIssue | undefined, root: object, lineOf: LineOf): string {
  if (issue === undefined) return 'it is not valid';
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const path = unknown === undefined ? issue.path : [...issue.path, unknown];
  const line = lineOf(path);
  const where = line === undefined ? '' : `line ${line}: `;
  const key = path.map(String).join('.');
  if (unknown !== undefined) return `${where}unknown key "${key}"`;
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
  if (/key|token|secret|password/i.test(key)) return '(not shown)';
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}
