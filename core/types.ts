/**
 * Every noun of Agent OS. The core knows only these: paths, callers, authority, locks and money. It performs operations
 * on nodes and implements none; whatever a user sees is a plugin that serves a subtree through the interfaces below.
 */

/** An answer now, or later. Whatever can answer at once must: the doors then reply within the same tick. */
export type Maybe<T> = T | Promise<T>;

/**
 * A path in the tree: absolute, beginning with `/aos`, no empty, `.` or `..` part, no trailing slash. Made only by
 * `path.ts`, so a string that was never checked does not compile where a Path is wanted.
 */
export type Path = string & { readonly __path: true };

/** What may be done to a path. Invoking an agent is `write` on its inbox; using a tool or a model is `call` on it. */
export type Verb = 'stat' | 'list' | 'read' | 'write' | 'create' | 'remove' | 'call';

/** Money, as an integer number of micro-dollars. */
export type Micros = number;

/** Milliseconds since the epoch, from the one clock the composition root hands out. */
export type Millis = number;

// ---------------------------------------------------------------------------------------------------------- authority

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

// --------------------------------------------------------------------------------------------------------------- nodes

/** What one operation carries to the plugin that serves it. */
export interface Op {
  readonly caller: Caller;
  readonly verb: Verb;
  readonly path: Path;
  /** Fires when the caller gave up (Ctrl-C). */
  readonly signal: AbortSignal;
  /** The same wish, to hand on to what is asked of the tree on the caller's behalf. */
  readonly cancel: Cancel;
  /** Where a plugin that touches the outside reports what it cost. Free operations have one too; it refuses nothing. */
  readonly meter: Meter;
  /**
   * What the audit says of a call: in a few words what was asked, or `false` where it only looks and is told no more than a read is.
   * The plugin sets it as soon as it knows.
   */
  told?: string | false;
}

/** The money side of one operation. Reserved before the plugin ran, settled after. */
export interface Meter {
  /** What is reserved, at most. */
  readonly max: Micros;
  readonly spent: Micros;
  /** Adds to the bill as it grows. False, at once, when it is more than was reserved: stop there. */
  spend(amount: Micros): boolean;
}

/** A name in a listing. */
export interface Entry {
  readonly name: string;
  readonly kind: NodeKind;
  /** On the name that says a listing was cut: the cursor from which it goes on. */
  readonly next?: string;
}

export type NodeKind = 'dir' | 'value' | 'log' | 'message' | 'call' | 'file' | 'link';

/** What `stat` may say beyond the kind. Everything left out has a sensible default. */
export interface Attr {
  readonly size?: number;
  /** Permission bits only. By default made from the verbs that the node has. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: Millis;
  readonly atime?: Millis;
  readonly ctime?: Millis;
  /** Names that a file has. A directory's are not told: they count those of its parts that a caller may not see. */
  readonly nlink?: number;
  /** Space it takes, in units of 512 bytes; by default what its size needs. */
  readonly blocks?: number;
  /** Names the same file wherever it is linked, within one mount. */
  readonly ino?: number;
  /** On a directory: its own path can be opened as a file too, as far as is known without asking. */
  readonly opens?: true;
  /** Never changes again: the kernel may keep it for an hour. Left out or false: it keeps nothing. */
  readonly fixed?: boolean;
}

interface NodeBase {
  readonly attr?: Attr;
  /** Invoking the node in process: values and async iterables, never bytes. Works on any kind (a model is a directory). */
  call?(op: Op, request: unknown): Maybe<unknown>;
  /** Named parts, read and set as extended attributes and as paths below the node. */
  readonly fields?: Readonly<Record<string, Field>>;
  /** Extended attributes that a real file keeps (`user.*`). */
  readonly xattrs?: Xattrs;
  /** Changes of mode, owner and times. Without it: EPERM. */
  change?(op: Op, change: AttrChange): Maybe<void>;
}

/** A part of a file that has fields. */
export interface Field {
  read(op: Op): Maybe<string>;
  write?(op: Op, value: string): Maybe<void>;
}

export interface Xattrs {
  get(name: string): Uint8Array | undefined;
  list(): readonly string[];
  set?(name: string, value: Uint8Array): void;
  remove?(name: string): void;
}

export interface AttrChange {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly atime?: Millis;
  readonly mtime?: Millis;
}

/** A directory. Leave a verb out and the core answers for it (EROFS). */
export interface DirNode extends NodeBase {
  readonly kind: 'dir';
  /** With a cursor, which an earlier listing ended with: what follows it. Only a directory with `pages` is given one. */
  list(op: Op, cursor?: string): Maybe<Iterable<Entry>>;
  /** Its listings may be cut. Without it a cursor is EINVAL. */
  readonly pages?: true;
  makeFile?(op: Op, name: string, mode: number, how: OpenHow): Maybe<FileBody>;
  makeDir?(op: Op, name: string, mode: number): Maybe<void>;
  makeLink?(op: Op, name: string, target: string): Maybe<void>;
  /** Adds a second name for the file at `from`, a path in the same mount relative to its root. */
  makeHardLink?(op: Op, name: string, from: string): Maybe<void>;
  remove?(op: Op, name: string): Maybe<void>;
  removeDir?(op: Op, name: string): Maybe<void>;
  /** Moves `name` to `to`, a path in the same mount relative to its root. */
  rename?(op: Op, name: string, to: string, how: RenameHow): Maybe<void>;
}

export interface RenameHow {
  readonly noReplace: boolean;
  readonly exchange: boolean;
}

/** A snapshot taken at open; ends in one newline. */
export interface ValueNode extends NodeBase {
  readonly kind: 'value';
  read?(op: Op): Maybe<string | Uint8Array>;
  /**
   * Refuses by throwing, and at once, what is certainly wrong by now, whatever is still to come: shells hear what write says and
   * ignore what close says. Asked with all that was written, each time that a write ends with a newline.
   */
  check?(op: Op, body: Uint8Array): void;
  /** Replaces the value; commits once, at close. */
  write?(op: Op, body: Uint8Array): Maybe<unknown>;
  /** True where `read` is cheap, local and free, so `stat` may call it to tell the size. */
  readonly local?: boolean;
}

/** Text that only grows. */
export interface LogNode extends NodeBase {
  readonly kind: 'log';
  readonly source: LogSource;
}

export interface LogSource {
  readonly size: number;
  /** At most `length` bytes from `offset`; empty at the end. */
  read(offset: number, length: number): Uint8Array;
  /** Calls `wake` at each growth until the returned function is called. */
  watch(wake: () => void): () => void;
  /** Nothing will be added any more. */
  readonly ended: boolean;
  readonly mtime?: Millis;
}

/** Write-only: what one open wrote is committed once, at close. The receipt goes back to a door that can carry one. */
export interface MessageNode extends NodeBase {
  readonly kind: 'message';
  /** Refuses early, at open, by throwing: shells ignore what close says. */
  accept?(op: Op): void;
  /**
   * Keeps a place for a message of which the first bytes come, or refuses it by throwing. Gives what to call when the
   * message has been committed or given up.
   */
  hold?(op: Op): () => void;
  /**
   * Refuses by throwing, and at once, what is certainly wrong by now, whatever is still to come: shells hear what write says and
   * ignore what close says. Asked with all that was written, each time that a write ends with a newline.
   */
  check?(op: Op, body: Uint8Array): void;
  commit(op: Op, body: Uint8Array): Maybe<unknown>;
  /** Bytes; the 64 KiB of the contract unless said otherwise. */
  readonly limit?: number;
}

/** Write a request, read the reply, on the same handle. Two handles never see each other's reply. */
export interface CallNode extends NodeBase {
  readonly kind: 'call';
  reply(op: Op, request: Uint8Array): Maybe<string | Uint8Array>;
}

/** An ordinary file, byte for byte. */
export interface FileNode extends NodeBase {
  readonly kind: 'file';
  open(op: Op, how: OpenHow): Maybe<FileBody>;
  truncate?(op: Op, size: number): Maybe<void>;
}

/** An open ordinary file. Errors are thrown as AosError, or as Node's own system errors, whose errno is kept. */
export interface FileBody {
  read(offset: number, length: number): Maybe<Uint8Array>;
  write(offset: number, data: Uint8Array): Maybe<number>;
  truncate(size: number): Maybe<void>;
  sync(): Maybe<void>;
  /** The current size, for a handle whose file may have lost its name. */
  attr(): Attr;
  close(): void;
  allocate?(mode: number, offset: number, length: number): void;
  /** SEEK_DATA (3) and SEEK_HOLE (4). */
  seek?(offset: number, whence: number): number;
}

export interface LinkNode extends NodeBase {
  readonly kind: 'link';
  readonly target: string;
}

export type Node = DirNode | ValueNode | LogNode | MessageNode | CallNode | FileNode | LinkNode;

export interface OpenHow {
  readonly read: boolean;
  readonly write: boolean;
  readonly append: boolean;
  readonly truncate: boolean;
  readonly exclusive?: boolean;
}

// -------------------------------------------------------------------------------------------------- what doors receive

export interface Stat {
  readonly kind: NodeKind;
  /** Type and permission bits, as in `st_mode`. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: Millis;
  readonly atime: Millis;
  readonly ctime: Millis;
  /** 1 for a directory, which to find(1) and its like says nothing about how many are below. */
  readonly nlink: number;
  /** Space it takes, in units of 512 bytes. */
  readonly blocks: number;
  /** 0 where the plugin has none: the door then makes one up for the path. */
  readonly ino: number;
  readonly fixed: boolean;
  /** The name leads to this directory for as long as the daemon runs, though its content may change. */
  readonly anchored: boolean;
  /** What is said here stays true for as long as the name leads there: a directory that the system makes up. */
  readonly still: boolean;
  /** A directory whose own path can be opened as a file too: what is there is only known by asking. */
  readonly opens?: true;
  /** Only for a link. */
  readonly target?: string;
}

/** What opening a path gives a door. Every call passes the gate again. */
export interface Handle {
  readonly kind: NodeKind;
  readonly path: Path;
  /** Bypass the page cache: what is read is not the file's lasting content. */
  readonly direct: boolean;
  /** The page cache may keep it from one open to the next. */
  readonly keep: boolean;
  readonly seekable: boolean;
  read(offset: number, length: number, cancel?: Cancel): Maybe<Uint8Array>;
  write(offset: number, data: Uint8Array, cancel?: Cancel): Maybe<number>;
  truncate(size: number, cancel?: Cancel): Maybe<void>;
  /**
   * Commits what is uncommitted. Gives the receipt, where the node has one. `last`: nothing more will be written, so a value
   * that was opened to be emptied, and to which nothing was written, is emptied.
   */
  flush(cancel?: Cancel, last?: boolean): Maybe<unknown>;
  sync(cancel?: Cancel): Maybe<void>;
  stat(): Maybe<Stat>;
  /** Whether a read at `offset` would find something; where not, `wake` is called once when that changes. */
  poll(offset: number, wake?: () => void): boolean;
  /** A log to which nothing will be added; true for every other kind. */
  readonly ended: boolean;
  allocate(mode: number, offset: number, length: number): void;
  seek(offset: number, whence: number): number;
  /** Lets go of what was not committed, and empties a value as the last `flush` does. Says nothing of how that ended. */
  close(): void;
  /** Lets go of what never reached whoever opened it, or whose user is gone: commits nothing. */
  abandon(): void;
}

/** A caller's wish to stop one operation. The signal is made only when somebody asks for it. */
export interface Cancel {
  readonly aborted: boolean;
  readonly signal: AbortSignal;
  abort(): void;
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

// ------------------------------------------------------------------------------------------------------------- plugins

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

/** The levers of policy: what the system's own files and the mounts are built on. Only the composition root hands it out. */
export interface PolicyControl {
  readonly leases: {
    /** Takes a lease and tells everybody to look again. */
    add(lease: Omit<Lease, 'id'>): Lease;
    end(id: number): boolean;
    /** In force now, oldest first. */
    list(): readonly Lease[];
  };
  readonly breaker: {
    readonly tripped: { readonly at: Millis; readonly path: string; readonly why: string } | undefined;
    reset(): void;
  };
  /** The mount that serves a path. */
  mountAt(path: Path): MountPoint;
  /** Whether the path exists for the caller. */
  sees(caller: Caller, path: Path): boolean;
  /** Every budget that an operation of this caller on this path counts against, with what is used of it now. */
  budgets(caller: Caller, path: Path): readonly BudgetState[];
}

export interface BudgetState {
  readonly layer: string;
  readonly key: string;
  readonly limit: Limit;
  /** Spent and reserved. */
  readonly used: Micros;
  /** When nothing of it counts any more; undefined where it does not reset by the clock, or nothing counts. */
  readonly resets: Millis | undefined;
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

// ---------------------------------------------------------------------------------------------------------------- runs

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
}

export type RunEvent =
  | { readonly kind: 'accepted'; readonly run: RunInfo; readonly at: Millis }
  | { readonly kind: 'started'; readonly run: RunInfo; readonly at: Millis }
  /** What it goes on from: earlier turns, oldest first; and where it begins a branch, the turn that it branches from. */
  | {
      readonly kind: 'context';
      readonly run: RunInfo;
      readonly turns: readonly string[];
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

// --------------------------------------------------------------------------------------------------------------- state

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
   * scope spent within `part` milliseconds may come as one, at the later moment.
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

// ------------------------------------------------------------------------------------------------------- configuration

export interface Config {
  readonly model?: string;
  readonly aliases: Readonly<Record<string, string>>;
  readonly backends: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** By uid, as text. */
  readonly grants: Readonly<Record<string, readonly Grant[]>>;
  /** By path pattern: the only verbs that anybody but the daemon itself may use there. */
  readonly ceilings: Readonly<Record<string, readonly Verb[]>>;
  readonly budgets: Budgets;
  readonly audit: { readonly reads: boolean; readonly file_bytes_max: number };
  readonly plugins: readonly string[];
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' };
}

/** Limits in micro-dollars per window; 0 switches a layer off. */
export interface Budgets {
  /** By agent's name. */
  readonly agents: Readonly<Record<string, Limit>>;
  readonly pid: Limit;
  readonly session: Limit;
  readonly uid: Limit;
  readonly global: Limit;
  /** Paid operations in a second, for one process. */
  readonly velocity: number;
  /** By path pattern. */
  readonly subtree: Readonly<Record<string, Limit>>;
}

export interface Limit {
  readonly usd: Micros;
  /** Milliseconds; 0 for no window: since the scope began. */
  readonly per: Millis;
}
