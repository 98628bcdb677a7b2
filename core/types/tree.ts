/** The tree: what serves a part of it, what everybody uses of it, and why an operation would be refused. */

import type { Caller } from './authority.ts';
import type { Limit, Maybe, Micros, Path, Verb } from './base.ts';
import type { Cancel, Handle, Stat } from './handle.ts';
import type { AttrChange, Entry, Node, Op, OpenHow, RenameHow } from './node.ts';

/** What serves one subtree. `rest` is the path below the mount: '' for the mount itself, else 'a/b'. */
export interface Tree {
  /** The node at `rest`, or undefined where there is none. */
  node(rest: string, op: Op): Maybe<Node | undefined>;
  /** Numbers for `statfs`; made up where missing. */
  space?(): { readonly blocks: number; readonly free: number; readonly files: number; readonly filesFree: number };
}

export interface MountPoint {
  readonly path: Path;
  readonly tree: Tree;
  /** The plugin that serves it, named in errors. */
  readonly component: string;
  /** Anything that reaches outside needs a lease while this is true. */
  readonly locked?: boolean;
  /** A budget of its own, for all who use it. */
  readonly limit?: Limit;
  /** What is local under the lock: answered without a lease. By default the mount's own directory. */
  readonly open?: (rest: string, verb: Verb) => boolean;
  /** The path of an operation, of the same verb, that this one makes where the caller may: for `explain`. */
  readonly leadsTo?: (rest: string, verb: Verb) => Path | undefined;
  /**
   * The most one operation can cost. Pure; asked before the plugin runs. Left out: free. `request` is what is called with; of
   * a listing, its cursor.
   */
  readonly price?: (verb: Verb, rest: string, request: unknown) => Micros;
}

/** The tree under a caller: what doors and plugins use. Every call passes `perform`. */
export interface Aos {
  stat(caller: Caller, path: Path, cancel?: Cancel): Maybe<Stat>;
  /** With a cursor, the part that begins there. A listing that was cut holds an entry with `next`. */
  list(caller: Caller, path: Path, cancel?: Cancel, cursor?: string): Maybe<Entry[]>;
  open(caller: Caller, path: Path, how: OpenHow, cancel?: Cancel): Maybe<Handle>;
  /** `mode`: permission bits, with the caller's umask taken off. Whoever may create and not write makes new files only. */
  create(caller: Caller, path: Path, mode: number, how: OpenHow, cancel?: Cancel): Maybe<Handle>;
  /** Opens what is there, creates what is not: for doors that have no kernel to say which. */
  openOrCreate(caller: Caller, path: Path, mode: number, how: OpenHow, cancel?: Cancel): Maybe<Handle>;
  /** The whole of a node's content. */
  read(caller: Caller, path: Path, cancel?: Cancel): Maybe<Uint8Array>;
  /** Replaces the whole content, creating a file where the directory can; for a message, sends it. Gives the receipt. */
  write(caller: Caller, path: Path, body: Uint8Array, cancel?: Cancel): Maybe<unknown>;
  call(caller: Caller, path: Path, request: unknown, cancel?: Cancel): Maybe<unknown>;
  makeDir(caller: Caller, path: Path, mode: number, cancel?: Cancel): Maybe<void>;
  makeLink(caller: Caller, path: Path, target: string, cancel?: Cancel): Maybe<void>;
  makeHardLink(caller: Caller, path: Path, from: Path, cancel?: Cancel): Maybe<void>;
  remove(caller: Caller, path: Path, cancel?: Cancel): Maybe<void>;
  removeDir(caller: Caller, path: Path, cancel?: Cancel): Maybe<void>;
  rename(caller: Caller, from: Path, to: Path, how: RenameHow, cancel?: Cancel): Maybe<void>;
  change(caller: Caller, path: Path, change: AttrChange, cancel?: Cancel): Maybe<void>;
  truncate(caller: Caller, path: Path, size: number, cancel?: Cancel): Maybe<void>;
  /** Undefined: no such attribute. Fields are `user.<name>`. */
  getXattr(caller: Caller, path: Path, name: string, cancel?: Cancel): Maybe<Uint8Array | undefined>;
  listXattrs(caller: Caller, path: Path, cancel?: Cancel): Maybe<string[]>;
  setXattr(caller: Caller, path: Path, name: string, value: Uint8Array, cancel?: Cancel): Maybe<void>;
  removeXattr(caller: Caller, path: Path, name: string, cancel?: Cancel): Maybe<void>;
  space(caller: Caller, path: Path): { blocks: number; free: number; files: number; filesFree: number };
  explain(caller: Caller, verb: Verb, path: Path): Explanation;
  /**
   * What a budget would say to a call on the path that cost so much; undefined where there is room, or will be once what others
   * hold comes back. `costs` says what the price is that of, as a clause begins.
   */
  unaffordable(caller: Caller, path: Path, price: Micros, costs: string): Error | undefined;
}

/** Why an act would be allowed or refused, step by step, in the order of the gate. */
export interface Explanation {
  readonly verb: Verb;
  readonly path: Path;
  readonly allowed: boolean;
  readonly steps: readonly ExplainStep[];
}

export interface ExplainStep {
  readonly step: 'resolve' | 'authorise' | 'lock' | 'reserve';
  /** The set, mount, lease or budget layer that spoke. */
  readonly by: string;
  readonly allowed: boolean;
  readonly why: string;
}
