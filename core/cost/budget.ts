/**
 * Money is reserved before the outside is touched, at the most it could cost, in every scope at once or in none; then
 * settled to the real bill. Concurrent callers can therefore never overspend together.
 */

import { AosError } from '../errors.ts';
import type { Limit, Meter, Micros, Millis } from '../types.ts';
import { Forward } from './forward.ts';
import { type Asking, OverBudget, type Refusing, refusal } from './refusal.ts';
import type { Window } from './window.ts';
import { Windows } from './windows.ts';

export type Layer = 'pid' | 'session' | 'uid' | 'agent' | 'subtree' | 'lease' | 'run' | 'global' | 'velocity';

/** One budget that an operation counts against. */
export interface Scope {
  readonly layer: Layer;
  /** Which of its layer: a number or a name. Numbers are found faster, and there are many processes. */
  readonly id: number | string;
  /** When the process, or the leader of the session, began, in clock ticks since boot; 0 where that is not known or no matter. */
  readonly born: number;
  /** In micro-dollars; in operations for velocity. 0: counted, never refused, except for a run or a lease: nothing. */
  readonly limit: Limit;
  /** The key that it has in the configuration, where that is not its id. */
  readonly key?: string;
}

/** A scope in text, as the ledger and the user have it: `uid:1000`, `pid:412:88123`, `global`. */
export function keyOf({ layer, id, born }: Scope): string {
  if (layer === 'global') return layer;
  return born === 0 ? `${layer}:${id}` : `${layer}:${id}:${born}`;
}

export const FREE: Meter = Object.freeze({ max: 0, spent: 0, spend: () => true });

/** Money held for one operation. */
export class Reservation implements Meter {
  spent: Micros = 0;
  readonly max: Micros;
  /** Undefined once settled. */
  windows: Window[] | undefined;
  readonly who: Asking;

  constructor(max: Micros, windows: Window[], who: Asking) {
    this.max = max;
    this.windows = windows;
    this.who = who;
  }

  spend(amount: Micros): boolean {
    // What comes after the operation is over is no part of it.
    if (this.windows === undefined) return false;
    this.spent += whole(amount, 'the bill of an operation');
    return this.spent <= this.max;
  }
}

/** What a scope has spent and reserved, as the ledger knows it. */
export type Recall = (scope: Scope) => Micros;

export class Budget {
  private readonly layers: Readonly<Record<Layer, Windows>> = {
    pid: new Windows(),
    session: new Windows(),
    uid: new Windows(),
    agent: new Windows(),
    subtree: new Windows(),
    lease: new Windows(),
    run: new Windows(),
    global: new Windows(),
    velocity: new Windows(),
  };
  private readonly open = new Set<Reservation>();
  private readonly clock = new Forward();
  private readonly recall: Recall | undefined;

  /** With `recall` the sums of scopes without a window need not be kept here. */
  constructor(recall?: Recall) {
    this.recall = recall;
  }

  get size(): number {
    return Object.values(this.layers).reduce((sum, { size }) => sum + size, 0);
  }

  /**
   * Takes `price` from every scope. Throws `budget` or `velocity`, naming of the scopes that refuse the one that lasts
   * longest, and takes nothing; `invalid` for a price that is no amount. `who` is asking: a path, and the agent whose run it is.
   */
  reserve(scopes: readonly Scope[], price: Micros, at: Millis, who: Asking): Reservation {
    const max = whole(price, `the price of ${who.path}`);
    const now = this.clock.forward(at);
    const windows: Window[] = [];
    let pace: Window | undefined;
    let worst: Refusing | undefined;
    let reached: Refusing | undefined;
    /** One scope refuses and no other. */
    let alone = false;
    let grown = false;
    for (const scope of scopes) {
      const known = this.known(scope, now);
      const window = known ?? this.make(scope, now);
      if (known === undefined) grown = true;
      const refusing = refuses(scope, window, max, now);
      if (refusing !== undefined) {
        if (waits(scope, window, now)) reached = refusing;
        alone = worst === undefined;
      }
      if (refusing !== undefined && (worst === undefined || refusing.until > worst.until)) worst = refusing;
      if (scope.layer === 'velocity') pace = window;
      else windows.push(window);
    }
    if (worst === undefined) {
      for (const window of windows) window.reserved += max;
      pace?.add(1, now);
    }
    if (grown) {
      for (const { layer } of scopes) this.layers[layer].sweep(now, this.recall !== undefined && !NAMED.has(layer));
    }
    if (worst !== undefined) {
      const full = alone && fills(worst, max) ? { ...worst, resets: undefined } : undefined;
      throw refusal(full ?? worst, max, now, who, reached ?? full);
    }
    const reservation = new Reservation(max, windows, who);
    this.open.add(reservation);
    return reservation;
  }

  /** What `reserve` would throw now for money that is spent; undefined where it would not, or others only hold what is missing. */
  refusal(scopes: readonly Scope[], price: Micros, at: Millis, who: Asking): OverBudget | undefined {
    try {
      this.settle(
        this.reserve(
          scopes.filter(({ layer }) => layer !== 'velocity'),
          price,
          at,
          who,
        ),
        at,
      );
      return undefined;
    } catch (thrown) {
      if (!(thrown instanceof OverBudget)) throw thrown;
      return thrown.held ? undefined : thrown;
    }
  }

  /** Gives the reservation back and counts what was really spent. A second time does nothing. */
  settle(reservation: Reservation, at: Millis): void {
    const { windows } = reservation;
    if (windows === undefined) return;
    reservation.windows = undefined;
    this.open.delete(reservation);
    const now = this.clock.forward(at);
    for (const window of windows) {
      window.reserved -= reservation.max;
      window.add(reservation.spent, now);
    }
  }

  /** Counts what an earlier daemon spent: in each scope the oldest first, before anything else, and nothing of the future. */
  restore(scope: Scope, amount: Micros, at: Millis): void {
    const then = this.clock.past(at);
    const window = this.known(scope, then) ?? this.make(scope, then);
    window.add(amount, then);
  }

  /** What is under way counts in scopes that were not there when it was reserved, too: those that `scopesOf` gives for it. */
  hold(scopesOf: (who: Asking) => readonly Scope[], at: Millis): void {
    const now = this.clock.forward(at);
    for (const { windows = [], max, who } of this.open) {
      for (const scope of scopesOf(who)) {
        const window = this.known(scope, now) ?? this.make(scope, now);
        if (windows.includes(window)) continue;
        window.reserved += max;
        windows.push(window);
      }
    }
  }

  /** Whether anything was counted in a scope since the daemon started. */
  knows(scope: Scope): boolean {
    return this.layers[scope.layer].known(scope) !== undefined;
  }

  /** Spent and reserved in a scope. */
  used(scope: Scope, at: Millis): Micros {
    const now = this.clock.forward(at);
    const window = this.known(scope, now);
    return window === undefined ? this.recalled(scope) : window.spent(now) + window.reserved;
  }

  /** Whether a scope has room for so much. */
  fits(scope: Scope, need: Micros, now: Millis): boolean {
    return isOff(scope) || this.used(scope, now) + need <= scope.limit.usd;
  }

  /** When nothing of what is counted now counts any more; undefined where the clock does not reset it, or nothing counts. */
  resets(scope: Scope, at: Millis): Millis | undefined {
    const now = this.clock.forward(at);
    const window = this.known(scope, now);
    const until = window === undefined || window.spent(now) === 0 ? undefined : window.resets(0, now);
    return until === undefined ? undefined : until - now + at;
  }

  /** Forgets what a scope has spent; what is reserved stays reserved. */
  reset(scope: Scope): void {
    this.layers[scope.layer].known(scope)?.clear();
  }

  /** The same for all scopes of a layer. */
  clear(layer: Layer): void {
    this.layers[layer].clear();
  }

  private make(scope: Scope, now: Millis): Window {
    const window = this.layers[scope.layer].make(scope);
    window.add(this.recalled(scope), now);
    return window;
  }

  private recalled(scope: Scope): Micros {
    return scope.limit.per === 0 ? (this.recall?.(scope) ?? 0) : 0;
  }

  /** A scope's window, with the length that the scope has now. */
  private known(scope: Scope, now: Millis): Window | undefined {
    const window = this.layers[scope.layer].known(scope);
    window?.reframe(scope.limit.per, now, () => {
      const sum = this.recall?.(scope);
      return sum === undefined ? undefined : Math.max(0, sum - window.reserved);
    });
    return window;
  }
}

/** Their sums are filled in from the ledger's rows, and cannot be recalled one by one; there are few of them. */
const NAMED: ReadonlySet<Layer> = new Set(['agent', 'subtree']);

/** Counted and never refused. */
export function isOff({ layer, limit }: Scope): boolean {
  return limit.usd === 0 && layer !== 'run' && layer !== 'lease';
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
  if (isOff(scope)) return undefined;
  const { usd: limit } = scope.limit;
  const need = scope.layer === 'velocity' ? 1 : max;
  const spent = window.spent(now);
  const used = spent + window.reserved;
  if (used + need <= limit) return undefined;
  if (need > limit) return tooDear(scope, window, used, now);
  // What is reserved comes back at any moment, as far as it is not spent.
  if (spent + need <= limit) return { scope, used, until: now, resets: now, because: 'reserved' };
  const resets = waits(scope, window, now) ? undefined : window.resets(limit - need, now);
  return { scope, used, until: resets ?? Number.POSITIVE_INFINITY, resets, because: 'spent' };
}

/** The machine's own limit, and no other, refuses what it has room for in itself: it is as good as reached. */
function fills({ scope, because }: Refusing, need: Micros): boolean {
  return scope.layer === 'global' && because === 'spent' && need <= scope.limit.usd;
}

/** The machine's own limit is spent once it is reached, and then waits for somebody to look: nobody trips it by asking for what
 * another budget refuses as well. */
function waits({ layer, limit }: Scope, window: Window, now: Millis): boolean {
  return layer === 'global' && window.spent(now) >= limit.usd;
}

/**
 * An operation that alone costs more than the limit: waiting does not help. That something is spent is said all the same, and
 * when it resets.
 */
function tooDear(scope: Scope, window: Window, used: Micros, now: Millis): Refusing {
  const spent = window.spent(now);
  const global = scope.layer === 'global';
  const isSpent = global ? waits(scope, window, now) : spent > 0;
  const resets = global || !isSpent ? undefined : window.resets(0, now);
  return { scope, used, until: Number.POSITIVE_INFINITY, resets, because: isSpent ? 'spent' : 'never' };
}
