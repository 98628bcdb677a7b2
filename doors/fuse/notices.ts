/**
 * What the kernel is told unasked. A wake-up may be written at once. An invalidation waits in the kernel for the lock of a directory
 * or page whose holder may be waiting for our answer, so it is written off the main thread, one at a time.
 */

import { NOTIFY, OUT_HEADER } from './wire.ts';

/** Writes one frame without blocking the caller; `done` follows in any case. */
export type SendLater = (frame: Buffer, done: () => void) => void;
/** Writes one frame at once. */
export type SendNow = (frame: Buffer) => void;

/** Invalidations waiting at once. Over it, everything is forgotten in one go instead. */
const WAITING_MAX = 4096;

export class Notices {
  readonly #now: SendNow;
  readonly #later: SendLater;
  /** By what they say, so that one that waits is not queued twice. */
  readonly #waiting = new Map<string, Buffer>();
  #busy = false;
  #closed = false;

  constructor(now: SendNow, later: SendLater) {
    this.#now = now;
    this.#later = later;
  }

  /** struct fuse_notify_poll_wakeup_out: whoever polls `poller` should ask again. */
  wake(poller: { readonly lo: number; readonly hi: number }): void {
    if (this.#closed) return;
    const frame = notice(NOTIFY.POLL, 8);
    frame.writeUInt32LE(poller.lo, OUT_HEADER);
    frame.writeUInt32LE(poller.hi, OUT_HEADER + 4);
    this.#now(frame);
  }

  /** Forgets every name at once. Only for kernels that know it. */
  newEpoch(): void {
    if (!this.#closed) this.#now(notice(NOTIFY.INC_EPOCH, 0));
  }

  /** struct fuse_notify_inval_inode_out: forget the attributes and all pages. */
  inode(nodeid: number): void {
    const frame = notice(NOTIFY.INVAL_INODE, 24);
    put64(frame, OUT_HEADER, nodeid);
    this.#queue(`i${nodeid}`, frame);
  }

  /** struct fuse_notify_inval_entry_out: forget a name. */
  entry(parent: number, name: string): void {
    const size = Buffer.byteLength(name);
    const frame = notice(NOTIFY.INVAL_ENTRY, 16 + size + 1);
    put64(frame, OUT_HEADER, parent);
    frame.writeUInt32LE(size, OUT_HEADER + 8);
    frame.write(name, OUT_HEADER + 16);
    this.#queue(`e${parent}/${name}`, frame);
  }

  /** False while as many wait as may. */
  get hasRoom(): boolean {
    return this.#waiting.size < WAITING_MAX;
  }

  close(): void {
    this.#closed = true;
    this.#waiting.clear();
  }

  #queue(key: string, frame: Buffer): void {
    if (this.#closed) return;
    this.#waiting.set(key, frame);
    if (!this.#busy) this.#next();
  }

  #next(): void {
    for (const [key, frame] of this.#waiting) {
      this.#waiting.delete(key);
      this.#busy = true;
      this.#later(frame, () => {
        this.#busy = false;
        this.#next();
      });
      return;
    }
  }
}

/** A notification is a reply to request 0 whose error field holds the code. */
function notice(code: number, size: number): Buffer {
  const frame = Buffer.alloc(OUT_HEADER + size);
  frame.writeUInt32LE(frame.length, 0);
  frame.writeInt32LE(code, 4);
  return frame;
}

function put64(frame: Buffer, at: number, value: number): void {
  frame.writeUInt32LE(value >>> 0, at);
  frame.writeUInt32LE(Math.floor(value / 0x1_0000_0000), at + 4);
}
