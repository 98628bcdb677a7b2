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
  save(tripped: Tripped | undefined): void;
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

  trip(tripped: Tripped): void {
    if (this.tripped !== undefined) return;
    this.tripped = tripped;
    this.store.save(tripped);
  }

  reset(): void {
    this.tripped = undefined;
    this.store.save(undefined);
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
