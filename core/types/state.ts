/** Durable state, as plugins use it. */

import type { Micros, Millis } from './base.ts';

/** Durable state. `store/` implements it; nothing else opens a database. Each call is durable when it returns. */
export interface State {
  readonly runs: RunState;
  readonly ledger: LedgerState;
  readonly keys: KeyState;
  readonly index: IndexState;
}

/** Accepted messages and the process table in one: a message is a run that has not started. */
export interface RunState {
  /**
   * Accepts a run and gives its pid. With a key used by this agent since `dedupeSince`, gives the earlier run instead and
   * `fresh` is false. `limit` bounds how many may be queued for the agent: over it nothing is stored and the result is undefined.
   */
  accept(run: NewRun, limit: number, dedupeSince: Millis): { row: RunRow; fresh: boolean } | undefined;
  /** The same for several runs of one message, which have one key: all of them or none. The key gives as many as it gave first. */
  acceptAll(
    runs: readonly NewRun[],
    limit: number,
    dedupeSince: Millis,
  ): { rows: readonly RunRow[]; fresh: boolean } | undefined;
  /** Whether `accept` would give an earlier run. */
  repeated(agent: string, key: string, dedupeSince: Millis): boolean;
  get(pid: number): RunRow | undefined;
  /** By state, oldest first. */
  list(states: readonly RunRow['state'][], agent?: string): RunRow[];
  /** The newest runs that have ended, newest first. */
  recent(limit: number): RunRow[];
  queued(agent: string): number;
  update(
    pid: number,
    change: Partial<Pick<RunRow, 'state' | 'started' | 'ended' | 'code' | 'reason' | 'cost' | 'model'>>,
  ): void;
}

export interface NewRun {
  readonly agent: string;
  readonly ppid: number;
  readonly uid: number;
  readonly gid: number;
  readonly session: string;
  readonly model: string;
  readonly key: string | undefined;
  readonly accepted: Millis;
  /** Everything else the run needs to start, as JSON. */
  readonly body: string;
}

export interface RunRow extends NewRun {
  readonly pid: number;
  readonly state: 'queued' | 'running' | 'ended';
  readonly conversation: string;
  readonly started: Millis | null;
  readonly ended: Millis | null;
  readonly code: number | null;
  readonly reason: string | null;
  readonly cost: Micros;
}

/** The journal of money. A reservation is written before the outside is touched; what is never settled counts in full. */
export interface LedgerState {
  reserve(entry: LedgerEntry): number;
  /** The real bill, which counts from `at` on. */
  settle(id: number, spent: Micros, at: Millis): void;
  /** Every reservation that was never settled becomes spent in full at `at`. Gives how many. */
  recover(at: Millis): number;
  total(since: Millis): Micros;
  report(by: LedgerKey, since: Millis): { key: string; micros: Micros; operations: number }[];
  /**
   * Spent since then in the scopes whose key begins like this, oldest first: to fill the windows after a restart. What one
   * scope spent within `part` milliseconds may come as one, at the later moment. Every entry counts for `agent:NAME`
   * too; `path:PATTERN` is all that was spent where a pattern matches, and several patterns, a line each, are one look.
   */
  since(at: Millis, prefix: string, part: Millis): Iterable<SpentEntry>;
  /** Spent and reserved in a scope of which a sum is kept; `at` is when it was last changed. */
  sum(scope: string): { readonly micros: Micros; readonly at: Millis } | undefined;
  /** Forgets the sum of a scope, but for what is reserved. */
  clear(scope: string): void;
}

export interface SpentEntry {
  readonly scope: string;
  readonly at: Millis;
  readonly micros: Micros;
  readonly operations: number;
}

export type LedgerKey = 'agent' | 'model' | 'mount' | 'uid' | 'day';

export interface LedgerEntry {
  readonly at: Millis;
  readonly micros: Micros;
  readonly path: string;
  readonly uid: number;
  readonly agent: string;
  readonly model: string;
  readonly mount: string;
  /** Outermost first. */
  readonly runs: readonly number[];
  /** Scope keys the money counts against. */
  readonly scopes: readonly string[];
  /** Those of them of which a sum is kept for ever. */
  readonly summed: readonly string[];
}

/** Small named values, by namespace. */
export interface KeyState {
  get(space: string, key: string): string | undefined;
  set(space: string, key: string, value: string): void;
  remove(space: string, key: string): void;
  list(space: string): { key: string; value: string }[];
}

/** Full text, rebuilt from the files whenever it is missing. */
export interface IndexState {
  put(path: string, text: string): void;
  remove(path: string): void;
  search(words: string, limit: number): { path: string; excerpt: string }[];
  count(): number;
}
