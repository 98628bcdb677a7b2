/** Durable state behind one interface. Nothing else in Agent OS opens a database. */

import type { State } from '../core/types.ts';
import { openDatabase, type StoreOptions } from './database.ts';
import { storeError } from './failure.ts';
import { keyState } from './keys.ts';
import { ledgerState } from './ledger.ts';
import { runState } from './runs.ts';
import { indexState } from './search.ts';

export type { StoreOptions } from './database.ts';

export interface Store {
  readonly state: State;
  /** Everything reaches the disk; no call after it succeeds. */
  close(): void;
  /** Where a file that was no database was put. */
  readonly moved?: string;
}

/**
 * Opens the store in `file`, making it where it is missing. Runs and keys are on the disk when a call returns; the
 * ledger survives a killed process at once and a power cut after at most 100 ms. Throws AosError: `invalid` for a store
 * of a newer version or of another program, `no_space`, `busy`, `io`.
 */
export function openStore(file: string, options: StoreOptions): Store {
  const database = openDatabase(file, options);
  try {
    const state: State = {
      runs: runState(database.durable),
      keys: keyState(database.durable),
      ledger: ledgerState(database.journal, database.dirty),
      index: indexState(database.journal),
    };
    const store = { state, close: database.close };
    return database.moved === undefined ? store : { ...store, moved: database.moved };
  } catch (thrown) {
    database.close();
    throw storeError(thrown);
  }
}
