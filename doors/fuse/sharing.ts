/**
 * What of the kernel's copies may serve whom. A page that one process read is given to every other that has the file open, and
 * nobody asks us; so what may end for one user and not for another, or by the clock alone, is read past the page cache.
 */

import { isWithin, OUTSIDE } from '../../core/path.ts';
import type { Authority, Caller, DoorApi, Millis, Path } from '../../core/types.ts';

/** Looks at least so often: a timer stands still while the machine sleeps, and the clock may be set. */
const LOOK_MS = 60_000;

const known = new WeakMap<Authority, readonly Millis[]>();

/** When grants of this authority end. Worked out once for each list, which never changes. */
function endingsOf(authority: Authority): readonly Millis[] {
  let endings = known.get(authority);
  if (endings === undefined) {
    endings = authority.flatMap(set => set.grants.flatMap(grant => grant.until ?? []));
    known.set(authority, endings);
  }
  return endings;
}

/** Whether each read of what this caller opens has to reach us. `owner` runs the daemon; the page cache is the owner's alone. */
export function isAskedEachTime(caller: Caller, path: Path, owner: number): boolean {
  // Outside a lease lets in, which ends by the clock and serves one user, session or command.
  return caller.uid !== owner || isWithin(path, OUTSIDE) || endingsOf(caller.authority).length > 0;
}

/** Has everything forgotten when a grant of somebody who uses the mount ends, as no event tells of that. */
export class Endings {
  readonly #api: DoorApi;
  readonly #forget: () => void;
  readonly #users = new Set<number>();
  #next = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(api: DoorApi, forget: () => void) {
    this.#api = api;
    this.#forget = forget;
  }

  /** `uid` uses the mount. */
  watch(uid: number): void {
    if (this.#users.has(uid)) return;
    this.#users.add(uid);
    this.look();
  }

  /** Finds out anew when the next grant ends: somebody's authority is another, or time has passed. */
  look(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    const now = this.#api.now();
    const ended = this.#next <= now;
    this.#next = Number.POSITIVE_INFINITY;
    for (const uid of this.#users) {
      for (const until of endingsOf(this.#api.authorityOf(uid))) {
        if (until > now && until < this.#next) this.#next = until;
      }
    }
    if (this.#next !== Number.POSITIVE_INFINITY) {
      this.#timer = setTimeout(() => this.look(), Math.min(this.#next - now, LOOK_MS)).unref();
    }
    if (ended) this.#forget();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }
}
