/** A run of an agent, as it happens. */

import type { Micros, Millis } from './base.ts';

/** One line of a run's trace, contract section 8. */
export interface TraceEvent {
  readonly v: 1;
  readonly ts: string;
  readonly type: string;
  readonly [field: string]: unknown;
}

/** What a run is, from acceptance to its end. */
export interface RunInfo {
  readonly pid: number;
  readonly ppid: number;
  readonly agent: string;
  readonly model: string;
  /** The turn's directory below /aos/conversations: `YYYY/MM/DD/<id>`. */
  readonly conversation: string;
  readonly session: string;
  readonly prompt: string;
  readonly uid: number;
  /** The price of its model is not known, so what is known of its cost leaves out what that took. */
  readonly unpriced?: true;
}

/** An earlier turn, `YYYY/MM/DD/<id>`, by the hash of its context.ctx. */
export interface TurnLink {
  readonly turn: string;
  readonly sha256: string;
}

export type RunEvent =
  | { readonly kind: 'accepted'; readonly run: RunInfo; readonly at: Millis }
  | { readonly kind: 'started'; readonly run: RunInfo; readonly at: Millis }
  /** What it goes on from, oldest first; and where it begins a branch, the turn that it branches from. */
  | {
      readonly kind: 'context';
      readonly run: RunInfo;
      readonly chain: readonly TurnLink[];
      readonly forkedFrom: string | null;
    }
  | { readonly kind: 'trace'; readonly run: RunInfo; readonly event: TraceEvent }
  | { readonly kind: 'status'; readonly run: RunInfo; readonly status: RunStatus }
  | { readonly kind: 'ended'; readonly run: RunInfo; readonly end: RunEnd; readonly at: Millis };

export type RunStatus = 'queued' | 'running' | 'paused' | 'stopping' | 'throttled' | 'budget_exceeded' | 'zombie';

export interface RunEnd {
  readonly code: number;
  /** completed, failed, stopped, killed, timeout, budget, interrupted */
  readonly reason: string;
  readonly output: string;
  readonly cost: Micros;
  readonly usage: Usage;
  readonly durationMs: number;
  /** What went wrong, in one sentence. */
  readonly message?: string;
}

/** Tokens. Null where the server does not say; null is not 0. */
export interface Usage {
  readonly input: number | null;
  readonly cacheRead: number | null;
  readonly cacheWrite: number | null;
  readonly output: number | null;
}
