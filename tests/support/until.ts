/** Waiting for something to become true, without a guess how long that takes. */

import { setTimeout as pause } from 'node:timers/promises';

/**
 * Asks until the answer is neither false nor undefined, and gives it. Throws after `ms`, with what was waited for and the
 * last error where asking threw.
 */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  ms = 5000,
): Promise<Exclude<T, false | undefined | null>> {
  const end = Date.now() + ms;
  let last: unknown;
  for (let wait = 5; ; wait = Math.min(wait * 1.5, 100)) {
    try {
      const answer = await ask();
      // The three values left out are the ones just compared with.
      if (answer !== false && answer !== undefined && answer !== null) {
        return answer as Exclude<T, false | undefined | null>;
      }
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() >= end) throw new Error(`waited ${ms} ms in vain: ${what}`, { cause: last });
    await pause(wait);
  }
}
