/** Leases open a locked path for a while. No clock and no I/O: time comes in as an argument, and what is kept goes out. */

import { isWithin } from '../path.ts';
import type { Caller, Lease, LeaseScope, Millis } from '../types.ts';

/** Where leases are kept over a restart. */
export interface LeaseStore {
  load(): Lease[];
  save(lease: Lease): void;
  remove(id: number): void;
  /** The highest id ever given; 0 where none was. What a lease has spent is kept by its id, so none is given twice. */
  last(): number;
}

/** How long a refusal can still say that a lease has ended. */
const REMEMBERED_MS: Millis = 24 * 3_600_000;

export class Leases {
  private readonly held = new Map<number, Lease>();
  /** Seen to be over: a clock that jumps back opens none of them again. */
  private readonly over = new Set<number>();
  private readonly store: LeaseStore;
  private next = 1;

  constructor(store: LeaseStore) {
    this.store = store;
    this.next = store.last() + 1;
    for (const lease of store.load()) {
      this.held.set(lease.id, lease);
      this.next = Math.max(this.next, lease.id + 1);
    }
  }

  add(lease: Omit<Lease, 'id'>): Lease {
    const made = Object.freeze({ ...lease, id: this.next++ });
    this.store.save(made);
    this.held.set(made.id, made);
    return made;
  }

  end(id: number): boolean {
    this.store.remove(id);
    this.over.delete(id);
    return this.held.delete(id);
  }

  get(id: number, now: Millis): Lease | undefined {
    const lease = this.held.get(id);
    return lease !== undefined && this.holds(lease, now) ? lease : undefined;
  }

  /** Those in force, oldest first. What ended long ago is forgotten. */
  list(now: Millis): Lease[] {
    for (const lease of this.held.values()) if (now >= lease.until + REMEMBERED_MS) this.end(lease.id);
    return [...this.held.values()].filter(lease => this.holds(lease, now));
  }

  /** The lease that opens `path` for the caller now: of several, one with a budget of its own, else the newest. */
  find(caller: Caller, path: string, now: Millis): Lease | undefined {
    let best: Lease | undefined;
    for (const lease of this.held.values()) {
      if (!this.holds(lease, now) || !isWithin(path, lease.path) || !serves(lease, caller)) continue;
      if (best === undefined || isBetter(lease, best)) best = lease;
    }
    return best;
  }

  /** One that opened `path` for the caller and has expired: the refusal can then say so. */
  expired(caller: Caller, path: string, now: Millis): Lease | undefined {
    for (const lease of this.held.values()) {
      if (!this.holds(lease, now) && isWithin(path, lease.path) && serves(lease, caller)) return lease;
    }
    return undefined;
  }

  private holds(lease: Lease, now: Millis): boolean {
    if (now >= lease.until) this.over.add(lease.id);
    return !this.over.has(lease.id);
  }
}

/** A lease with a budget stands in for the layers below it, so it is the one that was meant; of two the one taken last. */
function isBetter(lease: Lease, than: Lease): boolean {
  const [a, b] = [lease.budget !== undefined, than.budget !== undefined];
  return a === b ? lease.id > than.id : a;
}

/** Whether the lease is for this caller. An agent's run is served only by a lease for its agent. */
function serves(lease: Lease, caller: Caller): boolean {
  const { scope } = lease;
  if (scope.kind === 'agent') return caller.agent === scope.agent;
  if (caller.agent !== undefined || caller.uid !== lease.uid) return false;
  return scope.kind === 'uid' || servesProcess(scope, caller);
}

function servesProcess(scope: LeaseScope & { kind: 'session' | 'process' }, caller: Caller): boolean {
  const who = caller.identity(true);
  if (scope.kind === 'session') return who.sid === scope.sid || who.tty !== 0;
  return [who, ...(caller.ancestors?.() ?? [])].some(p => p.pid === scope.pid && p.startTime === scope.startTime);
}
