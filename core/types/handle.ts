/** What doors receive of a node: its attributes, and it being open. */

import type { Maybe, Millis, Path } from './base.ts';
import type { NodeKind } from './node.ts';

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
