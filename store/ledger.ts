/** The journal of money. */

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { AosError } from '../core/errors.ts';
import type { LedgerEntry, LedgerKey, LedgerState } from '../core/types.ts';
import { guarded } from './guard.ts';

/** What stands for no agent, no model or no mount in a report. */
const NONE = '-';

const KEYS: Readonly<Record<LedgerKey, string>> = {
  agent: 'agent',
  model: 'model',
  mount: 'mount',
  uid: 'CAST(uid AS TEXT)',
  day: "strftime('%Y-%m-%d', at / 1000, 'unixepoch')",
};

/** `dirty` is called after each commit, so that the disk follows soon. */
export function ledgerState(db: DatabaseSync, dirty: () => void): LedgerState {
  const insert = db.prepare(
    `INSERT INTO ledger (at, reserved, path, uid, agent, model, mount, runs, scopes)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const settle = db.prepare('UPDATE ledger SET spent = ? WHERE id = ? AND spent IS NULL');
  const settleAll = db.prepare('UPDATE ledger SET spent = reserved WHERE spent IS NULL');
  const sum = db.prepare('SELECT coalesce(sum(spent), 0) AS micros FROM ledger WHERE at >= ?');
  const spent = db.prepare('SELECT * FROM ledger WHERE at >= ? AND spent IS NOT NULL ORDER BY at, id');
  const reports = new Map<LedgerKey, StatementSync>();

  const reportOf = (by: LedgerKey): StatementSync => {
    let statement = reports.get(by);
    if (statement === undefined) {
      const order = by === 'day' ? 'key' : 'micros DESC, key';
      statement = db.prepare(
        `SELECT ${KEYS[by]} AS key, sum(spent) AS micros, count(*) AS operations FROM ledger
         WHERE at >= ? AND spent IS NOT NULL GROUP BY 1 ORDER BY ${order}`,
      );
      reports.set(by, statement);
    }
    return statement;
  };

  const reserve = (entry: LedgerEntry): number => {
    const { at, micros, path, uid, agent, model, mount, runs, scopes } = entry;
    const json = [JSON.stringify(runs), JSON.stringify(scopes)] as const;
    const { lastInsertRowid } = insert.run(at, micros, path, uid, agent, model, mount, ...json);
    dirty();
    return Number(lastInsertRowid);
  };

  const settleOne = (id: number, micros: number): void => {
    if (settle.run(micros, id).changes === 0) {
      throw new AosError('invalid', {
        component: 'store',
        why: `reservation ${id} is not open: it was settled before`,
      });
    }
    dirty();
  };

  const recover = (): number => {
    const { changes } = settleAll.run();
    if (changes !== 0) dirty();
    return Number(changes);
  };

  const report: LedgerState['report'] = (by, since) =>
    reportOf(by)
      .all(since)
      .map(row => ({
        key: row.key === '' ? NONE : String(row.key),
        micros: Number(row.micros),
        operations: Number(row.operations),
      }));

  return {
    reserve: entry => guarded(() => reserve(entry)),
    settle: (id, micros) => guarded(() => settleOne(id, micros)),
    recover: () => guarded(recover),
    total: since => guarded(() => Number(sum.get(since)?.micros ?? 0)),
    report: (by, since) => guarded(() => report(by, since)),
    since: at => guarded(() => spent.all(at).map(toEntry)),
  };
}

function toEntry(row: ReturnType<StatementSync['all']>[number]): LedgerEntry {
  return {
    at: Number(row.at),
    micros: Number(row.spent),
    path: String(row.path),
    uid: Number(row.uid),
    agent: String(row.agent),
    model: String(row.model),
    mount: String(row.mount),
    // Both columns are written by `reserve` alone.
    runs: JSON.parse(String(row.runs)) as number[],
    scopes: JSON.parse(String(row.scopes)) as string[],
  };
}
