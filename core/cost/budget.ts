/**
 * Money is reserved before the outside is touched, at the most it could cost, in every scope at once or in none; then
 * settled to the real bill. Concurrent callers can therefore never overspend together.
 */

import { AosError } from '../errors.ts';
import type { Limit, Meter, Micros, Millis } from '../types.ts';
import { type Refusing, refusal } from './refusal.ts';
import { Window } from './window.ts';

export type Layer = 'pid' | 'session' | 'uid' | 'agent' | 'subtree' | 'lease' | 'run' | 'global' | 'velocity';

/** One budget that an operation counts against. */
export interface Scope {
  /** Names the window: `uid:1000`, `session:412`, `global`. */
  readonly key: string;
  readonly layer: Layer;
  /** In micro-dollars; in operations for velocity. 0: counted, never refused, except for a run or a lease: nothing. */
  readonly limit: Limit;
}

export const FREE: Meter = Object.freeze({ max: 0, spent: 0, spend: () => true });

/** Money held for one operation. */
export class Reservation implements Meter {
  spent: Micros = 0;
  readonly max: Micros;
  /** Undefined once settled. */
  windows: readonly Window[] | undefined;

  constructor(max: Micros, windows: readonly Window[]) {
    this.max = max;
    this.windows = windows;
  }

  spend(amount: Micros): boolean {
    this.spent += whole(amount, 'the bill of an operation');
    return this.spent <= this.max;
  }
}

/** How many windows each reservation looks at, to forget those that count nothing any more. */
const SWEEP = 2;

export class Budget {
  private readonly windows = new Map<string, Window>();
  private sweeper = this.windows.entries();

  get size(): number {
    return this.windows.size;
  }

  /**
   * Takes `price` from every scope. Throws `budget` or `velocity`, naming of the scopes that refuse the one that lasts
   * longest, and takes nothing; `invalid` for a price that is no amount.
   */
  reserve(scopes: readonly Scope[], price: Micros, now: Millis, path: string): Reservation {
    const max = whole(price, `the price of ${path}`);
    const windows: Window[] = [];
    let pace: Window | undefined;
    let worst: Refusing | undefined;
    for (const scope of scopes) {
      const window = this.window(scope);
      const refusing = refuses(scope, window, max, now);
      if (refusing !== undefined && (worst === undefined || refusing.until > worst.until)) worst = refusing;
      if (scope.layer === 'velocity') pace = window;
      else windows.push(window);
    }
    if (worst !== undefined) throw refusal(worst, max, now, path);
    for (const window of windows) window.reserved += max;
    pace?.add(1, now);
    this.sweep(now);
    return new Reservation(max, windows);
  }

  /** Gives the reservation back and counts what was really spent. A second time does nothing. */
  settle(reservation: Reservation, now: Millis): void {
    const { windows } = reservation;
    if (windows === undefined) return;
    reservation.windows = undefined;
    for (const window of windows) {
      window.reserved -= reservation.max;
      window.add(reservation.spent, now);
    }
  }

  /** Counts money that an earlier daemon spent. Oldest first. */
  restore(scope: Scope, amount: Micros, at: Millis): void {
    this.window(scope).add(amount, at);
  }

  /** Spent and reserved in a scope. */
  used(scope: Scope, now: Millis): Micros {
    const window = this.windows.get(scope.key);
    return window === undefined ? 0 : window.spent(now) + window.reserved;
  }

  /** When nothing of what is counted now counts any more; undefined where the clock does not reset it, or nothing counts. */
  resets(scope: Scope, now: Millis): Millis | undefined {
    const window = this.windows.get(scope.key);
    return window === undefined || window.spent(now) === 0 ? undefined : window.resets(0, now);
  }

  /** Forgets what a scope has spent; what is reserved stays reserved. */
  reset(key: string): void {
    const window = this.windows.get(key);
    if (window === undefined) return;
    window.clear();
  }

  private window(scope: Scope): Window {
    const known = this.windows.get(scope.key);
    if (known !== undefined) {
      known.reframe(scope.limit.per);
      return known;
    }
    const window = new Window(scope.limit.per);
    // A copy in one piece: a text that was put together keeps its pieces for as long as it lives.
    this.windows.set(Buffer.from(scope.key).toString(), window);
    return window;
  }

  private sweep(now: Millis): void {
    for (let i = 0; i < SWEEP; i++) {
      const step = this.sweeper.next();
      if (step.done === true) {
        this.sweeper = this.windows.entries();
        return;
      }
      const [key, window] = step.value;
      if (window.idle(now)) this.windows.delete(key);
    }
  }
}

/** Whole micro-dollars, rounded up. A plugin's slip must not give money back. */
function whole(amount: Micros, what: string): Micros {
  if (amount >= 0 && amount <= Number.MAX_SAFE_INTEGER) return Math.ceil(amount);
  throw new AosError('invalid', {
    component: 'cost',
    why: `${what} is ${amount}, which is no amount`,
    remedy: 'correct the plugin: it is a number of micro-dollars from 0 up',
  });
}

function refuses(scope: Scope, window: Window, max: Micros, now: Millis): Refusing | undefined {
  const { usd: limit } = scope.limit;
  if (limit === 0 && scope.layer !== 'run' && scope.layer !== 'lease') return undefined;
  const need = scope.layer === 'velocity' ? 1 : max;
  const spent = window.spent(now);
  const used = spent + window.reserved;
  if (used + need <= limit) return undefined;
  if (need > limit) return { scope, used, until: Number.POSITIVE_INFINITY, because: 'never' };
  // What is reserved comes back at any moment, as far as it is not spent.
  if (spent + need <= limit) return { scope, used, until: now, because: 'reserved' };
  const until = window.resets(limit - need, now);
  return { scope, used, until: until ?? Number.POSITIVE_INFINITY, because: 'spent' };
}
