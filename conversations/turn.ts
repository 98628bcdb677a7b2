/** A turn's directory, `YYYY/MM/DD/<id>`: its files, its meta.json, and how they are read and written on the disk. */

import { LIMITS, type Micros, type Millis, type RunInfo, type Usage } from '../plugin-sdk/index.ts';
import { readHead } from './host.ts';

export { writeWhole } from './host.ts';

export const TREE = '/aos/conversations';

/** How a turn ended; `running` until then. Any other outcome means that the directory never changes again. */
export const OUTCOMES = [
  'running',
  'completed',
  'failed',
  'stopped',
  'killed',
  'timeout',
  'budget',
  'interrupted',
] as const;

export type Outcome = (typeof OUTCOMES)[number];

/** meta.json. Paths are the tree's, times ISO 8601 in UTC. */
export interface Meta {
  readonly id: string;
  readonly path: string;
  readonly agent: string;
  readonly model: string;
  readonly session: string;
  readonly prompt: string;
  readonly pid: number;
  readonly ppid: number;
  readonly uid: number;
  readonly lineage: {
    readonly parent: string | null;
    readonly forked_from: string | null;
    readonly children: readonly string[];
  };
  readonly tokens: Tokens;
  /** Null where it is not known. */
  readonly cost_usd: number | null;
  readonly outcome: Outcome;
  readonly started: string;
  readonly ended: string | null;
  readonly tags?: readonly string[];
}

/** Null where the server did not say. */
export interface Tokens {
  readonly input: number | null;
  readonly cache_read: number | null;
  readonly cache_write: number | null;
  readonly output: number | null;
}

export const NO_TOKENS: Tokens = { input: null, cache_read: null, cache_write: null, output: null };

const TURN = /^(\d{4}\/\d{2}\/\d{2}\/[^/]+)(?:\/|$)/;
/** `HHMMSS-agent-pid`, as the store names them. */
const RUN = /^(\d{4})\/(\d{2})\/(\d{2})\/(\d{2})(\d{2})(\d{2})-.*-\d+$/;
const DATE = /^\d{4}(?:\/\d{2}){0,2}$/;
const SUMMARY_CHARS_MAX = 500;
/** The longest prompt takes less than half of it, were each byte of it escaped. */
const META_BYTES_MAX = 1024 * 1024;

/** The turn that a path below the mount belongs to, if it lies where turns lie. */
export function turnOf(rest: string): string | undefined {
  return TURN.exec(rest)?.[1];
}

/** When a run that has this turn was accepted, to the second; undefined where no run's turn has such a name. */
export function startOf(turn: string): Millis | undefined {
  const [, year, month, day, hour, minute, second] = RUN.exec(turn) ?? [];
  if (year === undefined) return undefined;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

/** Whether the path is a year, a month or a day. */
export function isDate(rest: string): boolean {
  return DATE.test(rest);
}

export function treePath(turn: string): string {
  return `${TREE}/${turn}`;
}

export function idOf(turn: string): string {
  return turn.slice(turn.lastIndexOf('/') + 1);
}

/** The meta.json of a run that starts now. */
export function newMeta(run: RunInfo, at: Millis, parent: string | null): Meta {
  return {
    id: idOf(run.conversation),
    path: treePath(run.conversation),
    agent: run.agent,
    model: run.model,
    session: run.session,
    prompt: run.prompt,
    pid: run.pid,
    ppid: run.ppid,
    uid: run.uid,
    lineage: { parent, forked_from: null, children: [] },
    tokens: NO_TOKENS,
    cost_usd: run.unpriced ? null : 0,
    outcome: 'running',
    started: iso(at),
    ended: null,
  };
}

/**
 * Undefined where there is none or it is not one: the directory is then somebody's own. Throws where the machine has no room
 * to open it.
 */
export function readMeta(dir: string): Meta | undefined {
  const head = readHead(dir, 'meta.json', META_BYTES_MAX);
  if (head === undefined || head.size > META_BYTES_MAX) return undefined;
  try {
    const parsed: unknown = JSON.parse(head.bytes.toString());
    return isMeta(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** What is relied upon; the rest is only shown. */
function isMeta(value: unknown): value is Meta {
  if (typeof value !== 'object' || value === null) return false;
  const { id, agent, session, outcome, pid, prompt, tags }: Partial<Record<keyof Meta, unknown>> = value;
  if (typeof outcome !== 'string' || !isOutcome(outcome)) return false;
  if (typeof id !== 'string' || !isName(id) || typeof agent !== 'string' || typeof session !== 'string') return false;
  if (tags !== undefined && !(Array.isArray(tags) && tags.every(tag => typeof tag === 'string'))) return false;
  return outcome !== 'running' || (Number.isSafeInteger(pid) && typeof prompt === 'string');
}

/** Whether a view can show it as the name of a link. */
function isName(text: string): boolean {
  return !/^\.{0,2}$|[/\0]/.test(text) && Buffer.byteLength(text) <= LIMITS.name_bytes_max;
}

function isOutcome(text: string): text is Outcome {
  return OUTCOMES.some(outcome => outcome === text);
}

/** What a run's end is called in meta.json. */
export function outcomeOf(reason: string): Outcome {
  return isOutcome(reason) && reason !== 'running' ? reason : 'failed';
}

export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

export function iso(at: Millis): string {
  return new Date(at).toISOString();
}

export function usd(micros: Micros): number {
  return micros / 1e6;
}

export function tokensOf(usage: Usage): Tokens {
  const { input, cacheRead, cacheWrite, output } = usage;
  return { input, cache_read: cacheRead, cache_write: cacheWrite, output };
}

/** What cost.json says first; null: nobody knows. */
export function costOf(micros: Micros | null): { cost_usd: number | null; cost_micros: Micros | null } {
  return { cost_usd: micros === null ? null : usd(micros), cost_micros: micros };
}

/** The first paragraph, cut at a length that fits a screen. */
export function summaryOf(output: string): string {
  const paragraph = output.trim().split(/\n\s*\n/, 1)[0] ?? '';
  const cut = paragraph.length > SUMMARY_CHARS_MAX ? `${paragraph.slice(0, SUMMARY_CHARS_MAX)}...` : paragraph;
  return cut === '' ? '' : `${cut}\n`;
}
