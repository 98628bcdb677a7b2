/** The machine's own limit. Once reached it stays tripped, over restarts, until somebody resets it. */

import { AosError } from '../errors.ts';
import type { Millis } from '../types.ts';

export interface Tripped {
  readonly at: Millis;
  /** The operation that did not fit. */
  readonly path: string;
  readonly why: string;
}

/** Where it is kept. */
export interface BreakerStore {
  load(): Tripped | undefined;
  trip(tripped: Tripped): void;
  reset(at: Millis): void;
  /** 0 where it never was. */
  resetAt(): Millis;
}

export class Breaker {
  private tripped: Tripped | undefined;
  private readonly store: BreakerStore;

  constructor(store: BreakerStore) {
    this.store = store;
    this.tripped = store.load();
  }

  get state(): Tripped | undefined {
    return this.tripped;
  }

  /** What the machine spent before no longer counts. */
  get resetAt(): Millis {
    return this.store.resetAt();
  }

  trip(tripped: Tripped): void {
    if (this.tripped !== undefined) return;
    this.tripped = tripped;
    this.store.trip(tripped);
  }

  reset(at: Millis): void {
    this.tripped = undefined;
    this.store.reset(at);
  }

  /** Throws `budget` while it is tripped. */
  check(path: string): void {
    if (this.tripped === undefined) return;
    throw new AosError('budget', {
      component: 'cost',
      path,
      why: `the global budget tripped at ${new Date(this.tripped.at).toISOString()} (${this.tripped.why}); it does not reset by itself`,
      remedy: 'let money flow again with: aos breaker reset',
    });
  }
}
