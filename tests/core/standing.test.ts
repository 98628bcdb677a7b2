import test from 'ava';
import { isIndexer } from '../../core/capabilities/indexers.ts';
import { checkConfig } from '../../core/config.ts';
import { AosError } from '../../core/errors.ts';
import { parsePath } from '../../core/path.ts';
import type { Caller, Config, Verb } from '../../core/types.ts';
import { dir, tree, value } from '../../plugin-sdk/index.ts';
import { caller, testCore } from '../support/core.ts';

const READ = { read: true, write: false, append: false, truncate: false };

function configOf(config: object): Config {
  return checkConfig(config, 'test', () => undefined);
}

async function subject(config: object) {
  const core = await testCore(configOf(config));
  const written: string[] = [];
  const node = value({ read: () => 'hello', write: (_args, text) => void written.push(text) });
  core.mount('/aos/t', tree({ '/': dir(() => ['a', 'c']), '/:name': node, '/b/:name': node }));
  const door = core.door('test');
  const at = (uid: number): Caller => caller(door.authorityOf(uid), uid);
  const tries = async (as: Caller, verb: 'read' | 'write' | 'stat', path: string): Promise<string> => {
    try {
      if (verb === 'write') await core.aos.write(as, parsePath(path), Buffer.from('x'));
      else await core.aos[verb](as, parsePath(path));
      return 'ok';
    } catch (error) {
      return error instanceof AosError ? error.errno : String(error);
    }
  };
  const names = async (as: Caller): Promise<string[]> =>
    (await core.aos.list(as, parsePath('/aos/t'))).map(entry => entry.name);
  return { core, at, tries, names };
}

const GUEST = { grants: { 7: [{ verbs: ['list', 'read', 'write'], path: '/aos/t/**' }] } };

test('a ceiling bounds everybody but the daemon below its path, and nobody elsewhere', async t => {
  const { core, at, tries, names } = await subject({ ...GUEST, ceilings: { '/aos/t/b/**': ['list', 'read'] } });
  for (const uid of [1000, 0, 7]) {
    t.is(await tries(at(uid), 'read', '/aos/t/b/x'), 'ok');
    t.is(await tries(at(uid), 'write', '/aos/t/b/x'), 'EACCES');
    t.is(await tries(at(uid), 'write', '/aos/t/a'), 'ok');
    t.deepEqual(await names(at(uid)), ['a', 'c']);
  }
  t.is(await tries(core.self, 'write', '/aos/t/b/x'), 'ok');
  t.is(await tries(at(8), 'read', '/aos/t/b/x'), 'ENOENT');
});

test('a ceiling on a plain path is one on all below it', async t => {
  const { at, tries } = await subject({ ceilings: { '/aos/t/b': ['list', 'read'] } });
  t.is(await tries(at(0), 'write', '/aos/t/b/x'), 'EACCES');
  t.is(await tries(at(0), 'read', '/aos/t/b/x'), 'ok');
  t.is(await tries(at(0), 'write', '/aos/t/a'), 'ok');
});

for (const path of [
  '/aos/t/[ab]',
  '/aos/t/[',
  '/aos/?/x',
  '/aos/{t,u}/**',
  '/aos/t/a**',
  '/aos/**x/y',
  '/tmp/**',
  '/aos//t',
]) {
  test(`${path} is no pattern, wherever one is configured`, t => {
    for (const config of [
      { ceilings: { [path]: ['read'] } },
      { grants: { 7: [{ verbs: ['read'], path }] } },
      { budgets: { subtree: { [path]: { usd: 1, per: '1h' } } } },
    ]) {
      t.throws(() => configOf(config), { instanceOf: AosError, message: /path pattern/ });
    }
  });
}

test('where several ceilings reach, each has to allow the act', async t => {
  const { at, tries } = await subject({ ceilings: { '/aos/t/**': ['read', 'write'], '/aos/t/a': ['list', 'write'] } });
  t.is(await tries(at(0), 'write', '/aos/t/a'), 'ok');
  t.is(await tries(at(0), 'read', '/aos/t/a'), 'EACCES');
  t.is(await tries(at(0), 'stat', '/aos/t/a'), 'ok');
  t.is(await tries(at(0), 'read', '/aos/t/c'), 'ok');
});

test('what is revoked in the configuration is refused at the next operation, also where a handle is open', async t => {
  const { core, at, tries, names } = await subject(GUEST);
  const guest = at(7);
  const handle = await core.aos.open(guest, parsePath('/aos/t/a'), READ);
  t.is(String(await handle.read(0, 10)), 'hello\n');
  core.reconfigure(configOf({ grants: { 7: [{ verbs: ['list', 'read'], path: '/aos/t/c' }] } }));
  t.throws(() => handle.read(0, 10), { instanceOf: AosError, message: /no such file/ });
  t.is(await tries(guest, 'read', '/aos/t/a'), 'ENOENT');
  t.is(await tries(guest, 'read', '/aos/t/c'), 'ok');
  t.is(await tries(guest, 'write', '/aos/t/c'), 'EACCES');
  t.deepEqual(await names({ ...guest, authority: at(7).authority }), ['c']);
  core.reconfigure(configOf({}));
  t.is(await tries(guest, 'read', '/aos/t/c'), 'ENOENT');
  core.reconfigure(configOf(GUEST));
  t.is(String(await handle.read(0, 10)), 'hello\n');
});

test('a run keeps what it was given, and loses what its user loses', async t => {
  const { core, at, tries } = await subject(GUEST);
  // As a stored run has it: the same sets, read back from JSON.
  const authority = JSON.parse(JSON.stringify(at(7).authority));
  const run: Caller = { ...caller(authority, 7), door: 'run', run: 1, agent: 'scout' };
  t.is(await tries(run, 'write', '/aos/t/a'), 'ok');
  core.reconfigure(configOf({ grants: { 7: [{ verbs: ['all'], path: '/aos/t/c' }] } }));
  t.is(await tries(run, 'read', '/aos/t/a'), 'ENOENT');
  t.is(await tries(run, 'write', '/aos/t/c'), 'ok');
  core.reconfigure(configOf({ grants: { 7: [{ verbs: ['all'], path: '/aos/**' }] } }));
  t.is(await tries(run, 'read', '/aos/system'), 'ENOENT');
});

test('what was revoked, or hidden by a hook, is in no listing of a caller who saw everything', async t => {
  const { core, at, names } = await subject({ grants: { 7: [{ verbs: ['all'], path: '/aos/**' }] } });
  const before = at(7);
  t.deepEqual(await names(before), ['a', 'c']);
  core.reconfigure(configOf({ grants: { 7: [{ verbs: ['list', 'read'], path: '/aos/t/c' }] } }));
  t.deepEqual(await names(before), ['c']);
  core.api.tap.narrow(() => ({ name: 'hook', grants: [{ verbs: ['list', 'read'], path: '/aos/t/a' }] }));
  t.deepEqual(await names(at(1000)), ['a']);
});

test('a ceiling that comes or goes counts from the next operation on', async t => {
  const { core, at, tries } = await subject({});
  const handle = await core.aos.open(at(0), parsePath('/aos/t/a'), READ);
  core.reconfigure(configOf({ ceilings: { '/aos/t/**': ['list'] } }));
  t.throws(() => handle.read(0, 10), { instanceOf: AosError, message: /ceiling \/aos\/t\/\*\* does not grant read/ });
  core.reconfigure(configOf({}));
  t.is(await tries(at(0), 'write', '/aos/t/a'), 'ok');
});

test('a grant that ends by the clock ends for a handle that was open when it came', async t => {
  let now = 1000;
  const core = await testCore(configOf(GUEST), () => now);
  core.mount('/aos/t', tree({ '/a': value({ read: () => 'hello' }) }));
  const guest = caller(core.door('test').authorityOf(7), 7);
  const handle = await core.aos.open(guest, parsePath('/aos/t/a'), READ);
  const until = new Date(2000).toISOString();
  core.reconfigure(configOf({ grants: { 7: [{ verbs: ['read'], path: '/aos/t/a', until }] } }));
  now = 1999;
  t.is(String(await handle.read(0, 10)), 'hello\n');
  now = 2000;
  t.throws(() => handle.read(0, 10), { message: /no such file/ });
});

test('budgets that are edited count for the next operation', async t => {
  const core = await testCore();
  const paid = value({
    read: args => {
      args.meter.spend(10_000);
      return 'paid';
    },
  });
  core.mount('/aos/paid', tree({ '/v': paid }), { price: (verb: Verb) => (verb === 'read' ? 10_000 : 0) });
  const read = (): unknown => core.aos.read(caller(), parsePath('/aos/paid/v'));
  await read();
  core.reconfigure(configOf({ budgets: { session: { usd: 0.01 } } }));
  t.throws(read, { message: /session budget of \$0\.01 has \$0\.01 spent/ });
  core.reconfigure(configOf({}));
  t.notThrows(read);
});

test('a ceiling is checked as the rest of the configuration is', t => {
  for (const ceilings of [
    { '/etc/**': ['read'] },
    { '/aos/**': [] },
    { '/aos/**': ['fly'] },
    { '/aos//x': ['read'] },
  ]) {
    t.throws(() => configOf({ ceilings }), { instanceOf: AosError, message: /ceilings/ });
  }
});

test('known indexers are refused where it could cost money, lease or not; by their names as the kernel cuts them', async t => {
  for (const name of [
    'mds',
    'mdworker_shared',
    'updatedb',
    'updatedb.plocat',
    'tracker-miner-f',
    'baloo_file_extr',
    'plocate',
  ]) {
    t.true(isIndexer(name), name);
  }
  for (const name of ['cat', 'grep', 'find', 'bash', 'node', 'mdsx', 'tracker', 'updat', ''])
    t.false(isIndexer(name), name);
  const core = await testCore();
  const routes = tree({
    '/': dir(() => ['v']),
    '/.aos/mode': value({ read: () => 'ro' }),
    '/v': value({ read: () => 'x' }),
  });
  const as = (comm: string): Caller => ({ ...caller(), identity: () => ({ ...caller().identity(), comm }) });
  const open = (rest: string): boolean => rest === '' || rest.startsWith('.aos');
  core.mount('/aos/mnt/paid', routes, { price: () => 1, open });
  core.mount('/aos/mnt/free', routes);
  core.mount('/aos/mnt/locked', routes, { locked: true, open });
  core.policy.leases.add({
    path: '/aos/mnt/locked',
    until: Number.POSITIVE_INFINITY,
    uid: 1000,
    scope: { kind: 'uid' },
  });
  for (const name of ['paid', 'locked']) {
    const read = (comm: string, rest: string): unknown =>
      core.aos.read(as(comm), parsePath(`/aos/mnt/${name}/${rest}`));
    const error = t.throws(() => read('updatedb', 'v'), {
      instanceOf: AosError,
      message: /updatedb is known to index/,
    });
    t.is(error.errno, 'EACCES');
    t.notThrows(() => read('cat', 'v'));
    t.notThrows(() => read('updatedb', '.aos/mode'));
    t.notThrows(() => core.aos.list(as('updatedb'), parsePath(`/aos/mnt/${name}`)));
  }
  t.notThrows(() => core.aos.read(as('updatedb'), parsePath('/aos/mnt/free/v')));
});
