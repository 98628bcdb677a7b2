/** What was spent lately in one scope. */

import type { Micros, Millis } from '../types.ts';

/** Beyond this many entries those of one part of the window are kept as one, so a window never holds many more than both. */
const EXACT = 8;
export const PARTS = 60;

/** Shared by all windows that hold nothing: most scopes are a process that spends once. */
const NOTHING: number[] = [];

export class Window {
  /** Reserved and not yet settled. */
  reserved: Micros = 0;
  private total: Micros = 0;
  private per: Millis;
  /** A ring of pairs (moment, amount). Room for a power of two of them. Unused where the window never moves on. */
  private ring: number[] = NOTHING;
  /** The oldest pair, and how many there are. */
  private head = 0;
  private count = 0;
  /** See `Scope`. */
  readonly born: number;

  /**
   * `per` in milliseconds: money spent at `t` counts until `t + per`; 0: for as long as the window lives. The moments that a
   * window is given never go back.
   */
  constructor(per: Millis, born = 0) {
    this.per = per;
    this.born = born;
  }

  /** Never less than what was spent within the last `per` milliseconds, and at most what fell into one more 60th of it. */
  spent(now: Millis): Micros {
    this.advance(now);
    return this.total;
  }

  add(amount: Micros, now: Millis): void {
    if (amount === 0) return;
    this.advance(now);
    this.total += amount;
    if (this.per !== 0) this.keep(amount, now);
  }

  /** When at most `room` is still counted; undefined where waiting does not help. */
  resets(room: Micros, now: Millis): Millis | undefined {
    this.advance(now);
    if (this.per === 0) return undefined;
    let left = this.total;
    let at = now;
    for (let i = 0; i < this.count && left > room; i++) {
      const slot = this.slot(i);
      left -= this.ring[slot + 1] ?? 0;
      at = (this.ring[slot] ?? 0) + this.per;
    }
    return left <= room ? at : undefined;
  }

  /** What was spent is forgotten; what is reserved stays. */
  clear(): void {
    this.total = 0;
    this.empty();
  }

  /**
   * The configuration now says another length. What is not known by its moment counts as if it had been spent just now. `ever` is
   * what was ever spent, for a window that gets no length; undefined where that is not known.
   */
  reframe(per: Millis, now: Millis, ever?: () => Micros | undefined): void {
    if (per === this.per) return;
    const timeless = this.per === 0;
    this.per = per;
    if (per === 0) {
      this.empty();
      this.total = ever?.() ?? this.total;
    } else if (timeless && this.total !== 0) this.keep(this.total, now);
  }

  /** Nothing is held any more, and nothing counted that is not `kept` elsewhere. */
  idle(now: Millis, kept: boolean): boolean {
    this.advance(now);
    return this.reserved === 0 && (this.total === 0 || (kept && this.per === 0));
  }

  private advance(now: Millis): void {
    const { ring, per } = this;
    while (this.count > 0 && (ring[2 * this.head] ?? 0) + per <= now) {
      this.total -= ring[2 * this.head + 1] ?? 0;
      this.head = (this.head + 1) & (ring.length / 2 - 1);
      this.count--;
    }
    if (this.count === 0 && ring.length > 4) this.empty();
  }

  private keep(amount: Micros, now: Millis): void {
    const last = this.slot(this.count - 1);
    const part = this.per / PARTS;
    if (this.count >= EXACT && Math.floor((this.ring[last] ?? 0) / part) === Math.floor(now / part)) {
      // The later moment for both: kept a little too long rather than too short.
      this.ring[last] = now;
      this.ring[last + 1] = (this.ring[last + 1] ?? 0) + amount;
    } else if (this.ring.length === 0) {
      this.ring = [now, amount];
      this.count = 1;
    } else {
      if (2 * this.count === this.ring.length) this.grow();
      const slot = this.slot(this.count++);
      this.ring[slot] = now;
      this.ring[slot + 1] = amount;
    }
  }

  /** Twice the room, and no more: an array that grows by itself takes room for 16 more at once. */
  private grow(): void {
    const { ring, head } = this;
    const room = new Array<number>(2 * ring.length).fill(0.5);
    for (let i = 0; i < ring.length; i++) room[i] = ring[(2 * head + i) % ring.length] ?? 0;
    this.ring = room;
    this.head = 0;
  }

  private empty(): void {
    this.ring = NOTHING;
    this.head = 0;
    this.count = 0;
  }

  /** Where in the ring the `i`th oldest pair is. */
  private slot(i: number): number {
    return 2 * ((this.head + i) & (this.ring.length / 2 - 1));
  }
}
