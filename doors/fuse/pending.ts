/** Requests whose answer is still to come. */

import type { Cancel } from '../../core/types.ts';
import type { Ticket } from './request.ts';

/** As many at once, at most. Over it: EAGAIN. */
export const PENDING_MAX = 4096;

/** One request that waits, and how to stop what it waits for. */
export class Pending implements Ticket {
  readonly lo: number;
  readonly hi: number;
  readonly cancel: Cancel;

  constructor(ticket: Ticket, cancel: Cancel) {
    this.lo = ticket.lo;
    this.hi = ticket.hi;
    this.cancel = cancel;
  }
}

/** All of them, by `unique`. */
export class PendingTable {
  readonly #byId = new Map<number, Pending>();

  get size(): number {
    return this.#byId.size;
  }

  /** False where there are as many as may be. */
  add(pending: Pending): boolean {
    if (this.#byId.size >= PENDING_MAX) return false;
    this.#byId.set(idOf(pending.lo, pending.hi), pending);
    return true;
  }

  /** Whether `pending` still waited. It no longer does. */
  settle(pending: Pending): boolean {
    const id = idOf(pending.lo, pending.hi);
    return this.#byId.get(id) === pending && this.#byId.delete(id);
  }

  /** The request that is to be interrupted, stopped and taken out; undefined where it was answered meanwhile. */
  interrupt(lo: number, hi: number): Pending | undefined {
    const pending = this.#byId.get(idOf(lo, hi));
    if (pending === undefined) return undefined;
    this.settle(pending);
    pending.cancel.abort();
    return pending;
  }

  /** Stops everything. */
  clear(): void {
    for (const pending of this.#byId.values()) pending.cancel.abort();
    this.#byId.clear();
  }
}

function idOf(lo: number, hi: number): number {
  return lo + hi * 0x1_0000_0000;
}
