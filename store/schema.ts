/** The tables, as steps from one version to the next. `user_version` says how many were taken. */

import type { DatabaseSync } from 'node:sqlite';
import { AosError } from '../core/errors.ts';

/** "aos1": tells this store from another program's database. */
const APPLICATION_ID = 0x616f7331;

const STEPS: readonly string[] = [
  `
  CREATE TABLE runs (
    pid INTEGER PRIMARY KEY AUTOINCREMENT,
    agent TEXT NOT NULL,
    ppid INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    gid INTEGER NOT NULL,
    session TEXT NOT NULL,
    model TEXT NOT NULL,
    key TEXT,
    accepted REAL NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    conversation TEXT NOT NULL,
    started REAL,
    ended REAL,
    code INTEGER,
    reason TEXT,
    cost INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX runs_by_state ON runs (state, agent, pid);
  CREATE INDEX runs_by_end ON runs (ended, pid) WHERE state = 'ended';
  CREATE INDEX runs_by_key ON runs (agent, key, accepted) WHERE key IS NOT NULL;

  -- What a reservation holds until it is settled is its maximum; spent is null until then.
  CREATE TABLE ledger (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    reserved INTEGER NOT NULL,
    spent INTEGER,
    path TEXT NOT NULL,
    uid INTEGER NOT NULL,
    agent TEXT NOT NULL,
    model TEXT NOT NULL,
    mount TEXT NOT NULL,
    runs TEXT NOT NULL,
    scopes TEXT NOT NULL
  ) STRICT;
  CREATE INDEX ledger_by_time ON ledger (at);
  CREATE INDEX ledger_open ON ledger (id) WHERE spent IS NULL;

  CREATE TABLE keys (
    space TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (space, key)
  ) STRICT, WITHOUT ROWID;

  -- An FTS5 table finds rows by rowid only; the path of each stands here.
  CREATE TABLE indexed (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE
  ) STRICT;
  CREATE VIRTUAL TABLE texts USING fts5 (body, tokenize = 'porter unicode61 remove_diacritics 2');
  `,
  `
  -- What scopes have ever spent, with what is reserved in them.
  CREATE TABLE sums (
    scope TEXT PRIMARY KEY,
    micros INTEGER NOT NULL,
    at REAL NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO sums
    SELECT value, sum(coalesce(spent, reserved)), max(at) FROM ledger, json_each(ledger.scopes)
    WHERE value NOT GLOB 'pid:*' AND value NOT GLOB 'velocity:*' GROUP BY value;
  `,
];

/** Brings the database to this version's schema. Refuses one that is newer, or another program's. */
export function migrate(db: DatabaseSync, file: string): void {
  const version = pragma(db, 'user_version');
  const owner = pragma(db, 'application_id');
  if (owner !== APPLICATION_ID && (owner !== 0 || version !== 0 || hasTables(db))) {
    throw new AosError('invalid', {
      component: 'store',
      path: file,
      why: 'it is a database of another program',
      remedy: 'move it away, or point AOS_HOME at another directory',
    });
  }
  if (version > STEPS.length) {
    throw new AosError('invalid', {
      component: 'store',
      path: file,
      why: `a newer Agent OS wrote it (schema ${version}, this one knows ${STEPS.length})`,
      remedy: 'upgrade Agent OS, or point AOS_HOME at another directory',
    });
  }
  for (let step = version; step < STEPS.length; step++) take(db, step);
}

/** One step, whole or not at all. */
function take(db: DatabaseSync, step: number): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    db.exec(STEPS[step] ?? '');
    db.exec(`PRAGMA user_version = ${step + 1}`);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    db.exec('COMMIT');
  } catch (thrown) {
    db.exec('ROLLBACK');
    throw thrown;
  }
}

function pragma(db: DatabaseSync, name: 'user_version' | 'application_id'): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
}

function hasTables(db: DatabaseSync): boolean {
  return db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() !== undefined;
}
