import { LIMITS } from '../core/limits.ts';
import type { LogSource, Millis } from '../core/types.ts';

const SLAB_BYTES = 64 * 1024;

/** A log in memory. Grows until `ended`, or until its limit: then it says so once and takes no more. */
export class LogBuffer implements LogSource {
  size = 0;
  ended = false;
  mtime: Millis;
  private readonly slabs: Uint8Array[] = [];
  private readonly watchers = new Set<() => void>();
  private readonly now: () => Millis;
  private readonly limit: number;

  constructor(now: () => Millis, limit: number = LIMITS.log_bytes_max) {
    this.now = now;
    this.limit = limit;
    this.mtime = now();
  }

  append(text: string): void {
    if (this.ended || text === '') return;
    const bytes = Buffer.from(text);
    const room = this.limit - this.size;
    if (bytes.length > room) {
      this.store(Buffer.from(`\n[cut: this log holds at most ${this.limit} bytes]\n`));
      this.ended = true;
    } else {
      this.store(bytes);
    }
    this.wake();
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.wake();
  }

  read(offset: number, length: number): Uint8Array {
    const end = Math.min(offset + length, this.size);
    if (offset >= end) return new Uint8Array(0);
    const out = Buffer.allocUnsafe(end - offset);
    for (let at = offset; at < end; ) {
      const slab = this.slabs[Math.floor(at / SLAB_BYTES)];
      if (slab === undefined) break;
      const within = at % SLAB_BYTES;
      const part = slab.subarray(within, Math.min(SLAB_BYTES, within + end - at));
      out.set(part, at - offset);
      at += part.length;
    }
    return out;
  }

  text(): string {
    return Buffer.from(this.read(0, this.size)).toString();
  }

  watch(wake: () => void): () => void {
    this.watchers.add(wake);
    return () => this.watchers.delete(wake);
  }

  private store(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const within = this.size % SLAB_BYTES;
      if (within === 0) this.slabs.push(new Uint8Array(SLAB_BYTES));
      const slab = this.slabs.at(-1);
      if (slab === undefined) return;
      const part = bytes.subarray(at, at + SLAB_BYTES - within);
      slab.set(part, within);
      at += part.length;
      this.size += part.length;
    }
    this.mtime = this.now();
  }

  private wake(): void {
    for (const watcher of [...this.watchers]) watcher();
  }
}
