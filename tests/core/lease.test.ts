import test from 'ava';
import { type LeaseStore, Leases } from '../../core/capabilities/lease.ts';
import { AosError } from '../../core/errors.ts';
import { parsePath } from '../../core/path.ts';
import type { Caller, Identity, Lease, LeaseScope, ProcessId } from '../../core/types.ts';
import { tree, value } from '../../plugin-sdk/index.ts';
import { caller, testCore } from '../support/core.ts';

const UNTIL = 10_000;

/** What is kept, as a disk would keep it. */
function memory(): LeaseStore & { readonly kept: Map<number, Lease> } {
  const kept = new Map<number, Lease>();
  let last = 0;
  return {
    kept,
    load: () => [...kept.values()],
    save(lease) {
      kept.set(lease.id, lease);
      last = lease.id;
    },
    remove: id => void kept.delete(id),
    last: () => last,
  };
}

function leaseOf(scope: LeaseScope, more: Partial<Lease> = {}): Omit<Lease, 'id'> {
  return { path: '/aos/mnt/x', until: UNTIL, uid: 1000, scope, ...more };
}

interface As extends Partial<Identity> {
  readonly uid?: number;
  readonly agent?: string;
  readonly ancestors?: readonly ProcessId[];
}

function as({ uid = 1000, agent, ancestors = [], ...identity }: As): Caller {
  const base = caller(undefined, uid);
  const known = { ...base.identity(), ...identity };
  return { ...base, identity: () => known, ancestors: () => ancestors, ...(agent !== undefined && { agent }) };
}

const SHELL = { pid: 100, startTime: 5 };

const SERVED: readonly [string, LeaseScope, As, boolean][] = [
  ['a session: its own', { kind: 'session', sid: 7 }, { sid: 7 }, true],
  ['a session: another', { kind: 'session', sid: 7 }, { sid: 8 }, false],
  ['a session: its own, by its leader', { kind: 'session', sid: 7, leaderStart: 5 }, { sid: 7, leaderStart: 5 }, true],
  [
    'a session: its own after its leader',
    { kind: 'session', sid: 7, leaderStart: 5 },
    { sid: 7, leaderStart: 0 },
    true,
  ],
  [
    'a session: a later one of its number',
    { kind: 'session', sid: 7, leaderStart: 5 },
    { sid: 7, leaderStart: 6 },
    false,
  ],
  ['a session: another with a terminal', { kind: 'session', sid: 7 }, { sid: 8, tty: 3 }, true],
  ['a session: another user with a terminal', { kind: 'session', sid: 7 }, { uid: 7, sid: 7, tty: 3 }, false],
  ['a uid: its own', { kind: 'uid' }, { sid: 8 }, true],
  ['a uid: another', { kind: 'uid' }, { uid: 1001 }, false],
  ['a uid: root', { kind: 'uid' }, { uid: 0 }, false],
  ['a uid: a run of its own', { kind: 'uid' }, { agent: 'scout' }, false],
  ['a session: a run from it', { kind: 'session', sid: 7 }, { sid: 7, agent: 'scout' }, false],
  ['an agent: a run of it', { kind: 'agent', agent: 'scout' }, { agent: 'scout' }, true],
  [
    'an agent: a run of it that another user started',
    { kind: 'agent', agent: 'scout' },
    { agent: 'scout', uid: 7 },
    true,
  ],
  ['an agent: a run of another', { kind: 'agent', agent: 'scout' }, { agent: 'coder' }, false],
  ['an agent: its user', { kind: 'agent', agent: 'scout' }, {}, false],
  ['a process: itself', { kind: 'process', ...SHELL }, SHELL, true],
  ['a process: another with its number', { kind: 'process', ...SHELL }, { pid: 100, startTime: 6 }, false],
  ['a process: its child', { kind: 'process', ...SHELL }, { pid: 101, ancestors: [SHELL] }, true],
  [
    'a process: its grandchild',
    { kind: 'process', ...SHELL },
    { pid: 102, ancestors: [{ pid: 101, startTime: 5 }, SHELL, { pid: 1, startTime: 1 }] },
    true,
  ],
  [
    'a process: one beside it',
    { kind: 'process', ...SHELL },
    { pid: 103, ancestors: [{ pid: 1, startTime: 1 }] },
    false,
  ],
];

for (const [what, scope, who, served] of SERVED) {
  test(`a lease for ${what} ${served ? 'is' : 'is not'} served`, t => {
    const leases = new Leases(memory());
    leases.add(leaseOf(scope), 0);
    t.is(leases.find(as(who), '/aos/mnt/x/y', 0) !== undefined, served);
  });
}

test('it holds up to its last millisecond, and no longer; then the refusal can say when it ended', t => {
  const leases = new Leases(memory());
  leases.add(leaseOf({ kind: 'uid' }), 0);
  t.truthy(leases.find(as({}), '/aos/mnt/x', UNTIL - 1));
  t.is(leases.expired(as({}), '/aos/mnt/x', UNTIL - 1), undefined);
  t.is(leases.find(as({}), '/aos/mnt/x', UNTIL), undefined);
  t.is(leases.expired(as({}), '/aos/mnt/x', UNTIL)?.until, UNTIL);
  t.is(leases.expired(as({ uid: 7 }), '/aos/mnt/x', UNTIL), undefined);
});

test('the lease that a refusal names is the one that ran out last, whichever was taken first', t => {
  const leases = new Leases(memory());
  for (const until of [UNTIL, UNTIL + 2, UNTIL + 1]) leases.add(leaseOf({ kind: 'uid' }, { until }), 0);
  t.is(leases.expired(as({}), '/aos/mnt/x', UNTIL + 5)?.until, UNTIL + 2);
});

const LOCKED_SINCE: readonly [string, LeaseScope, string, As, boolean][] = [
  ['the same', { kind: 'uid' }, '/aos/mnt/x', {}, false],
  ['one of a session of that user', { kind: 'session', sid: 7 }, '/aos/mnt/x', {}, false],
  ['one of a part of it', { kind: 'uid' }, '/aos/mnt/x/y', {}, false],
  ["an agent's", { kind: 'agent', agent: 'scout' }, '/aos/mnt/x', {}, true],
  ["a command's", { kind: 'process', ...SHELL }, '/aos/mnt/x', {}, true],
  ['one of another mount', { kind: 'uid' }, '/aos/mnt/other', {}, true],
];

for (const [what, scope, path, who, told] of LOCKED_SINCE) {
  test(`what ran out before another was ended by hand, ${what}, is ${told ? 'still' : 'no longer'} the reason`, t => {
    const leases = new Leases(memory());
    leases.add(leaseOf({ kind: 'uid' }), 0);
    const { id } = leases.add(leaseOf(scope, { path, until: UNTIL * 2 }), UNTIL);
    leases.end(id, UNTIL + 1);
    t.is(leases.expired(as(who), '/aos/mnt/x', UNTIL + 2) !== undefined, told);
  });
}

test('it covers its path and what is below, not a name that begins alike', t => {
  const leases = new Leases(memory());
  leases.add(leaseOf({ kind: 'uid' }), 0);
  const covered = (path: string): boolean => leases.find(as({}), path, 0) !== undefined;
  t.deepEqual(['/aos/mnt/x', '/aos/mnt/x/a/b', '/aos/mnt/xy', '/aos/mnt', '/aos'].map(covered), [
    true,
    true,
    false,
    false,
    false,
  ]);
});

test('of several the one with a budget counts, of those the one taken last', t => {
  const leases = new Leases(memory());
  const [, first] = [leaseOf({ kind: 'uid' }), leaseOf({ kind: 'uid' }, { budget: 5, until: UNTIL * 2 })].map(lease =>
    leases.add(lease, 0),
  );
  t.is(leases.find(as({}), '/aos/mnt/x/y', 0), first);
  const second = leases.add(leaseOf({ kind: 'uid' }, { path: '/aos/mnt/x/y', budget: 9 }), 0);
  t.is(leases.find(as({}), '/aos/mnt/x/y', 0), second);
  t.is(leases.find(as({}), '/aos/mnt/x/y', UNTIL), first);
});

test('leases are kept, and no id is given twice', t => {
  const store = memory();
  const before = new Leases(store);
  before.add(leaseOf({ kind: 'uid' }), 0);
  const second = before.add(leaseOf({ kind: 'uid' }), 0);
  before.end(second.id, 0);
  const after = new Leases(store);
  t.deepEqual(
    after.list(0).map(lease => lease.id),
    [1],
  );
  t.is(after.add(leaseOf({ kind: 'uid' }), 0).id, 3);
  t.deepEqual(after.list(UNTIL), []);
  t.truthy(after.expired(as({}), '/aos/mnt/x', UNTIL));
  t.deepEqual(after.list(UNTIL + 24 * 3_600_000), []);
  t.is(store.kept.size, 0);
});

test('the gate: a handle that is open is refused from the moment the lease ends, by the clock or by hand', async t => {
  let now = 0;
  const core = await testCore(undefined, () => now);
  core.mount('/aos/mnt/x', tree({ '/v': value({ read: () => 'hello' }) }), { locked: true });
  const open = () =>
    core.aos.open(caller(), parsePath('/aos/mnt/x/v'), { read: true, write: false, append: false, truncate: false });
  core.policy.leases.add(leaseOf({ kind: 'uid' }));
  const handle = await open();
  now = UNTIL - 1;
  t.is(String(handle.read(0, 10)), 'hello\n');
  now = UNTIL;
  t.is(t.throws(() => handle.read(0, 10), { instanceOf: AosError }).kind, 'lease_expired');
  const { id } = core.policy.leases.add(leaseOf({ kind: 'uid' }, { until: UNTIL * 2 }));
  t.is(String(handle.read(0, 10)), 'hello\n');
  core.policy.leases.end(id);
  t.throws(() => handle.read(0, 10), { instanceOf: AosError, message: /aos unlock \/aos\/mnt\/x --duration=30m/ });
});

test("a run's refusal names the command that opens the lock for its agent", async t => {
  const core = await testCore();
  core.mount('/aos/mnt/x', tree({ '/v': value({ read: () => 'hello' }) }), { locked: true });
  const run: Caller = { ...caller(), agent: 'scout', run: 1 };
  const error = t.throws(() => core.aos.read(run, parsePath('/aos/mnt/x/v')), { instanceOf: AosError });
  t.regex(error.remedy ?? '', /aos unlock \/aos\/mnt\/x --duration=30m --scope=agent:scout$/);
});

test('however many leases there are, /proc is read once for an operation', t => {
  const leases = new Leases(memory());
  for (let i = 0; i < 50; i++) leases.add(leaseOf({ kind: 'process', pid: 200 + i, startTime: 1 }), 0);
  let reads = 0;
  const base = as({});
  const counting: Caller = {
    ...base,
    identity: () => {
      reads++;
      return base.identity();
    },
    ancestors: () => {
      reads++;
      return [];
    },
  };
  t.is(leases.find(counting, '/aos/mnt/x/y', 1), undefined);
  t.is(reads, 2);
});

test('leases that ended long ago are forgotten when another is taken', t => {
  const store = memory();
  const leases = new Leases(store);
  leases.add(leaseOf({ kind: 'uid' }), 0);
  leases.add(leaseOf({ kind: 'uid' }, { until: UNTIL + 48 * 3_600_000 }), UNTIL + 24 * 3_600_000);
  t.is(store.kept.size, 1);
});
