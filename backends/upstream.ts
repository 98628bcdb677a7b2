/** What a model server's refusal means. One table, so that the mock fails exactly as a real server does. */

import { AosError, type ErrorKind } from '../plugin-sdk/index.ts';

export interface ServerRefusal {
  /** HTTP status; undefined where the server broke off within a stream. */
  readonly status: number | undefined;
  readonly message: string;
  /** The server's own word for it: `context_length_exceeded`, `exceed_context_size_error`. */
  readonly code?: string | undefined;
  /** The Retry-After header: seconds or an HTTP date. */
  readonly retryAfter?: string | undefined;
  /** Where the key comes from, for the remedy. */
  readonly keyHint?: string | undefined;
}

const OVERFLOW_CODES = new Set(['context_length_exceeded', 'exceed_context_size_error']);
const OVERFLOW_WORDS =
  /maximum context length|context (size|length|window)|prompt is too long|too many (input )?tokens/i;

/** The refusal as an error of the project. `component` names the backend. */
export function refused(component: string, refusal: ServerRefusal, now: number): AosError {
  const { kind, remedy } = meaning(refusal, now);
  const status = refusal.status === undefined ? 'the server broke off' : `the server answered ${refusal.status}`;
  return new AosError(kind, { component, why: `${status}: ${oneLine(refusal.message)}`, remedy });
}

function meaning(refusal: ServerRefusal, now: number): { kind: ErrorKind; remedy: string } {
  const { status } = refusal;
  if (isOverflow(refusal)) {
    return {
      kind: 'context_overflow',
      remedy: 'shorten the prompt, start a new session, or choose a model with a larger context',
    };
  }
  if (status === 401) return { kind: 'upstream', remedy: `check the key${refusal.keyHint ?? ''}` };
  if (status === 403)
    return {
      kind: 'upstream',
      remedy: `the key${refusal.keyHint ?? ''} has no right to this; use another key or model`,
    };
  if (status === 404) return { kind: 'upstream', remedy: 'check the name of the model and the base URL' };
  if (status === 408 || status === 504) return { kind: 'timeout', remedy: 'try again' };
  if (status === 429) return { kind: 'rate_limited', remedy: waitFor(refusal.retryAfter, now) };
  if (status === undefined || status >= 500) return { kind: 'upstream', remedy: 'try again, or choose another model' };
  return {
    kind: 'upstream',
    remedy: 'the server does not accept this request; choose another model or correct the backend options',
  };
}

function isOverflow({ status, code, message }: ServerRefusal): boolean {
  if (code !== undefined && OVERFLOW_CODES.has(code)) return true;
  return status === 413 || (status === 400 && OVERFLOW_WORDS.test(message));
}

function waitFor(retryAfter: string | undefined, now: number): string {
  if (retryAfter === undefined) return 'wait a little and try again';
  const seconds = Number(retryAfter);
  const wait = Number.isFinite(seconds) ? seconds : Math.ceil((Date.parse(retryAfter) - now) / 1000);
  return Number.isFinite(wait) && wait > 0 ? `wait ${wait} s and try again` : 'wait a little and try again';
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 400 ? `${line.slice(0, 400)}...` : line || 'no reason given';
}
