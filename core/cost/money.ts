/** Money in text. Inside it is always an integer number of micro-dollars. */

import { AosError } from '../errors.ts';
import type { Micros } from '../types.ts';

const MICROS_PER_USD = 1_000_000;
/** A billion dollars: far below what an integer holds exactly, far above any budget. */
const USD_MAX = 1e9;

/** From dollars as a user types them. Throws `invalid` for what is negative, not a number, or beyond a billion. */
export function microsFromUsd(usd: number, what: string = 'an amount'): Micros {
  if (!Number.isFinite(usd) || usd < 0 || usd > USD_MAX) {
    throw new AosError('invalid', {
      component: 'cost',
      why: `${what} of ${usd} dollars is not an amount`,
      remedy: 'give dollars as a number from 0 up, such as 0.50',
    });
  }
  // Not -0 for nothing.
  return Math.ceil(usd * MICROS_PER_USD - 1e-6) + 0;
}

export function usdFromMicros(micros: Micros): number {
  return micros / MICROS_PER_USD;
}

/** Dollars with at least two decimals, and as many more as are needed to be exact: `0.23`, `0.0042`. */
export function printUsd(micros: Micros): string {
  const whole = Math.floor(micros / MICROS_PER_USD);
  const rest = String(micros - whole * MICROS_PER_USD).padStart(6, '0');
  return `${whole}.${rest.slice(0, 2)}${rest.slice(2).replace(/0+$/, '')}`;
}
