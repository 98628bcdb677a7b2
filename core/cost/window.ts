/** What was spent lately: a ring of buckets, so that any history costs the same. */

import type { Micros, Millis } from '../types.ts';

const BUCKETS = 60;

export class Window {
  /** Reserved and not yet settled. */
  reserved: Micros = 0;
  private total: Micros = 0;
  private readonly width: Millis;
  private readonly buckets: Float64Array | undefined;
  private last = 0;

  /** `per` in milliseconds; 0 for a window that never moves on. */
  constructor(per: Millis) {
    this.width = per === 0 ? 0 : Math.max(1, Math.ceil(per / BUCKETS));
    this.buckets = per === 0 ? undefined : new Float64Array(BUCKETS);
  }

  /** Settled within the window. Never less than what was spent in the last `per` milliseconds. */
  spent(now: Millis): Micros {
    this.advance(now);
    return this.total;
  }

  add(amount: Micros, now: Millis): void {
    this.advance(now);
    this.total += amount;
    if (this.buckets === undefined) return;
    const slot = this.last % BUCKETS;
    this.buckets[slot] = (this.buckets[slot] ?? 0) + amount;
  }

  /** When the oldest money in the window leaves it; undefined where nothing does. */
  resets(now: Millis): Millis | undefined {
    this.advance(now);
    if (this.buckets === undefined || this.total === 0) return undefined;
    for (let age = BUCKETS - 1; age >= 0; age--) {
      const index = this.last - age;
      if (index >= 0 && (this.buckets[index % BUCKETS] ?? 0) > 0) return (index + BUCKETS) * this.width;
    }
    return undefined;
  }

  /** A clock that jumps back moves nothing: time here never runs backwards. */
  private advance(now: Millis): void {
    if (this.buckets === undefined) return;
    const index = Math.floor(now / this.width);
    if (index <= this.last) return;
    const steps = Math.min(index - this.last, BUCKETS);
    for (let i = 1; i <= steps; i++) {
      const slot = (this.last + i) % BUCKETS;
      this.total -= this.buckets[slot] ?? 0;
      this.buckets[slot] = 0;
    }
    this.last = index;
  }
}
