/** How every statement of the store is run. */

import type { DatabaseSync } from 'node:sqlite';
import { storeError } from './failure.ts';

/** All of `work`, or none of it where it throws. */
export function transaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (thrown) {
    // A full disk may have rolled it back already.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw thrown;
  }
}

/** `work`, with SQLite's errors made ours. */
export function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw storeError(thrown);
  }
}
