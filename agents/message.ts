/** What may be written to an inbox: plain text, or one JSON object. */

import {
  AosError,
  grantSchema,
  type Infer,
  type Issue,
  isCutShort,
  LIMITS,
  parsePath,
  schema,
} from '../plugin-sdk/index.ts';
import { nearest } from './nearest.ts';

/** A name for a directory below /aos/conversations/sessions, and nothing that looks like an option or a path. */
export const SESSION = /^[A-Za-z0-9][\w.-]{0,127}$/;
const DAY_SEC = 86_400;

const treePath = schema(z =>
  z.string().superRefine((text, context) => {
    try {
      parsePath(text);
    } catch (thrown) {
      context.addIssue({ code: 'custom', message: thrown instanceof AosError ? thrown.why : 'not a path of the tree' });
    }
  }),
);

export const contextPath = schema(() => treePath().regex(/\.ctx$/, 'not the path of a .ctx file'));

const override = schema(z =>
  z.strictObject({
    model: z.string().min(1).optional(),
    max_cost_usd: z.number().nonnegative().max(1e6).optional(),
    timeout_sec: z.number().positive().max(DAY_SEC).optional(),
  }),
);

const messageSchema = schema(z =>
  z.strictObject({
    prompt: z.string(),
    override: override().default({}),
    context: contextPath().optional(),
    session: z.string().regex(SESSION, 'not a session id: letters, digits, ".", "_" and "-", or "new"').optional(),
    /** Runs of this message, each in a session of its own that goes on from the context. */
    branches: z.number().int().min(1).max(LIMITS.branches_max).default(1),
    attach: z.union([treePath().transform(path => [path]), z.array(treePath()).max(100)]).default([]),
    idempotency_key: z
      .string()
      .max(256)
      .regex(/^[^\0]+$/, 'not a key: some text')
      .optional(),
    ceiling: z.array(grantSchema()).optional(),
    /** Meant, though the estimate is high. */
    force: z.boolean().default(false),
    allow_unknown_cost: z.boolean().default(false),
  }),
);

export type Message = Infer<typeof messageSchema>;

/** Throws `invalid`. `path` is the inbox, for errors. */
export function parseMessage(text: string, path: string): Message {
  return checkMessage(text.trimStart().startsWith('{') ? parseJson(text, path) : { prompt: text }, path);
}

/** A message that came as a value. */
export function checkMessage(value: unknown, path: string): Message {
  const checked = messageSchema().safeParse(value);
  if (!checked.success) throw invalid(path, describe(firstOf(checked.error.issues)), theKeys());
  const { prompt, branches, session = 'new' } = checked.data;
  if (prompt.trim() === '') throw invalid(path, 'the prompt is empty', 'say what to do');
  if (branches > 1 && session !== 'new') {
    throw invalid(path, 'each branch is a session of its own', 'leave out "session", or send one message for one run');
  }
  return checked.data;
}

/** The message of lines to which more may come; undefined where they are none yet. Throws `invalid` where none could make one of them. */
export function parseMessageSoFar(text: string, path: string): Message | undefined {
  if (text.trim() === '') return undefined;
  if (text.trimStart().startsWith('{')) {
    try {
      JSON.parse(text);
    } catch (thrown) {
      if (!isCutShort(thrown, text)) parseJson(text, path);
      return undefined;
    }
  }
  return parseMessage(text, path);
}

function theKeys(): string {
  return `the keys are ${Object.keys(messageSchema().shape).join(', ')}`;
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const why = `it begins with { and is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw invalid(path, why, 'correct it, or write text that begins with { as {"prompt": "..."}', cause);
  }
}

/** A misspelt key is the reason for whatever else is missing. */
function firstOf(issues: readonly Issue[]): Issue | undefined {
  return issues.find(issue => issue.code === 'unrecognized_keys') ?? issues[0];
}

function describe(issue: Issue | undefined): string {
  if (issue === undefined) return 'it is not valid';
  const above = issue.path.map(String);
  if (issue.code !== 'unrecognized_keys') return `"${above.join('.')}": ${issue.message}`;
  const known = above.at(-1) === 'override' ? Object.keys(override().shape) : Object.keys(messageSchema().shape);
  const names = issue.keys.map(key => {
    const meant = nearest(key, known);
    return `"${[...above, key].join('.')}"${meant === undefined ? '' : ` (did you mean "${meant}"?)`}`;
  });
  return `there is no key ${names.join(', ')}`;
}

function invalid(path: string, why: string, remedy: string, cause?: unknown): AosError {
  return new AosError('invalid', { component: 'agents', path, why, remedy, cause });
}
