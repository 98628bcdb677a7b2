/** The journal of money. */

import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { compilePattern, type Pattern } from '../core/capabilities/grant.ts';
import { AosError } from '../core/errors.ts';
import type { LedgerEntry, LedgerKey, LedgerState, Millis, SpentEntry } from '../core/types.ts';
import { guarded, transaction } from './guard.ts';

/** What stands for no agent, no model or no mount in a report. */
const NONE = '-';

const KEYS: Readonly<Record<LedgerKey, string>> = {
  agent: 'agent',
  model: 'model',
  mount: 'mount',
  uid: 'CAST(uid AS TEXT)',
  day: "strftime('%Y-%m-%d', at / 1000, 'unixepoch')",
};

/** A session, run or lease for which nothing was paid for so long is over. */
const ENDED_MS: Millis = 90 * 24 * 3_600_000;

/** A reservation that is not settled yet. */
interface Open {
  readonly reserved: number;
  readonly summed: readonly string[];
}

/** `dirty` is called after each commit, so that the disk follows soon. */
export function ledgerState(db: DatabaseSync, dirty: () => void): LedgerState {
  const insert = db.prepare(
    `INSERT INTO ledger (at, reserved, path, uid, agent, model, mount, runs, scopes)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const settle = db.prepare('UPDATE ledger SET spent = ?, at = ? WHERE id = ? AND spent IS NULL');
  const prune = db.prepare(
    "DELETE FROM sums WHERE at < ? AND (scope GLOB 'run:*' OR scope GLOB 'session:*' OR scope GLOB 'lease:*')",
  );
  const settleAll = db.prepare('UPDATE ledger SET spent = reserved, at = ? WHERE spent IS NULL');
  const total = db.prepare('SELECT coalesce(sum(spent), 0) AS micros FROM ledger WHERE at >= ?');
  const report = reports(db);
  const windows = spentSince(db);
  const sums = sumsOf(db);
  const open = new Map<number, Open>();

  const reserve = (entry: LedgerEntry): number => {
    const { at, micros, path, uid, agent, model, mount, runs, scopes, summed } = entry;
    const json = [JSON.stringify(runs), JSON.stringify(scopes)] as const;
    const { lastInsertRowid } = insert.run(at, micros, path, uid, agent, model, mount, ...json);
    for (const scope of summed) sums.add(scope, micros, at);
    return Number(lastInsertRowid);
  };

  const settleOne = (id: number, micros: number, at: Millis): void => {
    if (settle.run(micros, at, id).changes === 0) {
      throw new AosError('invalid', {
        component: 'store',
        why: `reservation ${id} is not open: it was settled before`,
      });
    }
    const { reserved, summed } = open.get(id) ?? { reserved: micros, summed: [] };
    if (micros !== reserved) for (const scope of summed) sums.add(scope, micros - reserved, at);
  };

  const held = (scope: string): number => {
    let micros = 0;
    for (const { reserved, summed } of open.values()) if (summed.includes(scope)) micros += reserved;
    return micros;
  };

  const written = <T>(work: () => T): T => {
    const result = guarded(() => transaction(db, work));
    dirty();
    return result;
  };

  return {
    reserve(entry) {
      const id = written(() => reserve(entry));
      open.set(id, { reserved: entry.micros, summed: entry.summed });
      return id;
    },
    settle(id, micros, at) {
      written(() => settleOne(id, micros, at));
      open.delete(id);
    },
    recover: at =>
      written(() => {
        prune.run(at - ENDED_MS);
        return Number(settleAll.run(at).changes);
      }),
    total: since => guarded(() => Number(total.get(since)?.micros ?? 0)),
    report: (by, since) => guarded(() => report(by, since)),
    since: (at, prefix, part) => guarded(() => windows(at, prefix, part)),
    sum: scope => guarded(() => sums.of(scope)),
    clear: scope => written(() => sums.set(scope, held(scope))),
  };
}

function reports(db: DatabaseSync): LedgerState['report'] {
  const statements = new Map<LedgerKey, StatementSync>();
  const statementOf = (by: LedgerKey): StatementSync => {
    let statement = statements.get(by);
    if (statement === undefined) {
      const order = by === 'day' ? 'key' : 'micros DESC, key';
      statement = db.prepare(
        `SELECT ${KEYS[by]} AS key, sum(spent) AS micros, count(*) AS operations FROM ledger
         WHERE at >= ? AND spent IS NOT NULL GROUP BY 1 ORDER BY ${order}`,
      );
      statements.set(by, statement);
    }
    return statement;
  };
  return (by, since) =>
    statementOf(by)
      .all(since)
      .map(row => ({
        key: row.key === '' ? NONE : String(row.key),
        micros: Number(row.micros),
        operations: Number(row.operations),
      }));
}

/** Scopes that every row has by its columns, whether a budget was configured for them or not: `agent:NAME` of a run's. */
const AGENT = "CASE agent WHEN '' THEN '' ELSE 'agent:' || agent END";

/** The same for `path:PATTERN`: all that was spent where the pattern matches. Several patterns, a line each, are one look. */
const BELOW = 'path:';

/** Added up where the rows are: there may be millions, each in several scopes. */
function spentSince(db: DatabaseSync): LedgerState['since'] {
  const select = (scope: string, from: string): StatementSync =>
    db.prepare(
      `SELECT ${scope} AS scope, max(at) AS at, sum(spent) AS micros, count(*) AS operations FROM ${from}
       WHERE at >= ?1 AND spent IS NOT NULL AND substr(${scope}, 1, length(?2)) = ?2
       GROUP BY ${scope}, CAST(at / ?3 AS INTEGER) ORDER BY max(at)`,
    );
  const kept = select('value', 'ledger, json_each(ledger.scopes)');
  const agents = select(AGENT, 'ledger');
  const below = spentBelow(db);
  return (at, prefix, part) => {
    const length = Math.max(1, part);
    if (prefix.startsWith(BELOW)) return below(at, prefix.slice(BELOW.length).split('\n'), length);
    return (prefix.startsWith('agent:') ? agents : kept)
      .all(at, prefix, length)
      .map(row => entryOf(String(row.scope), row));
  };
}

/** One pass over the rows for all patterns, grouped by which of them match: there may be as many paths as rows. */
function spentBelow(db: DatabaseSync): (at: Millis, patterns: readonly string[], part: Millis) => SpentEntry[] {
  let asked: readonly Pattern[] = [];
  // The places of those that match, as text: there is no number with so many bits.
  db.function('aos_matching', path => {
    let which = '';
    for (let i = 0; i < asked.length; i++) if (asked[i]?.matches(String(path))) which += `${i} `;
    return which;
  });
  const grouped = db.prepare(
    `SELECT aos_matching(path) AS which, max(at) AS at, sum(spent) AS micros, count(*) AS operations FROM ledger
     WHERE at >= ?1 AND spent IS NOT NULL GROUP BY which, CAST(at / ?2 AS INTEGER) ORDER BY max(at)`,
  );
  return (at, patterns, part) => {
    asked = patterns.map(compilePattern);
    return grouped.all(at, part).flatMap(row => {
      const places = String(row.which).split(' ').slice(0, -1);
      return places.map(place => entryOf(`${BELOW}${patterns[Number(place)]}`, row));
    });
  };
}

function entryOf(scope: string, row: Record<string, SQLOutputValue>): SpentEntry {
  return { scope, at: Number(row.at), micros: Number(row.micros), operations: Number(row.operations) };
}

interface Sums {
  add(scope: string, micros: number, at: Millis): void;
  set(scope: string, micros: number): void;
  of(scope: string): { micros: number; at: Millis } | undefined;
}

function sumsOf(db: DatabaseSync): Sums {
  const add = db.prepare(
    `INSERT INTO sums (scope, micros, at) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET micros = micros + excluded.micros, at = excluded.at`,
  );
  const set = db.prepare('UPDATE sums SET micros = ? WHERE scope = ?');
  const one = db.prepare('SELECT micros, at FROM sums WHERE scope = ?');
  return {
    add: (scope, micros, at) => void add.run(scope, micros, at),
    set: (scope, micros) => void set.run(micros, scope),
    of(scope) {
      const row = one.get(scope);
      return row && { micros: Number(row.micros), at: Number(row.at) };
    },
  };
}
