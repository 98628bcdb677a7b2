/** What was fetched, kept for a while: bounded in number and bytes, the least recently used goes first. */

import type { Millis } from '../core/types.ts';

const ENTRIES_MAX = 10_000;
const BYTES_MAX = 64 * 1024 * 1024;

interface Kept<T> {
  readonly value: T;
  bytes: number;
  /** Answers by itself before this moment. */
  until: Millis;
}

export class Cache<T> {
  private readonly kept = new Map<string, Kept<T>>();
  private bytes = 0;
  private forgotten = 0;
  hits = 0;
  misses = 0;

  /**
   * Grows whenever something is forgotten because it may hold no more. An answer that was asked for under an earlier one may be
   * older than what made it so, and is not to be kept.
   */
  get generation(): number {
    return this.forgotten;
  }

  /** What is fresh. Pure, so that a price can be asked of it. */
  fresh(key: string, now: Millis): T | undefined {
    const entry = this.kept.get(key);
    return entry !== undefined && now < entry.until ? entry.value : undefined;
  }

  /** What is kept, fresh or not: to be revalidated. */
  peek(key: string): T | undefined {
    return this.kept.get(key)?.value;
  }

  /** As `fresh`, counted as an answer. */
  take(key: string, now: Millis): T | undefined {
    const value = this.fresh(key, now);
    const entry = this.kept.get(key);
    if (value === undefined || entry === undefined) {
      this.misses++;
      return undefined;
    }
    this.hits++;
    this.kept.delete(key);
    this.kept.set(key, entry);
    return value;
  }

  put(key: string, value: T, bytes: number, until: Millis): void {
    this.drop(key);
    if (bytes > BYTES_MAX / 4) return;
    this.kept.set(key, { value, bytes, until });
    this.bytes += bytes;
    this.shrink();
  }

  /** What is kept, if it is `value`, takes so much more by now. */
  grow(key: string, value: T, bytes: number): void {
    const entry = this.kept.get(key);
    if (entry?.value !== value) return;
    entry.bytes += bytes;
    this.bytes += bytes;
    this.shrink();
  }

  /** The service said that what is kept still holds. */
  renew(key: string, until: Millis): void {
    const entry = this.kept.get(key);
    if (entry !== undefined) entry.until = until;
  }

  forget(key: string): void {
    this.forgotten++;
    this.drop(key);
  }

  /** Forgets every key of which `test` says so. */
  forgetIf(test: (key: string) => boolean): void {
    this.forgotten++;
    for (const key of [...this.kept.keys()]) if (test(key)) this.drop(key);
  }

  clear(): void {
    this.forgotten++;
    this.kept.clear();
    this.bytes = 0;
  }

  private drop(key: string): void {
    const entry = this.kept.get(key);
    if (entry === undefined) return;
    this.kept.delete(key);
    this.bytes -= entry.bytes;
  }

  private shrink(): void {
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= ENTRIES_MAX && this.bytes <= BYTES_MAX) break;
      this.drop(oldest);
    }
  }

  state(): CacheState {
    return { entries: this.kept.size, bytes: this.bytes, hits: this.hits, misses: this.misses };
  }
}

export interface CacheState {
  readonly entries: number;
  readonly bytes: number;
  readonly hits: number;
  readonly misses: number;
}
