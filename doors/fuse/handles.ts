/** fh ↔ what is open: a table with reused slots, one for files and one for directories. */

import { AosError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { Entry, Handle } from '../../core/types.ts';
import type { Inode } from './inodes.ts';

export class OpenFile {
  readonly handle: Handle;
  readonly inode: Inode;
  readonly writable: boolean;
  /** The thread that opened it. */
  readonly opener: number;
  /** Where the last read ended: what poll asks about, since the kernel does not say. */
  position = 0;
  /** The kernel's name for whoever polls; a wake-up goes there. Undefined while none is owed. */
  poller: { readonly lo: number; readonly hi: number } | undefined;

  constructor(handle: Handle, inode: Inode, writable: boolean, opener: number) {
    this.handle = handle;
    this.inode = inode;
    this.writable = writable;
    this.opener = opener;
  }
}

export class OpenDir {
  readonly inode: Inode;
  /** The listing that READDIR walks through; undefined while none was needed. */
  entries: readonly Entry[] | undefined;
  /** Nothing was read yet. Once something was, a return to the beginning lists anew. */
  fresh = true;

  constructor(inode: Inode, entries: readonly Entry[] | undefined) {
    this.inode = inode;
    this.entries = entries;
  }
}

export class Table<T> {
  readonly #slots: (T | undefined)[] = [];
  readonly #free: number[] = [];

  /** Throws `too_many` at the bound of open handles. */
  add(item: T): number {
    const free = this.#free.pop();
    if (free !== undefined) {
      this.#slots[free] = item;
      return free;
    }
    if (this.#slots.length >= LIMITS.open_handles_max) {
      throw new AosError('too_many', {
        component: 'kernel door',
        why: `${LIMITS.open_handles_max} files are open already`,
        remedy: 'close some, or find who leaves them open with lsof',
      });
    }
    return this.#slots.push(item) - 1;
  }

  get(fh: number): T | undefined {
    return this.#slots[fh];
  }

  remove(fh: number): T | undefined {
    const item = this.#slots[fh];
    if (item === undefined) return undefined;
    this.#slots[fh] = undefined;
    this.#free.push(fh);
    return item;
  }

  /** Gives the first that fits. Slow: only for what is rare. */
  find(fits: (item: T) => boolean): T | undefined {
    return this.#slots.find(item => item !== undefined && fits(item));
  }

  /** Takes everything out. */
  drain(): T[] {
    const items = this.#slots.filter(item => item !== undefined);
    this.#slots.length = 0;
    this.#free.length = 0;
    return items;
  }
}
