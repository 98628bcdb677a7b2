/** Leases open a locked path for a while. No clock: time comes in as an argument. */

import { isWithin } from '../path.ts';
import type { Caller, Millis } from '../types.ts';

export interface Lease {
  readonly id: number;
  /** Covers this path and everything below it. */
  readonly path: string;
  /** Ends at this moment: a lease is over when `now` reaches it. */
  readonly until: Millis;
  /** Whom it serves. */
  readonly uid: number;
}

export class Leases {
  private readonly held = new Map<number, Lease>();

  add(lease: Lease): void {
    this.held.set(lease.id, lease);
  }

  end(id: number): void {
    this.held.delete(id);
  }

  /** The lease that opens `path` for the caller now. */
  find(caller: Caller, path: string, now: Millis): Lease | undefined {
    for (const lease of this.held.values()) {
      if (lease.uid === caller.uid && isWithin(path, lease.path) && now < lease.until) return lease;
    }
    return undefined;
  }
}
