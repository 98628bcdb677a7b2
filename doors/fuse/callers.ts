/** The caller behind a request, kept from one request of a thread to the next. */

import type { Caller, DoorApi } from '../../core/types.ts';
import { makeCaller } from '../identity.ts';

/** Threads remembered at once; the memory is emptied when it is full. */
const KEPT_MAX = 1024;

export class Callers {
  readonly #api: DoorApi;
  readonly #met: (uid: number) => void;
  readonly #byThread = new Map<number, Caller>();
  #lastThread = -1;
  #last: Caller | undefined;

  /** `met` hears of every user who comes, now and then more than once. */
  constructor(api: DoorApi, met: (uid: number) => void) {
    this.#api = api;
    this.#met = met;
  }

  /** `tid` is a thread id, 0 where the kernel does not know it. */
  get(uid: number, gid: number, tid: number): Caller {
    const authority = this.#api.authorityOf(uid);
    const known = tid === this.#lastThread ? this.#last : this.#byThread.get(tid);
    if (known !== undefined && known.uid === uid && known.gid === gid && known.authority === authority) {
      this.#lastThread = tid;
      this.#last = known;
      return known;
    }
    this.#met(uid);
    const caller = makeCaller({ uid, gid, tid, door: 'kernel', authority });
    if (this.#byThread.size >= KEPT_MAX) this.#byThread.clear();
    this.#byThread.set(tid, caller);
    this.#lastThread = tid;
    this.#last = caller;
    return caller;
  }
}
