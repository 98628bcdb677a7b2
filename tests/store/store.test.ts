import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type ExecutionContext } from 'ava';
import { AosError } from '../../core/errors.ts';
import type { LedgerEntry, NewRun } from '../../core/types.ts';
import { openStore, type Store } from '../../store/index.ts';

const NOON = Date.UTC(2026, 10, 23, 14, 22, 33);

interface Opened extends Store {
  readonly home: string;
  readonly file: string;
  readonly said: string[];
  again(): Store;
}

function homeOf(t: ExecutionContext): string {
  const home = mkdtempSync(join(tmpdir(), 'aos-store-'));
  t.teardown(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

function opened(t: ExecutionContext, home = homeOf(t)): Opened {
  const file = join(home, 'aos.db');
  const said: string[] = [];
  const say = (_: object, message: string): void => void said.push(message);
  const log = { debug: say, info: say, warn: say, error: say };
  let store = openStore(file, { now: () => NOON, log });
  t.teardown(() => store.close());
  const again = (): Store => {
    store.close();
    store = openStore(file, { now: () => NOON, log });
    return store;
  };
  return { ...store, close: () => store.close(), home, file, said, again };
}

function run(change: Partial<NewRun> = {}): NewRun {
  return {
    agent: 'researcher',
    ppid: 0,
    uid: 1000,
    gid: 1000,
    session: 's1',
    model: 'mock/one',
    key: undefined,
    accepted: NOON,
    body: '{"prompt":"hello"}',
    ...change,
  };
}

function entry(change: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    at: NOON,
    micros: 500,
    path: '/aos/models/mock/one',
    uid: 1000,
    agent: 'researcher',
    model: 'mock/one',
    mount: '',
    runs: [3, 4],
    scopes: ['pid:77', 'session:5', 'global'],
    summed: ['session:5'],
    ...change,
  };
}

test('an accepted run is queued under a pid that counts up for ever', t => {
  const store = opened(t);
  const first = store.state.runs.accept(run(), 100, 0);
  t.is(first?.row.pid, 1);
  t.is(first?.row.state, 'queued');
  t.true(first?.fresh);
  const reopened = store.again();
  const second = reopened.state.runs.accept(run({ agent: 'coder' }), 100, 0);
  t.is(second?.row.pid, 2);
  t.is(reopened.state.runs.get(1)?.body, '{"prompt":"hello"}');
});

test('a conversation is named by day, time, agent and pid', t => {
  const { state } = opened(t);
  t.is(state.runs.accept(run(), 100, 0)?.row.conversation, '2026/11/23/142233-researcher-00001');
});

test('the same key gives the earlier run, until its window is over', t => {
  const { runs } = opened(t).state;
  const first = runs.accept(run({ key: 'k' }), 100, NOON - 600_000);
  const same = runs.accept(run({ key: 'k', accepted: NOON + 1 }), 100, NOON - 600_000);
  t.deepEqual([same?.fresh, same?.row.pid], [false, first?.row.pid]);
  const other = runs.accept(run({ key: 'k', agent: 'coder' }), 100, NOON - 600_000);
  t.true(other?.fresh, 'keys are per agent');
  const later = runs.accept(run({ key: 'k', accepted: NOON + 700_000 }), 100, NOON + 100_000);
  t.true(later?.fresh);
});

test('a full queue stores nothing, and is counted for each agent', t => {
  const { runs } = opened(t).state;
  t.truthy(runs.accept(run(), 2, 0));
  t.truthy(runs.accept(run({ key: 'k' }), 2, 0));
  t.is(runs.accept(run(), 2, 0), undefined);
  t.false(runs.accept(run({ key: 'k' }), 2, 0)?.fresh, 'a repeated message is answered even then');
  t.truthy(runs.accept(run({ agent: 'coder' }), 2, 0));
  t.is(runs.queued('researcher'), 2);
  runs.update(1, { state: 'running', started: NOON });
  t.is(runs.queued('researcher'), 1);
});

test('runs are listed by state, and the ended ones newest first', t => {
  const { runs } = opened(t).state;
  for (let i = 0; i < 4; i++) runs.accept(run({ agent: i % 2 === 0 ? 'researcher' : 'coder' }), 100, 0);
  runs.update(1, { state: 'ended', ended: NOON + 9, code: 0, reason: 'completed', cost: 7 });
  runs.update(3, { state: 'ended', ended: NOON + 5, code: 64, reason: 'budget' });
  runs.update(2, { state: 'running', model: 'mock/two' });
  t.deepEqual(
    runs.recent(10).map(row => row.pid),
    [1, 3],
  );
  t.deepEqual(
    runs.list(['queued', 'running']).map(row => row.pid),
    [2, 4],
  );
  t.deepEqual(runs.list(['queued', 'running'], 'researcher'), []);
  t.like(runs.get(1), { code: 0, reason: 'completed', cost: 7 });
  t.is(runs.get(2)?.model, 'mock/two');
  t.is(runs.get(99), undefined);
  t.is(t.throws(() => runs.update(99, { cost: 1 }), { instanceOf: AosError })?.kind, 'not_found');
});

test('money counts once settled; what never was counts in full after a restart', t => {
  const store = opened(t);
  const { ledger } = store.state;
  const settled = ledger.reserve(entry());
  ledger.reserve(entry({ micros: 900, model: 'mock/two', at: NOON + 1 }));
  ledger.settle(settled, 120, NOON);
  t.is(ledger.total(0), 120);
  const error = t.throws(() => ledger.settle(settled, 1, NOON), { instanceOf: AosError });
  t.is(error?.kind, 'invalid');
  const after = store.again().state.ledger;
  t.is(after.recover(NOON + 5), 1);
  t.is(after.recover(NOON + 6), 0);
  t.is(after.total(0), 1020);
  t.is(after.total(NOON + 5), 900);
});

test('what was spent since then comes by scope, oldest first, and in parts as one', t => {
  const { ledger } = opened(t).state;
  const spend = (micros: number, at: number, scopes: string[]): void =>
    ledger.settle(ledger.reserve(entry({ scopes, summed: [] })), micros, at);
  spend(5, NOON + 1000, ['pid:7:1', 'global']);
  spend(6, NOON + 1400, ['pid:7:1', 'global']);
  spend(7, NOON + 500, ['pid:71:1', 'global']);
  spend(8, NOON - 1, ['pid:7:1', 'global']);
  ledger.reserve(entry({ scopes: ['pid:7:1'], summed: [] }));
  t.deepEqual(
    [...ledger.since(NOON, 'pid:7', 1000)],
    [
      { scope: 'pid:71:1', at: NOON + 500, micros: 7, operations: 1 },
      { scope: 'pid:7:1', at: NOON + 1400, micros: 11, operations: 2 },
    ],
  );
  t.is([...ledger.since(NOON, 'global', 1)].length, 3);
  t.deepEqual([...ledger.since(NOON + 2000, 'global', 1)], []);
});

test('what was spent below patterns comes for each of them, however many paths there are, and in parts as one', t => {
  const { ledger } = opened(t).state;
  const spend = (micros: number, at: number, path: string): void =>
    ledger.settle(ledger.reserve(entry({ path, summed: [] })), micros, at);
  spend(1, NOON, '/aos/mnt/a');
  spend(2, NOON + 10, '/aos/mnt/a/x');
  spend(4, NOON + 20, '/aos/mnt/a/y/z');
  spend(8, NOON + 5000, '/aos/mnt/b/y');
  spend(16, NOON + 30, '/aos/mnt/ab');
  spend(32, NOON - 1, '/aos/mnt/a/x');
  ledger.reserve(entry({ path: '/aos/mnt/a/x', summed: [] }));
  const below = (...patterns: string[]) =>
    [...ledger.since(NOON, `path:${patterns.join('\n')}`, 1000)].map(({ scope, at, micros, operations }) => [
      scope,
      at - NOON,
      micros,
      operations,
    ]);
  t.deepEqual(below('/aos/mnt/a/**'), [['path:/aos/mnt/a/**', 20, 7, 3]]);
  t.deepEqual(below('/aos/mnt/a'), [['path:/aos/mnt/a', 0, 1, 1]]);
  t.deepEqual(below('/aos/none/**'), []);
  t.deepEqual(below('/aos/mnt/a/**', '/aos/mnt/*/y/**').toSorted(), [
    ['path:/aos/mnt/*/y/**', 20, 4, 1],
    ['path:/aos/mnt/*/y/**', 5000, 8, 1],
    ['path:/aos/mnt/a/**', 10, 3, 2],
    ['path:/aos/mnt/a/**', 20, 4, 1],
  ]);
});

test('what has no window keeps one sum: what is held, then the bill; and over a crash what was held', t => {
  const store = opened(t);
  const { ledger } = store.state;
  const first = ledger.reserve(entry());
  ledger.reserve(entry({ micros: 900, summed: ['session:5', 'run:1'] }));
  t.is(ledger.sum('run:1')?.micros, 900);
  t.is(ledger.sum('session:5')?.micros, 1400);
  t.is(ledger.sum('session:6'), undefined);
  ledger.settle(first, 120, NOON);
  t.deepEqual(ledger.sum('session:5'), { micros: 1020, at: NOON });
  const after = store.again().state.ledger;
  after.recover(NOON);
  t.is(after.sum('session:5')?.micros, 1020);
  const held = after.reserve(entry({ micros: 30 }));
  after.clear('session:5');
  t.is(after.sum('session:5')?.micros, 30, 'what is under way is not forgotten');
  after.settle(held, 10, NOON);
  t.is(after.sum('session:5')?.micros, 10);
});

test('the sum of a run, session or lease that nobody pays for any more is forgotten, and no other', t => {
  const { ledger } = opened(t).state;
  const lasting = ['session:5', 'run:1', 'lease:1', 'subtree:/aos/mnt/x'];
  ledger.settle(ledger.reserve(entry({ summed: lasting })), 120, NOON);
  ledger.recover(NOON + 89 * 86_400_000);
  t.truthy(ledger.sum('session:5'));
  ledger.recover(NOON + 91 * 86_400_000);
  t.deepEqual(
    lasting.map(scope => ledger.sum(scope)?.micros),
    [undefined, undefined, undefined, 120],
  );
});

test('a store of the first version gets its sums from its entries', t => {
  const home = homeOf(t);
  const first = opened(t, home);
  const { ledger } = first.state;
  ledger.settle(ledger.reserve(entry()), 120, NOON);
  ledger.reserve(entry({ micros: 900 }));
  first.close();
  const db = new DatabaseSync(first.file);
  db.exec('DROP TABLE sums; PRAGMA user_version = 1');
  db.close();
  const after = opened(t, home).state.ledger;
  t.is(after.sum('global')?.micros, 1020);
  t.is(after.sum('session:5')?.micros, 1020);
});

test('the ledger is reported by agent, model, mount, uid and day', t => {
  const { ledger } = opened(t).state;
  ledger.settle(ledger.reserve(entry()), 100, NOON);
  ledger.settle(ledger.reserve(entry({ model: 'mock/two', at: NOON })), 300, NOON + 86_400_000);
  ledger.settle(ledger.reserve(entry({ model: '', mount: 'github', uid: 0 })), 5, NOON);
  t.deepEqual(ledger.report('model', 0), [
    { key: 'mock/two', micros: 300, operations: 1 },
    { key: 'mock/one', micros: 100, operations: 1 },
    { key: '-', micros: 5, operations: 1 },
  ]);
  t.deepEqual(ledger.report('day', 0), [
    { key: '2026-11-23', micros: 105, operations: 2 },
    { key: '2026-11-24', micros: 300, operations: 1 },
  ]);
  t.deepEqual(ledger.report('uid', 0), [
    { key: '1000', micros: 400, operations: 2 },
    { key: '0', micros: 5, operations: 1 },
  ]);
  t.deepEqual(ledger.report('agent', NOON + 1), [{ key: 'researcher', micros: 300, operations: 1 }]);
  t.is(ledger.report('mount', 0).length, 2);
});

test('keys are set, replaced, listed and removed within their space', t => {
  const store = opened(t);
  const { keys } = store.state;
  keys.set('a', 'x', '1');
  keys.set('a', 'b', '2');
  keys.set('b', 'x', '3');
  keys.set('a', 'x', '4');
  keys.remove('b', 'nothing');
  const after = store.again().state.keys;
  t.deepEqual(after.list('a'), [
    { key: 'b', value: '2' },
    { key: 'x', value: '4' },
  ]);
  after.remove('a', 'x');
  t.is(after.get('a', 'x'), undefined);
  t.is(after.get('b', 'x'), '3');
});

test('a text is found by its words, replaced and removed', t => {
  const { index } = opened(t).state;
  index.put('/aos/a', 'The capital of France is Paris.\nIt lies on the Seine.');
  index.put('/aos/b', 'Berlin lies on the Spree.');
  t.is(index.count(), 2);
  t.deepEqual(
    index.search('paris', 10).map(hit => hit.path),
    ['/aos/a'],
  );
  t.regex(index.search('seine', 10)[0]?.excerpt ?? '', /Paris\. It lies on the Seine\./);
  t.is(index.search('lies', 10).length, 2);
  t.is(index.search('lies', 1).length, 1);
  t.deepEqual(index.search('What about the Spree today?', 10)[0]?.path, '/aos/b', 'some of the words, where not all');
  index.put('/aos/a', 'nothing of it');
  t.deepEqual(index.search('paris', 10), []);
  index.remove('/aos/a');
  index.remove('/aos/a');
  t.is(index.count(), 1);
});

test('a query is words, never FTS syntax', t => {
  const { index } = opened(t).state;
  index.put('/aos/a', 'near or not and the "quoted" body: x*');
  for (const query of [
    '"',
    '""',
    "'; DROP TABLE runs; --",
    'NEAR(',
    'NOT',
    'AND OR',
    'body:x',
    '*',
    '^a',
    '{',
    '-a',
    'a" OR "b',
  ]) {
    t.notThrows(() => index.search(query, 5), query);
  }
  t.deepEqual(
    index.search('NOT', 5).map(hit => hit.path),
    ['/aos/a'],
  );
  t.deepEqual(index.search('', 5), []);
  t.deepEqual(index.search('!!! ???', 5), []);
});

test('a store that somebody emptied begins anew, and says what that means', t => {
  const home = homeOf(t);
  opened(t, home).close();
  const again = opened(t, home);
  t.deepEqual(again.said, []);
  again.close();
  writeFileSync(join(home, 'aos.db'), '');
  t.regex(opened(t, home).said[0] ?? '', /aos\.db is empty: what was spent.* put it back/);
});

test('a file that is no database is moved aside with its companions, said so, and kept', t => {
  const home = homeOf(t);
  writeFileSync(join(home, 'aos.db'), 'dear diary');
  writeFileSync(join(home, 'aos.db-wal'), 'old');
  const store = opened(t, home);
  const moved = join(home, 'aos.db.not-a-database-20261123T142233Z');
  t.is(store.moved, moved);
  t.is(readFileSync(moved, 'utf8'), 'dear diary');
  t.is(readFileSync(`${moved}-wal`, 'utf8'), 'old');
  t.regex(store.said[0] ?? '', /is not a database; it was moved to .*20261123T142233Z/);
  t.truthy(store.state.runs.accept(run(), 1, 0));
  store.close();
  writeFileSync(store.file, 'again');
  opened(t, home);
  t.is(readdirSync(home).filter(name => name.includes('not-a-database') && !name.endsWith('-wal')).length, 2);
});

test('an empty file is an empty store, and only its owner can read it', t => {
  const home = homeOf(t);
  writeFileSync(join(home, 'aos.db'), '', { mode: 0o600 });
  const store = opened(t, home);
  t.is(store.moved, undefined);
  t.is(statSync(store.file).mode & 0o777, 0o600);
  t.is(statSync(`${store.file}-wal`).mode & 0o777, 0o600);
});

test('a store of a newer version is refused and left alone', t => {
  const store = opened(t);
  store.close();
  const db = new DatabaseSync(store.file);
  db.exec('PRAGMA user_version = 999');
  db.close();
  const error = t.throws(() => opened(t, store.home), { instanceOf: AosError });
  t.is(error?.kind, 'invalid');
  t.regex(error?.message ?? '', /a newer Agent OS wrote it \(schema 999.*upgrade Agent OS/);
  t.true(existsSync(store.file));
});

test("another program's database is refused and left alone", t => {
  const home = homeOf(t);
  const db = new DatabaseSync(join(home, 'aos.db'));
  db.exec('CREATE TABLE mine (x)');
  db.close();
  const error = t.throws(() => opened(t, home), { instanceOf: AosError });
  t.regex(error?.message ?? '', /a database of another program; move it away/);
});

test('a path that cannot be a file says what to do', t => {
  const home = homeOf(t);
  mkdirSync(join(home, 'aos.db'));
  const error = t.throws(() => opened(t, home), { instanceOf: AosError });
  t.is(error?.kind, 'io');
  t.regex(error?.message ?? '', /^store: .*the store cannot be opened.*AOS_HOME/);
});

test('a store that was closed says so', t => {
  const store = opened(t);
  store.close();
  t.notThrows(() => store.close());
  const error = t.throws(() => store.state.keys.get('a', 'b'), { instanceOf: AosError });
  t.is(error?.kind, 'io');
});
