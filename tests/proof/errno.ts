/** Names of system errors: libuv knows most of them, but not EDQUOT. */

import { ERRNO } from '../../core/errors.ts';

const NAMES = new Map<unknown, string>(Object.entries(ERRNO).map(([name, number]) => [number, name]));

/** From the number as libuv gives it, below 0; `ok` for 0. */
export function errnoName(number: unknown): string {
  return number === 0 ? 'ok' : (NAMES.get(-Number(number)) ?? String(number));
}
