/** A plugin, a door, and what each is given. */

import type { Authority, Caller, DoorName, GrantSet } from './authority.ts';
import type { Maybe, Micros, Millis, Path, Verb } from './base.ts';
import type { Config } from './config.ts';
import type { RunEvent } from './run.ts';
import type { State } from './state.ts';
import type { Aos, MountPoint } from './tree.ts';

/** What is in an operation's record, after it is over. Frozen. */
export interface Settled {
  readonly at: Millis;
  readonly verb: Verb;
  readonly path: Path;
  readonly uid: number;
  readonly pid: number;
  readonly door: DoorName;
  readonly run: number | undefined;
  readonly agent: string | undefined;
  readonly cost: Micros;
  /** The error's kind where the operation failed or was refused. */
  readonly error: string | undefined;
  readonly errno: string | undefined;
  /** Who refused, why, and what to do. */
  readonly component: string | undefined;
  /** What the error speaks of, where that is another path: what a message names, say, or what lies below. */
  readonly of?: string | undefined;
  readonly why: string | undefined;
  readonly remedy: string | undefined;
  readonly sid: number;
  /** What a call asked, where its path does not say. */
  readonly about?: string | undefined;
}

/** What a plugin is given at setup. It is all a plugin ever holds of the core. */
export interface PluginApi {
  readonly name: string;
  /** Aborted when the plugin is withdrawn. */
  readonly signal: AbortSignal;
  readonly log: Log;
  now(): Millis;
  /** A directory of the plugin's own, below the home. It exists. */
  dir(name: string): string;
  readonly state: State;
  /** The configuration in force, frozen and already checked; after a reload another object. */
  readonly config: Config;
  /** The tree, as any caller sees it. */
  readonly aos: Aos;
  /** The daemon itself as a caller: may do everything. For a plugin's own housekeeping, never on a user's behalf. */
  readonly self: Caller;
  /** Says what happened in a run to whoever listens. */
  announce(event: RunEvent): void;
  readonly tap: Taps;
  /** Adds a subtree, until the plugin is withdrawn or the returned function is called. */
  mount(point: Omit<MountPoint, 'component'>): () => void;
  /** Tells doors that keep copies that a path has changed or gone. */
  changed(path: Path): void;
}

/** The hooks, as a plugin sees them: it may listen, never hold. */
export interface Taps {
  /** Gives a further grant set for a caller. It can only narrow; a throw denies. */
  narrow(fn: (caller: Caller) => GrantSet | undefined): void;
  /** Every operation that was refused, paid, or changed something. */
  settled(fn: (record: Settled) => void): void;
  /** What happens in runs. */
  run(fn: (event: RunEvent) => void): void;
  /** Money that was spent. */
  spend(fn: (record: Settled) => void): void;
  /** The daemon is stopping: finish within the grace that is left. */
  stop(fn: () => Maybe<void>): void;
}

export interface Plugin {
  readonly name: string;
  /** Names of plugins that must be there first. */
  readonly after?: readonly string[];
  setup(api: PluginApi): Maybe<void>;
}

export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What a door is given. It knows the tree and the callers' authority; it knows no plugin. */
export interface DoorApi {
  readonly aos: Aos;
  readonly log: Log;
  now(): Millis;
  /** The configured authority of a user. */
  authorityOf(uid: number): Authority;
  /** Calls `fn` when something under the tree changed without passing through this door. */
  onChanged(fn: (path: Path) => void): () => void;
  /** Calls `fn` when somebody's authority or a lock became narrower: forget every copy. */
  onNarrowed(fn: () => void): () => void;
  /** Tells of a refusal that the door made itself, before there was a path to ask the gate about; `dir` is where. */
  refused(caller: Caller, dir: Path, error: Error): void;
}
