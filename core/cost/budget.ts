/**
 * Money is reserved before the outside is touched, at the most it could cost, in every scope at once or in none; then
 * settled to the real bill. Concurrent callers can therefore never overspend together.
 */

import { AosError } from '../errors.ts';
import type { Limit, Meter, Micros, Millis } from '../types.ts';
import { printUsd } from './money.ts';
import { Window } from './window.ts';

/** One budget that an operation counts against. */
export interface Scope {
  /** Names the window: `uid:1000`, `session:412`, `global`. */
  readonly key: string;
  /** The layer, as printed. */
  readonly layer: string;
  readonly limit: Limit;
}

export const FREE: Meter = Object.freeze({ max: 0, spent: 0, spend: () => true });

export class Reservation implements Meter {
  spent: Micros = 0;
  readonly max: Micros;

  constructor(max: Micros) {
    this.max = max;
  }

  spend(amount: Micros): boolean {
    this.spent += amount;
    return this.spent <= this.max;
  }
}

export class Budget {
  private readonly windows = new Map<string, Window>();

  /** Takes `max` from every scope, or throws `budget` naming the scope that refuses, and takes nothing. */
  reserve(scopes: readonly Scope[], max: Micros, now: Millis, path: string): Reservation {
    for (const scope of scopes) {
      if (scope.limit.usd === 0) continue;
      const window = this.window(scope);
      const used = window.spent(now) + window.reserved;
      if (used + max > scope.limit.usd) throw refusal(scope, used, max, window.resets(now), now, path);
    }
    for (const scope of scopes) this.window(scope).reserved += max;
    return new Reservation(max);
  }

  /** Gives the reservation back and counts what was really spent. */
  settle(scopes: readonly Scope[], reservation: Reservation, now: Millis): void {
    for (const scope of scopes) {
      const window = this.window(scope);
      window.reserved -= reservation.max;
      window.add(reservation.spent, now);
    }
  }

  /** Counts money that an earlier daemon spent. */
  restore(key: string, limit: Limit, amount: Micros, at: Millis): void {
    this.window({ key, layer: key, limit }).add(amount, at);
  }

  /** Spent and reserved in a scope. */
  used(scope: Scope, now: Millis): Micros {
    const window = this.windows.get(scope.key);
    return window === undefined ? 0 : window.spent(now) + window.reserved;
  }

  private window(scope: Scope): Window {
    const known = this.windows.get(scope.key);
    if (known !== undefined) return known;
    const window = new Window(scope.limit.per);
    this.windows.set(scope.key, window);
    return window;
  }
}

function refusal(
  scope: Scope,
  used: Micros,
  max: Micros,
  resets: Millis | undefined,
  now: Millis,
  path: string,
): AosError {
  const limit = `$${printUsd(scope.limit.usd)}${scope.limit.per === 0 ? '' : ` in ${scope.limit.per / 1000} s`}`;
  const when = resets === undefined ? '' : `, resets in ${Math.max(1, Math.ceil((resets - now) / 1000))} s`;
  return new AosError('budget', {
    component: 'cost',
    path,
    why: `the ${scope.layer} budget of ${limit} has $${printUsd(used)} used and this could cost $${printUsd(max)}${when}`,
    remedy: `raise it with budgets.${scope.layer} in the configuration`,
  });
}
