/** An open file of the disk. */

import { closeSync, fstatSync, fsync, ftruncateSync, readSync, type Stats, writeSync } from 'node:fs';
import type { Attr, FileBody } from '../core/types.ts';

const PERMISSIONS = 0o7777;

/** What `stat` says of a file of the disk. */
export function attrOf(stats: Stats, fixed: boolean): Attr {
  return {
    size: stats.size,
    mode: stats.mode & PERMISSIONS,
    uid: stats.uid,
    gid: stats.gid,
    mtime: stats.mtimeMs,
    atime: stats.atimeMs,
    ctime: stats.ctimeMs,
    nlink: stats.nlink,
    blocks: stats.blocks,
    ino: stats.ino,
    fixed,
  };
}

export interface BodyOptions {
  readonly fixed: boolean;
  /** Bytes; saves a buffer as large as the request when the file is small. */
  readonly size: number;
  /** Called once at close, where something was changed. */
  readonly changed: () => void;
}

/** Reads and writes at offsets, by one system call each. Errors are Node's own, whose errno is kept. */
export class DiskBody implements FileBody {
  private readonly fd: number;
  private readonly options: BodyOptions;
  private open = true;
  private dirty = false;

  constructor(fd: number, options: BodyOptions) {
    this.fd = fd;
    this.options = options;
  }

  read(offset: number, length: number): Uint8Array {
    // One byte more than expected tells the end of the file from a file that grew.
    const expected = Math.max(this.options.size - offset, 0) + 1;
    const first = Buffer.allocUnsafe(Math.min(length, expected));
    const n = readSync(this.fd, first, 0, first.length, offset);
    if (n < first.length || n === length) return first.subarray(0, n);
    const rest = Buffer.allocUnsafe(length - n);
    const more = readSync(this.fd, rest, 0, rest.length, offset + n);
    return Buffer.concat([first, rest.subarray(0, more)]);
  }

  /** On a file opened for appending the offset is the kernel's to choose. */
  write(offset: number, data: Uint8Array): number {
    this.dirty = true;
    let done = 0;
    while (done < data.length) {
      try {
        done += writeSync(this.fd, data, done, data.length - done, offset + done);
      } catch (thrown) {
        if (done > 0) return done;
        throw thrown;
      }
    }
    return done;
  }

  truncate(size: number): void {
    this.dirty = true;
    ftruncateSync(this.fd, size);
  }

  /** Off the main thread: a slow disk holds up its caller and nobody else. */
  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fsync(this.fd, error => (error === null ? resolve() : reject(error)));
    });
  }

  attr(): Attr {
    return attrOf(fstatSync(this.fd), this.options.fixed);
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    closeSync(this.fd);
    if (this.dirty) this.options.changed();
  }
}
