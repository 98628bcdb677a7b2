/** Replies, built in place in the one buffer from which they are written. No I/O. */

import type { Stat } from '../../core/types.ts';
import type { Inode } from './inodes.ts';
import type { Ticket } from './request.ts';
import { ATTR_OUT, DIRENT, ENTRY_OUT, OUT_HEADER } from './wire.ts';

const HIGH = 0x1_0000_0000;
const BLOCK = 4096;

/** How long the kernel may believe a name and its attributes. */
export interface Validity {
  readonly entrySec: number;
  readonly attrSec: number;
}

/** Every method that takes `at` writes there and gives the offset behind what it wrote. */
export class Reply {
  readonly bytes: Buffer;
  readonly #view: DataView;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** struct fuse_out_header. `error` is a positive errno, 0 for none. Gives `length`. */
  header(ticket: Ticket, length: number, error = 0): number {
    const view = this.#view;
    view.setUint32(0, length, true);
    view.setInt32(4, -error, true);
    view.setUint32(8, ticket.lo, true);
    view.setUint32(12, ticket.hi, true);
    return length;
  }

  u32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  u16(at: number, value: number): void {
    this.#view.setUint16(at, value, true);
  }

  u64(at: number, value: number): void {
    this.#view.setUint32(at, value >>> 0, true);
    this.#view.setUint32(at + 4, Math.floor(value / HIGH) >>> 0, true);
  }

  zero(from: number, to: number): void {
    this.bytes.fill(0, from, to);
  }

  /** struct fuse_entry_out */
  entry(at: number, inode: Inode, stat: Stat, valid: Validity): number {
    this.u64(at, inode.id);
    this.u64(at + 8, 0);
    this.u64(at + 16, valid.entrySec);
    this.u64(at + 24, valid.attrSec);
    this.u32(at + 32, 0);
    this.u32(at + 36, 0);
    this.#attr(at + 40, inode, stat);
    return at + ENTRY_OUT;
  }

  /** struct fuse_attr_out */
  attr(at: number, inode: Inode, stat: Stat, valid: Validity): number {
    this.u64(at, valid.attrSec);
    this.u32(at + 8, 0);
    this.u32(at + 12, 0);
    this.#attr(at + 16, inode, stat);
    return at + ATTR_OUT;
  }

  /** struct fuse_attr */
  #attr(at: number, inode: Inode, stat: Stat): void {
    const view = this.#view;
    view.setUint32(at, inode.inoLo, true);
    view.setUint32(at + 4, inode.inoHi, true);
    this.u64(at + 8, stat.size);
    this.u64(at + 16, stat.blocks);
    this.#time(at + 24, at + 48, stat.atime);
    this.#time(at + 32, at + 52, stat.mtime);
    this.#time(at + 40, at + 56, stat.ctime);
    view.setUint32(at + 60, stat.mode, true);
    view.setUint32(at + 64, stat.nlink, true);
    view.setUint32(at + 68, stat.uid, true);
    view.setUint32(at + 72, stat.gid, true);
    view.setUint32(at + 76, 0, true);
    view.setUint32(at + 80, BLOCK, true);
    view.setUint32(at + 84, 0, true);
  }

  #time(secAt: number, nsecAt: number, millis: number): void {
    const sec = Math.floor(millis / 1000);
    this.u64(secAt, sec);
    this.#view.setUint32(nsecAt, Math.min(999_999_999, Math.round((millis - sec * 1000) * 1e6)), true);
  }

  /** struct fuse_open_out */
  open(at: number, fh: number, flags: number): number {
    this.u64(at, fh);
    this.u32(at + 8, flags);
    this.u32(at + 12, 0);
    return at + 16;
  }

  /**
   * struct fuse_dirent with its name and padding. Gives 0, with nothing of it promised, where it would pass `limit`. `next` is the
   * offset at which a later READDIR goes on behind this entry.
   */
  dirent(at: number, limit: number, inoLo: number, inoHi: number, next: number, type: number, name: string): number {
    const nameAt = at + DIRENT;
    const size = this.#name(nameAt, limit, name);
    if (size < 0) return 0;
    const end = nameAt + ((size + 7) & ~7);
    if (end > limit) return 0;
    for (let i = nameAt + size; i < end; i++) this.bytes[i] = 0;
    const view = this.#view;
    view.setUint32(at, inoLo, true);
    view.setUint32(at + 4, inoHi, true);
    this.u64(at + 8, next);
    view.setUint32(at + 16, size, true);
    view.setUint32(at + 20, type, true);
    return end;
  }

  /** Bytes the name takes, or -1 where it would pass `limit`. Written by hand while it is ASCII, as nearly all names are. */
  #name(at: number, limit: number, name: string): number {
    const length = name.length;
    if (at + length > limit) return -1;
    const bytes = this.bytes;
    for (let i = 0; i < length; i++) {
      const code = name.charCodeAt(i);
      if (code >= 0x80) {
        const size = Buffer.byteLength(name);
        if (at + size > limit) return -1;
        return bytes.write(name, at, size, 'utf8');
      }
      bytes[at + i] = code;
    }
    return length;
  }

  /** Data behind the header. Gives the length of the whole reply. */
  data(ticket: Ticket, data: Uint8Array, length: number): number {
    this.bytes.set(length === data.length ? data : data.subarray(0, length), OUT_HEADER);
    return this.header(ticket, OUT_HEADER + length);
  }
}
