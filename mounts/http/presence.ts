/** Which paths the service has, as far as it was last heard: of the last 10,000. */

import type { Millis } from '../../plugin-sdk/index.ts';

const PATHS_MAX = 10_000;
/** As long as a name that the service did not have is believed to be missing. */
const REMOVED_MS: Millis = 5_000;

export class Presence {
  private readonly known = new Map<string, boolean>();
  /** Removed here, and when. */
  private readonly removed = new Map<string, Millis>();

  /** Undefined where nobody has asked. */
  of(rest: string): boolean | undefined {
    return this.known.get(rest);
  }

  learn(rest: string, there: boolean): void {
    this.removed.delete(rest);
    keep(this.known, rest, there);
  }

  /** It was removed: nothing is there, but what somebody else may put there at any time. */
  remove(rest: string, now: Millis): void {
    this.known.delete(rest);
    keep(this.removed, rest, now);
  }

  /** Whether it was removed a moment ago, and not made again since. */
  isRemoved(rest: string, now: Millis): boolean {
    const at = this.removed.get(rest);
    return at !== undefined && now < at + REMOVED_MS;
  }

  /** Somebody is about to make it. Whether it was removed before. */
  expect(rest: string): boolean {
    return this.removed.delete(rest);
  }
}

function keep<T>(map: Map<string, T>, rest: string, value: T): void {
  map.delete(rest);
  map.set(rest, value);
  for (const oldest of map.keys()) {
    if (map.size <= PATHS_MAX) break;
    map.delete(oldest);
  }
}
