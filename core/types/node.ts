/** What a plugin serves: nodes by kind, and what one operation carries to them. */

import type { Caller } from './authority.ts';
import type { Maybe, Micros, Millis, Path, Verb } from './base.ts';
import type { Cancel } from './handle.ts';

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
  /** Without `makeFile`: the value that comes to be when it is written, as whoever creates it then does. */
  makeValue?(op: Op, name: string): Maybe<ValueNode>;
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
   * Refuses what is certainly wrong by now, whatever is still to come: shells hear what write says and ignore what close says.
   * Asked with all that was written, each time that a write ends with a newline.
   */
  check?(op: Op, body: Uint8Array): Maybe<void>;
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
   * Refuses what is certainly wrong by now, whatever is still to come: shells hear what write says and ignore what close says.
   * Asked with all that was written, at the first write and where one ends a line or a JSON object; `line`: a newline is at its end.
   */
  check?(op: Op, body: Uint8Array, line: boolean): Maybe<void>;
  commit(op: Op, body: Uint8Array): Maybe<unknown>;
  /** Bytes; the 64 KiB of the contract unless said otherwise. */
  readonly limit?: number;
}

/** Write a request, read the reply, on the same handle. Two handles never see each other's reply. */
export interface CallNode extends NodeBase {
  readonly kind: 'call';
  /** As that of a value. */
  check?(op: Op, request: Uint8Array): Maybe<void>;
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
