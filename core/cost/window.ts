/** What was spent lately in one scope. */

import type { Micros, Millis } from '../types.ts';

/** Beyond this many entries those of one second are kept as one: a window of a minute never holds more than 60 others. */
const EXACT = 8;
const SECOND: Millis = 1000;

export class Window {
  /** Reserved and not yet settled. */
  reserved: Micros = 0;
  private total: Micros = 0;
  private readonly per: Millis;
  /** Pairs of (moment, amount), oldest first. Nothing for a window that never moves on. */
  private readonly entries: number[] = [];
  private head = 0;
  private latest: Millis = 0;

  /** `per` in milliseconds: money spent at `t` counts until `t + per`; 0: for as long as the window lives. */
  constructor(per: Millis) {
    this.per = per;
  }

  /** Never less than what was spent within the last `per` milliseconds, and at most a second's worth more. */
  spent(now: Millis): Micros {
    this.advance(now);
    return this.total;
  }

  add(amount: Micros, now: Millis): void {
    if (amount === 0) return;
    this.advance(now);
    this.total += amount;
    if (this.per === 0) return;
    const { entries, latest } = this;
    const last = entries.length - 2;
    const crowded = last - this.head >= 2 * EXACT;
    if (crowded && Math.floor((entries[last] ?? 0) / SECOND) === Math.floor(latest / SECOND)) {
      // The later moment for both: kept a little too long rather than too short.
      entries[last] = latest;
      entries[last + 1] = (entries[last + 1] ?? 0) + amount;
    } else {
      entries.push(latest, amount);
    }
  }

  /** When at most `room` is still counted; undefined where waiting does not help. */
  resets(room: Micros, now: Millis): Millis | undefined {
    this.advance(now);
    if (this.per === 0) return undefined;
    let left = this.total;
    for (let i = this.head; i < this.entries.length; i += 2) {
      if (left <= room) break;
      left -= this.entries[i + 1] ?? 0;
      if (left <= room) return (this.entries[i] ?? 0) + this.per;
    }
    return left <= room ? now : undefined;
  }

  /** What was spent is forgotten; what is reserved stays. */
  clear(): void {
    this.total = 0;
    this.entries.length = 0;
    this.head = 0;
  }

  /** Nothing is counted or held any more. */
  idle(now: Millis): boolean {
    this.advance(now);
    return this.total === 0 && this.reserved === 0;
  }

  private advance(now: Millis): void {
    if (now < this.latest) this.rewind(this.latest - now);
    this.latest = now;
    const { entries, per } = this;
    while (this.head < entries.length && (entries[this.head] ?? 0) + per <= now) {
      this.total -= entries[this.head + 1] ?? 0;
      this.head += 2;
    }
    if (this.head === entries.length) {
      entries.length = 0;
      this.head = 0;
    } else if (this.head > 2 * EXACT && this.head > entries.length / 2) {
      entries.splice(0, this.head);
      this.head = 0;
    }
  }

  /** A clock that jumped back: what was spent is as old as it was, and stays counted for as long. */
  private rewind(by: Millis): void {
    for (let i = this.head; i < this.entries.length; i += 2) this.entries[i] = (this.entries[i] ?? 0) - by;
  }
}
