/** Accepted messages and the process table. */

import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { AosError } from '../core/errors.ts';
import type { Millis, NewRun, RunRow, RunState } from '../core/types.ts';
import { guarded, transaction } from './guard.ts';

type Row = ReturnType<StatementSync['get']> & object;
type Change = Parameters<RunState['update']>[1];

/** The columns that `update` may set. */
const CHANGEABLE = ['state', 'started', 'ended', 'code', 'reason', 'cost', 'model'] as const;

/** Longest agent's name that an id shows; the pid keeps it unique. */
const ID_AGENT_CHARS_MAX = 64;

export function runState(db: DatabaseSync): RunState {
  const insert = db.prepare(
    `INSERT INTO runs (agent, ppid, uid, gid, session, model, key, accepted, body, state, conversation, cost)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', '', 0)`,
  );
  const name = db.prepare('UPDATE runs SET conversation = ? WHERE pid = ? RETURNING *');
  const earlier = db.prepare(
    'SELECT * FROM runs WHERE agent = ? AND key = ? AND accepted >= ? ORDER BY accepted DESC, pid DESC LIMIT 1',
  );
  const one = db.prepare('SELECT * FROM runs WHERE pid = ?');
  const byState = db.prepare('SELECT * FROM runs WHERE state = ? ORDER BY pid');
  const byAgent = db.prepare('SELECT * FROM runs WHERE state = ? AND agent = ? ORDER BY pid');
  const ended = db.prepare("SELECT * FROM runs WHERE state = 'ended' ORDER BY ended DESC, pid DESC LIMIT ?");
  const waiting = db.prepare("SELECT count(*) AS n FROM runs WHERE state = 'queued' AND agent = ?");
  const updates = new Map<string, StatementSync>();

  const queued = (agent: string): number => Number(waiting.get(agent)?.n ?? 0);

  /** The runs of an earlier message with this key. */
  const repeated = ({ agent, key }: NewRun, since: Millis): RunRow[] => {
    const rows: RunRow[] = [];
    if (key === undefined) return rows;
    let from = since;
    for (;;) {
      const row = maybeRow(earlier.get(agent, keyOf(key, rows.length), from));
      if (row === undefined || row.accepted !== (rows[0]?.accepted ?? row.accepted)) return rows;
      from = row.accepted;
      rows.push(row);
    }
  };

  const acceptAll = (
    runs: readonly NewRun[],
    limit: number,
    since: Millis,
  ): { rows: readonly RunRow[]; fresh: boolean } | undefined => {
    const [first] = runs;
    if (first === undefined) return { rows: [], fresh: false };
    const known = repeated(first, since);
    if (known.length > 0) return { rows: known, fresh: false };
    if (queued(first.agent) + runs.length > limit) return undefined;
    return { rows: runs.map((run, i) => store({ ...run, key: run.key && keyOf(run.key, i) })), fresh: true };
  };

  const accept = (run: NewRun, limit: number, since: Millis): { row: RunRow; fresh: boolean } | undefined => {
    const accepted = acceptAll([run], limit, since);
    const row = accepted?.rows[0];
    return accepted && row && { row, fresh: accepted.fresh };
  };

  const store = (run: NewRun): RunRow => {
    const { lastInsertRowid } = insert.run(
      run.agent,
      run.ppid,
      run.uid,
      run.gid,
      run.session,
      run.model,
      run.key ?? null,
      run.accepted,
      run.body,
    );
    const pid = Number(lastInsertRowid);
    const row = name.get(conversationOf(run, pid), pid);
    if (row === undefined) throw lost(pid);
    return toRow(row);
  };

  /** One statement for each set of columns, made when first needed. */
  const updateOf = (columns: readonly string[]): StatementSync => {
    const key = columns.join();
    let statement = updates.get(key);
    if (statement === undefined) {
      statement = db.prepare(`UPDATE runs SET ${columns.map(column => `${column} = ?`).join()} WHERE pid = ?`);
      updates.set(key, statement);
    }
    return statement;
  };

  const update = (pid: number, change: Change): void => {
    const columns = CHANGEABLE.filter(column => change[column] !== undefined);
    if (columns.length === 0) return;
    const values = columns.map((column): SQLInputValue => change[column] ?? null);
    if (updateOf(columns).run(...values, pid).changes === 0) throw lost(pid);
  };

  const list = (states: readonly RunRow['state'][], agent?: string): RunRow[] => {
    const rows = states.flatMap(state => (agent === undefined ? byState.all(state) : byAgent.all(state, agent)));
    return rows.map(toRow).sort((a, b) => a.pid - b.pid);
  };

  return {
    accept: (run, limit, since) => guarded(() => transaction(db, () => accept(run, limit, since))),
    acceptAll: (runs, limit, since) => guarded(() => transaction(db, () => acceptAll(runs, limit, since))),
    repeated: (agent, key, since) => guarded(() => earlier.get(agent, key, since) !== undefined),
    get: pid => guarded(() => maybeRow(one.get(pid))),
    list: (states, agent) => guarded(() => list(states, agent)),
    recent: limit => guarded(() => ended.all(limit).map(toRow)),
    queued: agent => guarded(() => queued(agent)),
    update: (pid, change) => guarded(() => update(pid, change)),
  };
}

/** Under which the runs of one message are found again; no key that is given has a NUL in it. */
function keyOf(key: string, branch: number): string {
  return branch === 0 ? key : `${key}\0${branch}`;
}

/** `YYYY/MM/DD/HHMMSS-agent-pid`, UTC: sorts by time, reads in a shell, and the pid makes it unique. */
function conversationOf(run: NewRun, pid: number): string {
  const stamp = new Date(run.accepted).toISOString();
  const day = stamp.slice(0, 10).replaceAll('-', '/');
  const time = stamp.slice(11, 19).replaceAll(':', '');
  const agent = run.agent.replaceAll(/[^\w.-]/g, '-').slice(0, ID_AGENT_CHARS_MAX);
  return `${day}/${time}-${agent}-${String(pid).padStart(5, '0')}`;
}

function maybeRow(row: Row | undefined): RunRow | undefined {
  return row === undefined ? undefined : toRow(row);
}

function toRow(row: Row): RunRow {
  return {
    pid: Number(row.pid),
    agent: String(row.agent),
    ppid: Number(row.ppid),
    uid: Number(row.uid),
    gid: Number(row.gid),
    session: String(row.session),
    model: String(row.model),
    key: row.key === null ? undefined : String(row.key),
    accepted: Number(row.accepted),
    body: String(row.body),
    state: stateOf(row.state),
    conversation: String(row.conversation),
    started: numberOrNull(row.started),
    ended: numberOrNull(row.ended),
    code: numberOrNull(row.code),
    reason: row.reason === null ? null : String(row.reason),
    cost: Number(row.cost),
  };
}

function stateOf(value: unknown): RunRow['state'] {
  return value === 'queued' || value === 'running' ? value : 'ended';
}

function numberOrNull(value: unknown): number | null {
  return value === null ? null : Number(value);
}

function lost(pid: number): AosError {
  return new AosError('not_found', { component: 'store', why: `no run has the pid ${pid}`, remedy: 'see `aos ps -a`' });
}
