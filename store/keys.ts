/** Small named values, by namespace. */

import type { DatabaseSync } from 'node:sqlite';
import type { KeyState } from '../core/types.ts';
import { guarded } from './guard.ts';

export function keyState(db: DatabaseSync): KeyState {
  const get = db.prepare('SELECT value FROM keys WHERE space = ? AND key = ?');
  const set = db.prepare(
    'INSERT INTO keys (space, key, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  );
  const remove = db.prepare('DELETE FROM keys WHERE space = ? AND key = ?');
  const list = db.prepare('SELECT key, value FROM keys WHERE space = ? ORDER BY key');

  const lookUp = (space: string, key: string): string | undefined => {
    const row = get.get(space, key);
    return row === undefined ? undefined : String(row.value);
  };

  return {
    get: (space, key) => guarded(() => lookUp(space, key)),
    set: (space, key, value) => guarded(() => void set.run(space, key, value)),
    remove: (space, key) => guarded(() => void remove.run(space, key)),
    list: space => guarded(() => list.all(space).map(row => ({ key: String(row.key), value: String(row.value) }))),
  };
}
