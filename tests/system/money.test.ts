import test from 'ava';
import { file, tree } from '../../plugin-sdk/index.ts';
import { refusal } from '../support/refusal.ts';
import { configOf, makeWorld, PRICE, START, type World, who } from './world.ts';

const PAID = '/aos/mnt/paid';
const SOON = new Date(START + 60_000).toISOString();

async function unlocked(world: World): Promise<World> {
  await world.call(who(), '/aos/system/unlock', { path: PAID, duration_ms: 3_600_000 });
  return world;
}

async function reads(world: World, count: number): Promise<string[]> {
  const outcomes: string[] = [];
  for (let i = 0; i < count; i++) {
    outcomes.push(
      await world.read(who(), `${PAID}/${i}`).then(
        () => 'ok',
        error => error.kind,
      ),
    );
  }
  return outcomes;
}

test('budget/<layer> says what the reader has used, of what, and when it resets', async t => {
  const world = await unlocked(await makeWorld(t));
  await reads(world, 2);
  t.deepEqual(await world.names(who(), '/aos/system/budget'), ['velocity', 'pid', 'session', 'uid', 'global']);
  t.is(await world.read(who(), '/aos/system/budget/pid'), `used: $0.02\nlimit: $0.10\nper: 1m\nresets: ${SOON}\n`);
  t.is(await world.read(who(), '/aos/system/budget/session'), 'used: $0.02\nlimit: $1.00\nper: session\nresets: -\n');
  t.is(
    await world.read(who({ pid: 43, sid: 41 }), '/aos/system/budget/session'),
    'used: $0.00\nlimit: $1.00\nper: session\nresets: -\n',
  );
  t.is((await refusal(() => world.read(who(), '/aos/system/budget/none'))).errno, 'ENOENT');
});

test('a budget of a path names the layers that count there', async t => {
  const world = await unlocked(await makeWorld(t, { budgets: { subtree: { '/aos/mnt/**': { usd: 5, per: '24h' } } } }));
  await reads(world, 1);
  const report = Object.values(await world.call(who(), '/aos/system/budget', { path: PAID }));
  t.like(
    report.find(row => (row as { layer: string }).layer === 'subtree'),
    { key: 'subtree:/aos/mnt/**', used_usd: 0.01, limit_usd: 5, per_sec: 86_400 },
  );
  t.like(
    report.find(row => (row as { layer: string }).layer === 'velocity'),
    { used: 1, limit: 100, per_sec: 1 },
  );
});

test('blocked/<id> and why hold the reason of a refusal: layer, limit, spent, reset and the one command', async t => {
  const world = await unlocked(await makeWorld(t));
  t.deepEqual([...new Set(await reads(world, 11))], ['ok', 'budget']);
  const [id = ''] = await world.names(who(), '/aos/system/blocked');
  const said = JSON.parse(await world.read(who(), `/aos/system/blocked/${id}`));
  t.like(said, { kind: 'budget', errno: 'EDQUOT', path: `${PAID}/10`, verb: 'read' });
  t.regex(said.why, /the pid budget of \$0\.10 in 1m has \$0\.10 spent.*resets in 1m/);
  t.regex(said.remedy, /^raise it with: aos unlock \/aos\/mnt\/paid.* --budget=USD$/);
  const [latest] = Object.values(await world.call(who(), '/aos/system/errors', {}));
  t.deepEqual(latest, said);
});

test('refusals are told to the session that had them, then to its user, and to nobody else', async t => {
  const world = await makeWorld(t, { grants: { 1001: [{ verbs: ['all'], path: '/aos/**' }] } });
  const [first, second, guest] = [who({ sid: 1 }), who({ sid: 2 }), who({ uid: 1001, sid: 1 })];
  const run = who({ sid: 1, run: 5, agent: 'scout' });
  for (const [as, name] of [
    [first, 'a'],
    [second, 'b'],
    [guest, 'c'],
    [run, 'd'],
  ] as const) {
    await refusal(() => world.read(as, `${PAID}/${name}`));
  }
  const paths = async (as: ReturnType<typeof who>): Promise<string[]> =>
    Object.values(await world.call(as, '/aos/system/errors', {})).map(row =>
      String((row as { path: string }).path).slice(-1),
    );
  t.deepEqual(await paths(first), ['d', 'a', 'b']);
  t.deepEqual(await paths(second), ['b', 'd', 'a']);
  t.deepEqual(await paths(guest), ['c']);
  t.deepEqual(await paths(run), ['d']);
  t.is((await world.read(guest, '/aos/system/errors')).trim().split('\n').length, 1);
});

test('nobody pushes out what another was refused, and what is withheld is not told', async t => {
  const world = await makeWorld(t, { grants: { 1001: [{ verbs: ['all'], path: '/aos/**' }] } });
  await refusal(() => world.read(who(), `${PAID}/a`));
  for (let i = 0; i < 300; i++) await refusal(() => world.read(who({ uid: 1001 }), `${PAID}/x${i}`));
  await refusal(() => world.read(who({ authority: [] }), '/aos/system/version'));
  t.is(Object.values(await world.call(who(), '/aos/system/errors', {})).length, 1);
});

test('the breaker stays tripped over a restart until it is reset', async t => {
  const world = await unlocked(await makeWorld(t, { budgets: { pid: { usd: 0 }, global: { usd: 0.03, per: '60s' } } }));
  t.deepEqual(await reads(world, 4), ['ok', 'ok', 'ok', 'budget']);
  world.now = START + 120_000;
  t.is((await refusal(() => world.read(who(), `${PAID}/a`))).kind, 'budget');
  await world.restart();
  const error = await refusal(() => world.read(who(), `${PAID}/a`));
  t.regex(error.message, /aos breaker reset/);
  const state = await world.call(who(), '/aos/system/breaker', { op: 'status' });
  t.like(state, { tripped: true, at: new Date(START).toISOString(), path: `${PAID}/3`, limit_usd: 0.03, per_sec: 60 });
  t.regex(await world.read(who(), '/aos/system/breaker'), /^status: tripped\n/);
  t.regex(error.message, /tripped/);
  t.like(await world.call(who(), '/aos/system/breaker', { op: 'reset' }), { tripped: false, at: null });
  t.deepEqual(await reads(world, 1), ['ok']);
  t.is(world.core.policy.breaker.tripped, undefined);
});

test('what has tripped does not reset by the clock, and no file says that it does', async t => {
  const world = await unlocked(await makeWorld(t, { budgets: { global: { usd: 0.01, per: '60s' } } }));
  await reads(world, 1);
  t.regex(await world.read(who(), '/aos/system/breaker'), new RegExp(`resets: ${SOON}\n`));
  await reads(world, 1);
  t.regex(await world.read(who(), '/aos/system/breaker'), /\nresets: with aos breaker reset\n$/);
  t.regex(await world.read(who(), '/aos/system/budget/global'), /\nresets: -\n$/);
});

test('what is spent trips the machine though the next operation costs more than all of it; too much at once does not', async t => {
  const world = await unlocked(await makeWorld(t, { budgets: { pid: { usd: 0 }, global: { usd: 0.03, per: '60s' } } }));
  world.mount('/aos/mnt/dear', { locked: false, price: () => 40_000 });
  const dear = () => refusal(() => world.read(who(), '/aos/mnt/dear/a'));
  await reads(world, 1);
  t.regex((await dear()).message, /one operation of this price never fits; raise budgets.global/);
  t.is((await world.call(who(), '/aos/system/breaker', {})).tripped, false);
  await reads(world, 2);
  t.regex(
    (await dear()).message,
    /\$0\.03 spent, and this could cost \$0\.04, more than all of it; it does not reset by itself/,
  );
  t.is((await world.call(who(), '/aos/system/breaker', {})).tripped, true);
});

test('one who asks for more than is left stops nobody else; what trips the machine is told as its own limit', async t => {
  const world = await unlocked(
    await makeWorld(t, { budgets: { pid: { usd: 0.03 }, global: { usd: 0.05, per: '60s' } } }),
  );
  world.mount('/aos/mnt/dear', { locked: false, price: () => 45_000 });
  const other = who({ pid: 43, sid: 41 });
  await world.call(other, '/aos/system/unlock', { path: PAID, duration_ms: 3_600_000 });
  await reads(world, 1);
  await refusal(() => world.read(who(), '/aos/mnt/dear/a'));
  t.is((await world.call(who(), '/aos/system/breaker', {})).tripped, false);
  for (const name of ['a', 'b']) await world.read(other, `${PAID}/${name}`);
  await reads(world, 2);
  t.regex((await refusal(() => world.read(who(), `${PAID}/c`))).message, /the pid budget of \$0\.03/);
  const state = await world.call(who(), '/aos/system/breaker', {});
  t.is(state.tripped, true);
  t.regex(String(state.why), /^the global budget of \$0\.05 in 1m has \$0\.05 spent/);
});

test('budget/ shows what many share to whoever may know of it, and what is off as off', async t => {
  const budgets = {
    uid: { usd: 0 },
    agents: { 'sc*': { usd: 2, per: '24h' }, other: { usd: 3, per: '24h' } },
    subtree: { '/aos/mnt/p*': { usd: 5, per: '24h' } },
  };
  const grants = { 1001: [{ verbs: ['read', 'call', 'list'], path: '/aos/system/**' }] };
  const world = await unlocked(await makeWorld(t, { budgets, grants }));
  world.mount('/aos/mnt/held', { limit: { usd: 1_000_000, per: 0 } });
  await reads(world, 1);
  t.deepEqual((await world.names(who(), '/aos/system/budget')).slice(-2), ['agent', 'subtree']);
  t.is(
    await world.read(who(), '/aos/system/budget/subtree'),
    'of: /aos/mnt/p*\nused: $0.01\nlimit: $5.00\nper: 1d\nresets: 2026-11-24T14:22:33.000Z\n\n' +
      'of: /aos/mnt/held\nused: $0.00\nlimit: $1.00\nper: all time\nresets: -\n',
  );
  t.is(await world.read(who(), '/aos/system/budget/uid'), 'used: -\nlimit: off\nper: -\nresets: -\n');
  const rows = Object.values(await world.call(who(), '/aos/system/budget', {})) as { key: string; off: boolean }[];
  t.deepEqual(
    rows.map(({ key }) => key).filter(key => /^(agent|subtree)/.test(key)),
    ['agent:other', 'agent:scout', 'subtree:/aos/mnt/p*/**', 'subtree:/aos/mnt/held'],
  );
  t.deepEqual(
    rows.filter(({ off }) => off).map(({ key }) => key),
    ['uid:1000'],
  );
  const guest = who({ uid: 1001, authority: world.core.door('test').authorityOf(1001) });
  t.deepEqual(await world.names(guest, '/aos/system/budget'), ['velocity', 'pid', 'session', 'uid', 'global']);
});

test('an agent or a subtree that is given a budget has spent what the ledger says, at once and after a restart', async t => {
  const run = who({ agent: 'scout', run: 3 });
  const world = await makeWorld(t);
  await world.call(who(), '/aos/system/unlock', { path: PAID, duration: '1h', scope: 'agent:scout' });
  for (const name of ['a', 'b', 'c']) {
    await world.read(run, `${PAID}/${name}`);
    world.now += 600_000;
  }
  const used = async (budgets: object, layer: string): Promise<string> => {
    world.core.reconfigure(configOf({ budgets }));
    return (await world.read(who(), `/aos/system/budget/${layer}`)).split('\n')[1] ?? '';
  };
  for (const [per, spent] of [
    ['24h', 3],
    ['25m', 2],
    ['1m', 0],
    [undefined, 3],
    ['24h', 3],
  ] as const) {
    const limit = { usd: 5, ...(per !== undefined && { per }) };
    t.is(await used({ agents: { 's*': limit } }, 'agent'), `used: $0.0${spent}`, `agent ${per}`);
    t.is(await used({ subtree: { '/aos/mnt/*/b': limit } }, 'subtree'), `used: $0.0${spent > 1 ? 1 : 0}`, `b ${per}`);
  }
  t.is(await used({ agents: { scout: { usd: 0.02 } } }, 'agent'), 'used: $0.03');
  t.regex((await refusal(() => world.read(run, `${PAID}/d`))).message, /agent budget of \$0\.02 has \$0\.03 spent/);
  await world.restart({ budgets: { agents: { 'sc*': { usd: 0.04 } } } });
  await world.read(run, `${PAID}/d`);
  const error = await refusal(() => world.read(run, `${PAID}/e`));
  t.regex(error.message, /agent budget of \$0\.04 has \$0\.04 spent.*raise budgets\.agents\["sc\*"\]/);
});

test('what is under way when an agent or a subtree is given a budget counts there, and its bill does', async t => {
  const world = await makeWorld(t);
  const run = who({ agent: 'scout', run: 3 });
  const answer = Promise.withResolvers<string>();
  const slow = file({
    async read({ meter }) {
      meter.spend(4_000);
      return await answer.promise;
    },
  });
  world.mount('/aos/mnt/slow', { locked: false, tree: tree({ '/:name': slow }) });
  const first = world.read(run, '/aos/mnt/slow/a');
  const limit = { usd: 0.015, per: '24h' };
  world.core.reconfigure(configOf({ budgets: { agents: { scout: limit }, subtree: { '/aos/mnt/slow': limit } } }));
  const used = async (layer: string) => (await world.read(who(), `/aos/system/budget/${layer}`)).split('\n')[1];
  t.deepEqual([await used('agent'), await used('subtree')], ['used: $0.01', 'used: $0.01']);
  t.regex((await refusal(() => world.read(who(), '/aos/mnt/slow/b'))).message, /subtree budget.*operations under way/);
  t.regex((await refusal(() => world.read(run, '/aos/mnt/slow/b'))).message, /agent budget.*operations under way/);
  answer.resolve('done');
  await first;
  t.deepEqual([await used('agent'), await used('subtree')], ['used: $0.004', 'used: $0.004']);
});

test('the breaker is reset by a written word as well, and by no other', async t => {
  const world = await unlocked(await makeWorld(t, { budgets: { global: { usd: 0.01, per: '60s' } } }));
  await reads(world, 2);
  const write = (text: string) => world.core.aos.write(who(), '/aos/system/breaker' as never, Buffer.from(text));
  t.is((await refusal(() => write('open\n'))).errno, 'EINVAL');
  t.is((await refusal(() => world.call(who(), '/aos/system/breaker', { op: 'trip' }))).errno, 'EINVAL');
  await write('reset\n');
  t.is((await world.call(who(), '/aos/system/breaker', {})).tripped, false);
});

test('windows of money and of velocity survive a restart', async t => {
  const world = await unlocked(await makeWorld(t, { budgets: { velocity: 3 } }));
  await reads(world, 3);
  await world.restart();
  t.is((await refusal(() => world.read(who(), `${PAID}/a`))).kind, 'velocity');
  world.now += 1000;
  t.deepEqual(await reads(world, 1), ['ok']);
  t.regex(await world.read(who(), '/aos/system/budget/pid'), /^used: \$0\.04\n/);
  t.is(world.reached.length * PRICE, 40_000);
});

test('explain shows each set, the lock, the breaker and each budget, and does nothing', async t => {
  const world = await unlocked(await makeWorld(t, { ceilings: { '/aos/mnt/**': ['list', 'read'] } }));
  const steps = (as = who()): string[] =>
    world.core.aos
      .explain(as, 'read', `${PAID}/a` as never)
      .steps.map(({ step, by, allowed, why }) => `${step} ${by} ${allowed ? 'yes' : 'no'} ${why}`);
  const said = steps();
  t.deepEqual(
    said.map(line => line.split(' ').slice(0, 2).join(' ')),
    [
      'resolve /aos/mnt/paid',
      'authorise test',
      'authorise ceiling',
      'lock lease',
      'reserve breaker',
      'reserve velocity',
      'reserve pid',
      'reserve session',
      'reserve uid',
      'reserve global',
    ],
  );
  t.regex(said[2] ?? '', /ceiling \/aos\/mnt\/\*\* yes allowed: list,read on/);
  t.regex(said[6] ?? '', /\$0\.00 used of \$0\.10 in 1m, and this could cost \$0\.01/);
  t.true(steps(who({ comm: 'updatedb.plocat' })).some(line => /^lock indexers no updatedb/.test(line)));
  t.true(said[0]?.endsWith('whether anything is there is not looked at'));
  await reads(world, 10);
  t.true(steps().some(line => /^reserve pid no \$0\.10 used/.test(line)));
  t.is(world.reached.length, 10);
});
