import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test from 'ava';
import { openStore } from '../../store/index.ts';

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/** Accepts, reserves and settles until it is killed, telling what was acknowledged only after the call returned. */
const WRITER = `
  const { openStore } = await import(process.argv[1]);
  const { writeSync } = await import('node:fs');
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const { state } = openStore(process.argv[2], { now: Date.now, log });
  const run = { agent: 'a', ppid: 0, uid: 1, gid: 1, session: 's', model: 'm', accepted: Date.now(), body: '{}' };
  const money = { at: Date.now(), path: '/aos/models/m', uid: 1, agent: 'a', model: 'm', mount: '', runs: [], scopes: [], summed: [] };
  for (let i = 1; ; i++) {
    const { row } = state.runs.accept({ ...run, key: 'k' + i }, 1e9, 0);
    const id = state.ledger.reserve({ ...money, micros: 10 });
    writeSync(1, JSON.stringify({ pid: row.pid, reserved: id }) + '\\n');
    state.ledger.settle(id, 1, Date.now());
    state.keys.set('n', 'last', String(i));
    writeSync(1, JSON.stringify({ settled: id, last: i }) + '\\n');
  }
`;

interface Said {
  readonly pid?: number;
  readonly reserved?: number;
  readonly settled?: number;
  readonly last?: number;
}

test('what was acknowledged is there after SIGKILL, and open reservations count in full', async t => {
  const home = mkdtempSync(join(tmpdir(), 'aos-crash-'));
  t.teardown(() => rmSync(home, { recursive: true, force: true }));
  const file = join(home, 'aos.db');
  const store = new URL('../../store/index.ts', import.meta.url).href;
  const child = spawn(process.execPath, ['--input-type=module', '-e', WRITER, store, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const lines: Said[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(JSON.parse(line) as Said);
    if (lines.length === 41) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  t.is(child.signalCode, 'SIGKILL');

  const { state, close } = openStore(file, { now: Date.now, log: SILENT });
  t.teardown(close);
  const accepted = lines.flatMap(line => line.pid ?? []);
  const settled = lines.flatMap(line => line.settled ?? []).length;
  t.true(accepted.length >= 21);
  for (const pid of accepted) t.is(state.runs.get(pid)?.state, 'queued');
  const before = state.ledger.total(0);
  t.true(before >= settled, 'each settled reservation was spent');
  const open = state.ledger.recover(0);
  t.true(open <= 1);
  t.is(state.ledger.total(0), before + open * 10);
  t.true(Number(state.keys.get('n', 'last')) >= Math.max(...lines.flatMap(line => line.last ?? [])));
});
