import test from 'ava';
import type { ErrnoName } from '../../core/errors.ts';
import { refusal } from '../support/refusal.ts';
import { makeWorld, START, type Who, who } from './world.ts';

const UNLOCK = '/aos/system/unlock';
const PAID = '/aos/mnt/paid';
const HALF_HOUR = 1_800_000;

test('what is locked opens for as long as it was unlocked, to the millisecond', async t => {
  const world = await makeWorld(t);
  t.is((await refusal(() => world.read(who(), `${PAID}/a`))).kind, 'locked');
  const lease = await world.call(who(), UNLOCK, { path: PAID, duration_ms: HALF_HOUR });
  t.like(lease, { path: PAID, until: new Date(START + HALF_HOUR).toISOString(), budget_usd: null, scope: 'uid' });
  t.is(typeof lease.id, 'number');
  world.now = START + HALF_HOUR - 1;
  t.is(await world.read(who(), `${PAID}/a`), 'content of a\n');
  world.now = START + HALF_HOUR;
  const error = await refusal(() => world.read(who(), `${PAID}/a`));
  t.is(error.kind, 'lease_expired');
  t.is(error.exitCode, 100);
  t.regex(error.message, /aos unlock \/aos\/mnt\/paid --duration=30m/);
  t.deepEqual(world.reached, ['a']);
});

test('how long can be said in words', async t => {
  const world = await makeWorld(t);
  const lease = await world.call(who(), UNLOCK, { path: PAID, duration: '90s' });
  t.is(lease.until, new Date(START + 90_000).toISOString());
});

test('from a terminal it serves that session and what has a terminal; from a script the user; and it says why', async t => {
  const world = await makeWorld(t);
  const [terminal, other, script] = [who({ tty: 9, sid: 5 }), who({ tty: 8, sid: 6 }), who({ sid: 7 })];
  const lease = await world.call(terminal, UNLOCK, { path: PAID, duration_ms: HALF_HOUR });
  t.is(lease.scope, 'session');
  t.regex(String(lease.why), /terminal/);
  for (const served of [terminal, other, who({ sid: 5 })])
    t.is(await world.read(served, `${PAID}/a`), 'content of a\n');
  t.is((await refusal(() => world.read(script, `${PAID}/a`))).kind, 'locked');
  const second = await world.call(script, UNLOCK, { path: PAID, duration_ms: HALF_HOUR });
  t.is(second.scope, 'uid');
  t.regex(String(second.why), /script/);
  t.is(await world.read(script, `${PAID}/a`), 'content of a\n');
  t.is((await refusal(() => world.read(who({ uid: 0 }), `${PAID}/a`))).kind, 'locked');
});

test('a session that is asked for by a script is served with the terminals, as is said', async t => {
  const world = await makeWorld(t);
  const lease = await world.call(who({ sid: 7 }), UNLOCK, { path: PAID, duration_ms: HALF_HOUR, scope: 'session' });
  t.regex(String(lease.why), /this session, and your processes on any terminal/);
  for (const served of [who({ sid: 7 }), who({ tty: 8, sid: 6 })])
    t.is(await world.read(served, `${PAID}/a`), 'content of a\n');
  t.is((await refusal(() => world.read(who({ sid: 9 }), `${PAID}/a`))).kind, 'locked');
});

test('a lease for a process serves its children and nobody else', async t => {
  const world = await makeWorld(t);
  const parent = { pid: 100, startTime: 1 };
  const lease = await world.call(who(parent), UNLOCK, { path: PAID, duration_ms: HALF_HOUR, scope: 'process' });
  t.is(lease.scope, 'process:100');
  t.is(await world.read(who({ ...parent, pid: 101, ancestors: [parent] }), `${PAID}/a`), 'content of a\n');
  const strangers: Who[] = [{ pid: 102 }, { pid: 100, startTime: 2 }, { ancestors: [{ pid: 100, startTime: 2 }] }];
  for (const as of strangers) t.is((await refusal(() => world.read(who(as), `${PAID}/a`))).kind, 'locked');
  const error = await refusal(() =>
    world.call(who(), UNLOCK, { path: PAID, duration_ms: 1, scope: 'process', pid: 555 }),
  );
  t.regex(error.message, /not the one that asks, nor above it/);
});

test('an agent is served by a lease for it alone, and a run can take none for anybody else', async t => {
  const world = await makeWorld(t);
  const run = who({ agent: 'scout', run: 3 });
  await world.call(who(), UNLOCK, { path: PAID, duration_ms: HALF_HOUR });
  t.is((await refusal(() => world.read(run, `${PAID}/a`))).kind, 'locked');
  await world.call(who(), UNLOCK, { path: PAID, duration_ms: HALF_HOUR, scope: 'agent:scout' });
  t.is(await world.read(run, `${PAID}/a`), 'content of a\n');
  t.is((await refusal(() => world.read(who({ agent: 'other', run: 4 }), `${PAID}/a`))).kind, 'locked');
  for (const scope of ['uid', 'session', 'process', 'agent:other']) {
    const error = await refusal(() => world.call(run, UNLOCK, { path: PAID, duration_ms: 1, scope }));
    t.is(error.errno, 'EPERM', scope);
  }
  const own = await world.call(run, UNLOCK, { path: PAID, duration_ms: 1000 });
  t.is(own.scope, 'agent:scout');
});

test('a run without a grant for it cannot unlock: for it there is no such file', async t => {
  const world = await makeWorld(t);
  const authority = [...who().authority, { name: 'agent scout', grants: [{ verbs: ['read'], path: '/aos/mnt/**' }] }];
  const run = who({ agent: 'scout', run: 3, authority } as Who);
  t.is((await refusal(() => world.call(run, UNLOCK, { path: PAID, duration_ms: 1 }))).errno, 'ENOENT');
  t.deepEqual(await world.names(who(), '/aos/system/leases'), []);
});

const BAD: readonly [string, object, RegExp][] = [
  ['no time', { duration_ms: 0 }, /over at once/],
  ['less than a millisecond', { duration_ms: 0.4 }, /less than a millisecond is over at once/],
  ['the same in words', { duration: '0.4ms' }, /less than a millisecond is over at once/],
  ['a budget of next to nothing', { duration_ms: 1, budget_usd: 1e-7 }, /less than a micro-dollar pays for nothing/],
  ['less than no time', { duration_ms: -1 }, /over at once/],
  ['a year', { duration_ms: 365 * 86_400_000 }, /24h at most/],
  ['a millisecond too long', { duration_ms: 86_400_001 }, /24h at most/],
  ['text', { duration_ms: '30m' }, /"duration_ms" is not a number/],
  ['for ever', { duration_ms: JSON.parse('1e309') }, /"duration_ms" is not a number/],
  ['not said', {}, /it is not said how long; .*"30m"/],
  ['said twice', { duration: '1m', duration_ms: 60_000 }, /said twice/],
  ['a bare number as text', { duration: '30' }, /30/],
  ['words', { duration: '30 minutes' }, /30 minutes/],
  ['a number as text is wanted', { duration: 30 }, /"duration" is not text/],
  ['a budget of nothing', { duration_ms: 1, budget_usd: 0 }, /pays for nothing/],
  ['a negative budget', { duration_ms: 1, budget_usd: -1 }, /is not an amount/],
  ['a budget that is no number', { duration_ms: 1, budget_usd: Number.NaN }, /is not an amount/],
  ['a huge budget', { duration_ms: 1, budget_usd: 1e12 }, /is not an amount/],
  ['a budget beyond all numbers', { duration_ms: 1, budget_usd: JSON.parse('1e309') }, /is not an amount/],
  ['a budget in words', { duration_ms: 1, budget_usd: 'much' }, /"budget_usd" is not a number/],
  [
    'a scope that there is not',
    { duration_ms: 1, scope: 'world' },
    /"world" is not a scope; use session, uid or agent/,
  ],
  ['a scope of no agent', { duration_ms: 1, scope: 'agent:' }, /"agent:" names no agent; name one: agent:NAME/],
  ['a key that there is not', { duration_ms: 1, forever: true }, /"forever" is not known/],
  ['a path that is not there', { duration_ms: 1, path: '/aos/mnt/none' }, /no such file/],
  ['a path that is not locked', { duration_ms: 1, path: '/aos/system/status' }, /it is not locked/],
  ['a path outside', { duration_ms: 1, path: '/etc/passwd' }, /not a path of the tree/],
  ['no path', { duration_ms: 1, path: 3 }, /"path" is missing/],
];

for (const [what, request, why] of BAD) {
  test(`unlock refuses in one sentence: ${what}`, async t => {
    const world = await makeWorld(t);
    const error = await refusal(() => world.call(who(), UNLOCK, { path: PAID, ...request }));
    t.regex(error.message, why);
    t.truthy(error.remedy);
    t.deepEqual(await world.names(who(), '/aos/system/leases'), []);
    t.is((await refusal(() => world.read(who(), `${PAID}/a`))).kind, 'locked');
  });
}

test('an agent that there is not is not found', async t => {
  const world = await makeWorld(t);
  const ask = { path: PAID, duration_ms: 1, scope: 'agent:nobody' };
  t.is((await refusal(() => world.call(who(), UNLOCK, ask))).errno, 'ENOENT');
});

test('a lease with a budget stands in for process, session and user; a further one takes its place', async t => {
  const world = await makeWorld(t, { budgets: { pid: { usd: 0.01, per: '60s' } } });
  await world.call(who(), UNLOCK, { path: PAID, duration_ms: HALF_HOUR, budget_usd: 0.03 });
  for (let i = 0; i < 3; i++) await world.read(who(), `${PAID}/${i}`);
  const error = await refusal(() => world.read(who(), `${PAID}/x`));
  t.is(error.kind, 'budget');
  t.regex(error.message, /lease budget of \$0\.03 has \$0\.03 spent.*aos unlock \/aos\/mnt\/paid/);
  await world.call(who(), UNLOCK, { path: PAID, duration_ms: 60_000, budget_usd: 0.02 });
  t.is(await world.read(who(), `${PAID}/x`), 'content of x\n');
  t.is((await world.names(who(), '/aos/system/leases')).length, 1);
});

test('leases outlive the daemon, and so does what was spent under them', async t => {
  const world = await makeWorld(t);
  await world.call(who(), UNLOCK, { path: PAID, duration_ms: HALF_HOUR, budget_usd: 0.02 });
  await world.read(who(), `${PAID}/a`);
  await world.restart();
  await world.read(who(), `${PAID}/b`);
  t.is((await refusal(() => world.read(who(), `${PAID}/c`))).kind, 'budget');
  await world.call(who(), '/aos/system/lock', { path: PAID });
  await world.restart();
  t.is((await refusal(() => world.read(who(), `${PAID}/c`))).kind, 'locked');
  // A later lease has a budget of its own.
  await world.call(who(), UNLOCK, { path: PAID, duration_ms: HALF_HOUR, budget_usd: 0.02 });
  t.is(await world.read(who(), `${PAID}/c`), 'content of c\n');
});

test('a dry run says what it might cost and opens nothing', async t => {
  const world = await makeWorld(t);
  const ask = { path: PAID, duration_ms: HALF_HOUR, dry_run: true };
  const first = await world.call(who(), UNLOCK, { ...ask, budget_usd: 0.5 });
  t.like(first, { estimate_usd: 0, low_usd: 0, high_usd: 0.5 });
  t.regex(String(first.basis), /unlocking is free/);
  t.deepEqual(await world.names(who(), '/aos/system/leases'), []);
  await world.call(who(), UNLOCK, { path: PAID, duration_ms: HALF_HOUR });
  for (let i = 0; i < 8; i++) await world.read(who(), `${PAID}/${i}`);
  const later = await world.call(who(), UNLOCK, { ...ask, duration_ms: 86_400_000 });
  t.is(later.estimate_usd, 0.08);
});

test('through the file: one handle writes the request and reads the reply', async t => {
  const world = await makeWorld(t);
  const handle = await world.core.aos.open(who(), UNLOCK as never, {
    read: true,
    write: true,
    append: false,
    truncate: false,
  });
  await handle.write(0, Buffer.from(JSON.stringify({ path: PAID, duration_ms: 1000 })));
  const reply = JSON.parse(String(await handle.read(0, 4096)));
  handle.close();
  t.like(reply, { path: PAID, scope: 'uid' });
});

test('leases: each as a file, to its user, to the owner and to root', async t => {
  const world = await makeWorld(t, { grants: { 1001: [{ verbs: ['all'], path: '/aos/**' }] } });
  const guest = who({ uid: 1001 });
  const own = await world.call(who(), UNLOCK, { path: PAID, duration_ms: HALF_HOUR });
  const theirs = await world.call(guest, UNLOCK, { path: PAID, duration_ms: HALF_HOUR, budget_usd: 0.5 });
  t.deepEqual(await world.names(guest, '/aos/system/leases'), [String(theirs.id)]);
  t.deepEqual(await world.names(who(), '/aos/system/leases'), [String(own.id), String(theirs.id)]);
  await world.read(guest, `${PAID}/a`);
  const seen = JSON.parse(await world.read(guest, `/aos/system/leases/${theirs.id}`));
  t.like(seen, { id: theirs.id, path: PAID, uid: 1001, budget_usd: 0.5, spent_usd: 0.01, remaining_sec: 1800 });
  t.is((await refusal(() => world.read(guest, `/aos/system/leases/${own.id}`))).errno, 'ENOENT');
  world.now = START + HALF_HOUR;
  t.deepEqual(await world.names(who(), '/aos/system/leases'), []);
});

test('lock ends what the caller holds on the path and below it, at once, also for what is open', async t => {
  const world = await makeWorld(t, { grants: { 1001: [{ verbs: ['all'], path: '/aos/**' }] } });
  const guest = who({ uid: 1001 });
  const LOCK = '/aos/system/lock';
  await world.call(who(), UNLOCK, { path: `${PAID}/a`, duration_ms: HALF_HOUR });
  await world.call(guest, UNLOCK, { path: PAID, duration_ms: HALF_HOUR });
  const handle = await world.core.aos.open(who(), `${PAID}/a` as never, {
    read: true,
    write: false,
    append: false,
    truncate: false,
  });
  t.deepEqual((await world.call(guest, LOCK, { path: '/aos/mnt' })).ended, [2]);
  t.is((await refusal(() => world.read(guest, `${PAID}/a`))).kind, 'locked');
  t.is(await world.read(who(), `${PAID}/a`), 'content of a\n');
  t.deepEqual((await world.call(who({ uid: 0 }), LOCK, { path: PAID })).ended, [1]);
  t.is((await refusal(() => handle.read(0, 10))).kind, 'locked');
  t.deepEqual((await world.call(who(), LOCK, { path: PAID })).ended, []);
  await world.call(who(), UNLOCK, { path: PAID, duration_ms: HALF_HOUR });
  t.regex((await refusal(() => world.call(who(), LOCK, { path: `${PAID}/a` }))).message, /aos lock \/aos\/mnt\/paid/);
});

test('what is locked by hand is locked, and no lease is said to have run out, whether one still held or not', async t => {
  const world = await makeWorld(t);
  const kind = async (): Promise<string> => (await refusal(() => world.read(who(), `${PAID}/a`))).kind;
  await world.call(who(), UNLOCK, { path: PAID, duration_ms: 1000 });
  world.now = START + 1000;
  t.is(await kind(), 'lease_expired');
  t.deepEqual((await world.call(who(), '/aos/system/lock', { path: PAID })).ended, []);
  t.is(await kind(), 'locked');
  await world.call(who(), UNLOCK, { path: PAID, duration_ms: 1000 });
  world.now = START + 2000;
  await world.call(who(), UNLOCK, { path: PAID, duration_ms: 5000 });
  t.deepEqual((await world.call(who({ sid: 99 }), '/aos/system/lock', { path: PAID })).ended, [3]);
  const error = await refusal(() => world.read(who(), `${PAID}/a`));
  t.deepEqual([error.kind, error.exitCode], ['locked', 1]);
  await world.restart();
  t.is(await kind(), 'locked');
});

test('lock says where there is nothing to lock, and refuses what is not there', async t => {
  const world = await makeWorld(t);
  const lock = (path: string) => world.call(who(), '/aos/system/lock', { path });
  t.deepEqual((await lock(PAID)).ended, []);
  t.deepEqual((await lock(`${PAID}/whatever`)).ended, []);
  t.deepEqual((await lock('/aos/system')).ended, []);
  t.is((await refusal(() => lock('/aos/mnt/tpyo'))).errno, 'ENOENT');
  // One that outlasted its mount can be ended all the same.
  const unmount = world.mount('/aos/mnt/other');
  await world.call(who(), UNLOCK, { path: '/aos/mnt/other', duration_ms: HALF_HOUR });
  unmount();
  t.is((await lock('/aos/mnt/other').then(({ ended }) => ended as number[])).length, 1);
  t.deepEqual(world.reached, []);
});

const WRITTEN: readonly [string, string, string, ErrnoName][] = [
  ['a word', 'unlock', 'junk', 'EINVAL'],
  ['JSON that is no object', 'unlock', '[]', 'EINVAL'],
  ['a word in an object', 'unlock', `{"path":"${PAID}","duration": soon}`, 'EINVAL'],
  ['less than no time', 'unlock', `{"path":"${PAID}","duration_ms":-5}`, 'EINVAL'],
  ['a path that is not there', 'unlock', '{"path":"/aos/mnt/none","duration":"1m"}', 'ENOENT'],
  ['an agent that is not there', 'unlock', `{"path":"${PAID}","duration":"1m","scope":"agent:none"}`, 'ENOENT'],
  ['a lease that is not held', 'lock', '{"id":7}', 'ENOENT'],
  ['another word', 'breaker', 'rst', 'EINVAL'],
];

for (const [what, file, text, errno] of WRITTEN) {
  test(`what a shell writes is refused by write, since it does not hear of close: ${what}, to ${file}`, async t => {
    const world = await makeWorld(t);
    const how = { read: false, write: true, append: false, truncate: true };
    const handle = await world.core.aos.open(who(), `/aos/system/${file}` as never, how);
    const error = await refusal(() => handle.write(0, Buffer.from(`${text}\n`)));
    t.is(error.errno, errno);
    t.is((await refusal(() => handle.flush())).message, error.message);
    handle.close();
    const told = Object.values(await world.call(who(), '/aos/system/errors', {}));
    t.is(told.length, errno === 'ENOENT' ? 0 : 1);
  });
}

test('a request may come line by line', async t => {
  const world = await makeWorld(t);
  const how = { read: true, write: true, append: false, truncate: false };
  const handle = await world.core.aos.open(who(), UNLOCK as never, how);
  for (const line of ['{', `"path": "${PAID}",`, '"duration":', '"1m"', '}'])
    await handle.write(0, Buffer.from(`${line}\n`));
  t.deepEqual(await world.names(who(), '/aos/system/leases'), [], 'it is taken when all of it is there');
  t.like(JSON.parse(String(await handle.read(0, 4096))), { path: PAID });
  handle.close();
});

test('a request that was refused is not in the way of the next one', async t => {
  const world = await makeWorld(t);
  const how = { read: true, write: true, append: false, truncate: false };
  const handle = await world.core.aos.open(who(), UNLOCK as never, how);
  await t.throwsAsync(async () => handle.write(0, Buffer.from('{bad\n')), { message: /not JSON/ });
  await t.throwsAsync(async () => handle.read(0, 4096), { message: /not JSON/ });
  await handle.write(0, Buffer.from(JSON.stringify({ path: PAID, duration: '1m' })));
  t.like(JSON.parse(String(await handle.read(0, 4096))), { path: PAID });
  handle.close();
});
