import test from 'ava';
import { AosError, type ErrnoName } from '../../core/errors.ts';
import { parsePath } from '../../core/path.ts';
import type { Caller, Verb } from '../../core/types.ts';
import { dir, file, message, tree, value } from '../../plugin-sdk/index.ts';
import { caller, granted, testCore } from '../support/core.ts';
import { refusal } from '../support/refusal.ts';

const at = parsePath;

async function subject(more: object = {}) {
  const core = await testCore();
  const heard: string[] = [];
  const tell = (what: string, text: string): string => {
    heard.push(what);
    return text;
  };
  const routes = tree({
    '/': dir(() => ['open', 'secret', 'in']),
    '/open': value({
      read: () => tell('open', 'hello'),
      write: (_args, text) => void heard.push(`set ${text}`),
    }),
    '/secret': value({ read: () => tell('secret', 'hidden') }),
    '/in': message({ commit: (_args, text) => ({ got: text }) }),
    '/deep/:name': file({ read: ({ name }) => tell(name, `deep ${name}`) }),
  });
  core.mount('/aos/t', routes, more);
  return { core, heard };
}

test('what a caller may not even stat does not exist for it, and is not listed', async t => {
  const { core, heard } = await subject();
  const who = granted({ verbs: ['read', 'list'], path: '/aos/t/open' }, { verbs: ['list'], path: '/aos/t' });
  const error = await refusal(() => core.aos.read(who, at('/aos/t/secret')));
  t.is(error.errno, 'ENOENT');
  t.deepEqual(
    (await core.aos.list(who, at('/aos/t'))).map(entry => entry.name),
    ['open'],
  );
  t.deepEqual(heard, []);
});

test('what a caller may see but not touch is EACCES, with the command that explains it', async t => {
  const { core, heard } = await subject();
  const who = granted({ verbs: ['read'], path: '/aos/t/open' });
  const error = await refusal(() => core.aos.write(who, at('/aos/t/open'), Buffer.from('x')));
  t.is(error.errno, 'EACCES');
  t.is(error.exitCode, 96);
  t.regex(error.message, /aos explain write \/aos\/t\/open/);
  t.deepEqual(heard, []);
});

test('the way to what is granted can be walked, and nothing beside it', async t => {
  const { core } = await subject();
  const who = granted({ verbs: ['read'], path: '/aos/t/deep/x' });
  t.is((await core.aos.stat(who, at('/aos/t'))).kind, 'dir');
  t.deepEqual(
    (await core.aos.list(who, at('/aos'))).map(entry => entry.name),
    ['t'],
  );
  t.is((await refusal(() => core.aos.stat(who, at('/aos/t/open')))).errno, 'ENOENT');
  t.is(String(await core.aos.read(who, at('/aos/t/deep/x'))), 'deep x\n');
});

test('every set in the list has to agree', async t => {
  const { core } = await subject();
  const wide = granted({ verbs: ['read', 'write'], path: '/aos/**' }).authority;
  const narrow = granted({ verbs: ['read'], path: '/aos/t/open' }).authority;
  const both = caller([...wide, ...narrow]);
  t.is(String(await core.aos.read(both, at('/aos/t/open'))), 'hello\n');
  t.is((await refusal(() => core.aos.read(both, at('/aos/t/secret')))).errno, 'ENOENT');
  t.is((await refusal(() => core.aos.write(both, at('/aos/t/open'), Buffer.from('x')))).errno, 'EACCES');
});

test('a grant ends at its moment, also for a handle that is open', async t => {
  let now = 1000;
  const core = await testCore(undefined, () => now);
  core.mount('/aos/t', tree({ '/v': value({ read: () => 'hello' }) }));
  const who = granted({ verbs: ['read'], path: '/aos/t/v', until: 2000 });
  const handle = await core.aos.open(who, at('/aos/t/v'), { read: true, write: false, append: false, truncate: false });
  now = 1999;
  t.is(String(await handle.read(0, 100)), 'hello\n');
  now = 2000;
  t.is((await refusal(() => handle.read(0, 100))).errno, 'ENOENT');
});

test('a hook may only narrow; one that throws denies', async t => {
  const { core } = await subject();
  core.api.tap.narrow(who => (who.uid === 1000 ? undefined : { name: 'guests', grants: [] }));
  t.is(String(await core.aos.read(caller(), at('/aos/t/open'))), 'hello\n');
  t.is((await refusal(() => core.aos.read(caller(undefined, 7), at('/aos/t/open')))).errno, 'ENOENT');
  core.api.tap.narrow(() => {
    throw new Error('broken');
  });
  t.is((await refusal(() => core.aos.read(caller(), at('/aos/t/open')))).errno, 'ENOENT');
});

test('under a lock nothing reaches the plugin, and the refusal says how to open it', async t => {
  const { core, heard } = await subject({ locked: true });
  const error = await refusal(() => core.aos.read(caller(), at('/aos/t/open')));
  t.is(error.errno, 'EACCES');
  t.regex(error.message, /aos unlock \/aos\/t --duration/);
  t.deepEqual(heard, []);
});

test('money is reserved before the plugin hears of it, and settled to the real bill', async t => {
  const core = await testCore();
  const seen: number[] = [];
  const paid = value({
    read: args => {
      seen.push(core.ledger.entries.length);
      args.meter.spend(2_000);
      return 'paid';
    },
  });
  core.mount('/aos/paid', tree({ '/v': paid }), { price: verb => (verb === 'read' ? 60_000 : 0) });
  await core.aos.read(caller(), at('/aos/paid/v'));
  t.deepEqual(seen, [1]);
  t.is(core.ledger.entries[0]?.settled, 2_000);
});

test('callers who race cannot overspend together', async t => {
  const core = await testCore();
  let served = 0;
  const gates: (() => void)[] = [];
  const paid = file({
    read: async args => {
      served++;
      await new Promise<void>(open => gates.push(open));
      args.meter.spend(40_000);
      return 'x';
    },
  });
  core.mount('/aos/paid', tree({ '/v': paid }), { price: verb => (verb === 'read' ? 40_000 : 0) });
  const reads = Array.from({ length: 5 }, () => refusalOrText(core.aos, caller()));
  for (const open of gates) open();
  const results = await Promise.all(reads);
  t.is(served, 2);
  t.is(results.filter(result => result === 'EDQUOT').length, 3);
  t.is(core.ledger.total(), 80_000);
});

async function refusalOrText(aos: Awaited<ReturnType<typeof testCore>>['aos'], who: Caller): Promise<string> {
  try {
    return String(await aos.read(who, at('/aos/paid/v')));
  } catch (error) {
    return error instanceof AosError ? error.errno : String(error);
  }
}

test('explain says each step in the order of the gate, and does nothing else', async t => {
  const { core, heard } = await subject({ locked: true, price: () => 1 });
  const said = core.aos.explain(granted({ verbs: ['list'], path: '/aos/**' }), 'read', at('/aos/t/open'));
  t.false(said.allowed);
  t.deepEqual([...new Set(said.steps.map(step => step.step))], ['resolve', 'authorise', 'lock', 'reserve']);
  t.deepEqual(heard, []);
});

test('of what is withheld explain says the same, whether anything is there and whoever serves it', async t => {
  const { core } = await subject();
  core.mount('/aos/mnt/payroll', { node: () => undefined }, { locked: true, price: () => 1 });
  const who = granted({ verbs: ['read'], path: '/aos/t/open' });
  const steps = (path: string) => core.aos.explain(who, 'read', at(path)).steps;
  t.deepEqual(steps('/aos/mnt/payroll'), steps('/aos/mnt/nothing'));
  t.deepEqual(steps('/aos/mnt/payroll/x'), steps('/aos/t/secret'));
  t.deepEqual(
    steps('/aos/mnt/payroll').map(({ step, allowed }) => [step, allowed]),
    [
      ['resolve', true],
      ['authorise', false],
    ],
  );
});

test('what a hook adds is one list each time, so that what was decided is kept', async t => {
  const { core } = await subject();
  const guests = { name: 'guests', grants: [{ verbs: ['read'] as Verb[], path: '/aos/t/open' }] };
  core.api.tap.narrow(() => guests);
  const who = caller();
  t.is(core.vfs.authorityOf(who), core.vfs.authorityOf(who));
  t.is(core.vfs.decision(who, 'read', at('/aos/t/open')), core.vfs.decision(who, 'read', at('/aos/t/open')));
  t.is(core.vfs.authorityOf(who).length, 2);
});

test('a node without the verb is refused by the core, with the errno of its kind', async t => {
  const { core } = await subject();
  const cases: [Verb, string, ErrnoName][] = [
    ['write', '/aos/t/secret', 'EROFS'],
    ['read', '/aos/t/in', 'EACCES'],
    ['create', '/aos/t/new', 'EROFS'],
    ['remove', '/aos/t/open', 'EROFS'],
    ['call', '/aos/t/open', 'ENOTSUP'],
    ['read', '/aos/t', 'EISDIR'],
    ['read', '/aos/t/none', 'ENOENT'],
    ['list', '/aos/t/open', 'ENOTDIR'],
  ];
  for (const [verb, path, errno] of cases) {
    const acts: Record<Verb, () => unknown> = {
      stat: () => core.aos.stat(caller(), at(path)),
      list: () => core.aos.list(caller(), at(path)),
      read: () => core.aos.read(caller(), at(path)),
      write: () => core.aos.write(caller(), at(path), Buffer.from('x')),
      create: () => core.aos.makeDir(caller(), at(path), 0o755),
      remove: () => core.aos.remove(caller(), at(path)),
      call: () => core.aos.call(caller(), at(path), {}),
    };
    t.is((await refusal(acts[verb])).errno, errno, `${verb} ${path}`);
  }
});

test('a stream is settled when it ends, to what it really cost', async t => {
  const core = await testCore();
  const stream = value({
    call: async function* (args) {
      args.meter.spend(1_000);
      yield 'one';
      args.meter.spend(2_000);
      yield 'two';
    },
  });
  core.mount('/aos/paid', tree({ '/m': stream }), { price: () => 50_000 });
  const answer = await core.aos.call(caller(), at('/aos/paid/m'), {});
  t.is(core.ledger.entries[0]?.settled, undefined);
  const pieces: unknown[] = [];
  for await (const piece of answer as AsyncIterable<unknown>) pieces.push(piece);
  t.deepEqual(pieces, ['one', 'two']);
  t.is(core.ledger.entries[0]?.settled, 3_000);
});

test('what a run may not do is explained to whoever reads it as the agent that it was', async t => {
  const { core } = await subject();
  const run = { ...granted({ verbs: ['read'], path: '/aos/t/open' }), agent: 'scout', run: 1 };
  const error = t.throws(() => core.aos.write(run, at('/aos/t/open'), Buffer.from('x')), { instanceOf: AosError });
  t.is(error.remedy, 'see: aos explain write /aos/t/open --as scout');
});
