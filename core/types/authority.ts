/** Who acts, and what each may do: grants, callers, leases. */

import type { Micros, Millis, Verb } from './base.ts';

/** Permission for some verbs on the paths that a pattern matches (`*` within one name, `**` any number of names). */
export interface Grant {
  readonly verbs: readonly Verb[];
  readonly path: string;
  /** The grant is void from this moment on. */
  readonly until?: Millis;
}

/** One party's say: the uid's configured set, an agent's, a ceiling. An act needs a grant from every set in the list. */
export interface GrantSet {
  /** Who says so, as printed by `aos explain`: `uid 1000`, `agent researcher`, `ceiling`. */
  readonly name: string;
  readonly grants: readonly Grant[];
  /** Has a say only where one of its grants' patterns matches: a ceiling. What lies elsewhere it leaves to the other sets. */
  readonly onlyThere?: boolean;
}

/** Adding a set can only narrow, so a list only ever grows on the way down: caller, agent, ceiling, sub-agent... */
export type Authority = readonly GrantSet[];

/** Which way in. `system` is the daemon itself. */
export type DoorName = 'kernel' | 'socket' | 'shell' | 'run' | 'system';

/** What `/proc` says of a process. `sid` and `tty` are 0 where unknown. */
export interface Identity {
  /** Thread group, never a thread. */
  readonly pid: number;
  /** In clock ticks since boot: with `pid` it names a process for good. */
  readonly startTime: number;
  /** POSIX session. */
  readonly sid: number;
  /** Start time of the session's leader, which with `sid` names the session for good; 0 where the leader has ended. */
  readonly leaderStart?: number;
  /** Device number of the controlling terminal; 0 for none. */
  readonly tty: number;
  readonly comm: string;
}

/** Whoever touches a path. */
export interface Caller {
  readonly uid: number;
  readonly gid: number;
  readonly door: DoorName;
  readonly authority: Authority;
  /** The aos pid, where the caller is an agent's run. */
  readonly run?: number;
  /** The run's ancestors and itself, outermost first: money spent by one counts against all. */
  readonly runs?: readonly number[];
  readonly agent?: string;
  /** Read from `/proc` when first needed and again before anything paid or locked (`fresh`). */
  identity(fresh?: boolean): Identity;
  /** The process's parents as they are now, the nearest first; empty where they are not known. */
  ancestors?(): readonly ProcessId[];
  /** Budgets that travel with the caller: one for each run in its chain, outermost first. */
  readonly purses?: readonly Purse[];
}

/** A process for good: its pid may be another's later, its start time not. */
export interface ProcessId {
  readonly pid: number;
  /** In clock ticks since boot. */
  readonly startTime: number;
}

/** What a run may spend, with all that it starts. */
export interface Purse {
  readonly run: number;
  readonly limit: Micros;
}

/** Permission to use what is locked, for a while. */
export interface Lease {
  readonly id: number;
  /** Covers this path and everything below it. */
  readonly path: string;
  /** Over when the clock reaches it. */
  readonly until: Millis;
  /** Who took it. */
  readonly uid: number;
  readonly scope: LeaseScope;
  /** Stands in for the pid, session and uid budgets below the path. */
  readonly budget?: Micros;
}

/** Whom a lease serves, of the user who took it (see `Identity`); `agent` serves that agent's runs, whoever started them. */
export type LeaseScope =
  | { readonly kind: 'session'; readonly sid: number; readonly leaderStart?: number }
  | { readonly kind: 'uid' }
  | { readonly kind: 'agent'; readonly agent: string }
  | { readonly kind: 'process'; readonly pid: number; readonly startTime: number };
