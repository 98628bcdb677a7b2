/** Leases open a locked path for a while. No clock and no I/O: time comes in as an argument, and what is kept goes out. */

import { isWithin } from '../path.ts';
import type { Caller, Identity, Lease, LeaseScope, Millis, ProcessId } from '../types.ts';

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

  add(lease: Omit<Lease, 'id'>, now: Millis): Lease {
    this.sweep(now);
    const made = Object.freeze({ ...lease, id: this.next++ });
    this.store.save(made);
    this.held.set(made.id, made);
    return made;
  }

  /** Ends a lease by hand. What ran out before for the same people is no longer the reason why it is locked. */
  end(id: number, now: Millis): boolean {
    const lease = this.held.get(id);
    if (lease === undefined) return false;
    this.drop(id);
    const people = peopleOf(lease);
    this.forget(lease.path, one => peopleOf(one) === people, now);
    return true;
  }

  /** Ends by hand those of `whose` on `path` and below it. Gives their ids; those that had run out are forgotten, too. */
  shut(path: string, whose: (lease: Lease) => boolean, now: Millis): number[] {
    const ended = this.list(now).filter(lease => isWithin(lease.path, path) && whose(lease));
    for (const { id } of ended) this.end(id, now);
    this.forget(path, whose, now);
    return ended.map(({ id }) => id);
  }

  /** Those in force, oldest first. */
  list(now: Millis): Lease[] {
    this.sweep(now);
    return [...this.held.values()].filter(lease => this.holds(lease, now));
  }

  /** The lease that opens `path` for the caller now: of several, one with a budget of its own, else the newest. */
  find(caller: Caller, path: string, now: Millis): Lease | undefined {
    const who = new Asker(caller);
    let best: Lease | undefined;
    for (const lease of this.held.values()) {
      if (!this.holds(lease, now) || !isWithin(path, lease.path) || !who.isServedBy(lease)) continue;
      if (best === undefined || isBetter(lease, best)) best = lease;
    }
    return best;
  }

  /** The last that opened `path` for the caller and ran out since: the refusal can then say so. */
  expired(caller: Caller, path: string, now: Millis): Lease | undefined {
    const who = new Asker(caller);
    let last: Lease | undefined;
    for (const lease of this.held.values()) {
      if (this.holds(lease, now) || (last !== undefined && lease.until <= last.until)) continue;
      if (isWithin(path, lease.path) && who.isServedBy(lease)) last = lease;
    }
    return last;
  }

  /** Forgets what ended long ago. */
  private sweep(now: Millis): void {
    for (const lease of this.held.values()) if (now >= lease.until + REMEMBERED_MS) this.drop(lease.id);
  }

  /** Forgets those of `whose` that have run out and have to do with `path`. */
  private forget(path: string, whose: (lease: Lease) => boolean, now: Millis): void {
    for (const lease of this.held.values()) {
      if (this.holds(lease, now) || !(isWithin(lease.path, path) || isWithin(path, lease.path))) continue;
      if (whose(lease)) this.drop(lease.id);
    }
  }

  private drop(id: number): void {
    this.store.remove(id);
    this.over.delete(id);
    this.held.delete(id);
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

/** Whom it serves: all that a user runs are the same people to the user, whichever session was meant. */
function peopleOf({ scope, uid }: Lease): string {
  if (scope.kind === 'agent') return `agent:${scope.agent}`;
  return scope.kind === 'process' ? `process:${scope.pid}:${scope.startTime}` : `uid:${uid}`;
}

/** Who asks for a lease, read from `/proc` once however many leases there are. */
class Asker {
  private readonly caller: Caller;
  private identity: Identity | undefined;
  private ancestors: readonly ProcessId[] | undefined;

  constructor(caller: Caller) {
    this.caller = caller;
  }

  /** An agent's run is served only by a lease for its agent. */
  isServedBy({ scope, uid }: Lease): boolean {
    const { caller } = this;
    if (scope.kind === 'agent') return caller.agent === scope.agent;
    if (caller.agent !== undefined || caller.uid !== uid) return false;
    if (scope.kind === 'uid') return true;
    this.identity ??= caller.identity(true);
    return scope.kind === 'session' ? isOf(scope, this.identity) : this.descendsFrom(scope, this.identity);
  }

  private descendsFrom(scope: ProcessId, who: Identity): boolean {
    this.ancestors ??= this.caller.ancestors?.() ?? [];
    return [who, ...this.ancestors].some(p => p.pid === scope.pid && p.startTime === scope.startTime);
  }
}

/** That session, or any terminal of the user. A leader that is not known may have ended. */
function isOf({ sid, leaderStart = 0 }: LeaseScope & { kind: 'session' }, who: Identity): boolean {
  const known = who.leaderStart ?? 0;
  const same = who.sid === sid && (leaderStart === 0 || known === 0 || known === leaderStart);
  return same || who.tty !== 0;
}
