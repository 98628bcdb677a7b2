/** What nobody should configure, and what should never happen: amounts that are none, patterns, clocks and hooks gone wrong. */

import test from 'ava';
import fc from 'fast-check';
import { compilePattern } from '../../core/capabilities/grant.ts';
import { checkConfig } from '../../core/config.ts';
import { AosError } from '../../core/errors.ts';
import { parsePath } from '../../core/path.ts';
import type { GrantSet } from '../../core/types.ts';
import { caller, type TestCore, testCore } from '../support/core.ts';
import { RUNS } from '../support/property.ts';

const check = (config: object) => checkConfig(config, 'x.yaml', () => 7);
const HOUR = 3_600_000;

const AMOUNTS: readonly unknown[] = [-1, -0.000001, Number.NaN, JSON.parse('1e309'), 1e12, '1', null];
const LAYERS = ['pid', 'session', 'uid', 'global'] as const;

for (const usd of AMOUNTS) {
  test(`a budget of ${String(usd)} dollars (${typeof usd}) is refused with its line, in every layer`, t => {
    for (const layer of LAYERS)
      t.throws(() => check({ budgets: { [layer]: { usd } } }), refused(`budgets.${layer}.usd`));
    t.throws(() => check({ budgets: { subtree: { '/aos/mnt/**': { usd } } } }), refused('budgets.subtree'));
    t.throws(() => check({ budgets: { agents: { coder: { usd } } } }), refused('budgets.agents.coder.usd'));
  });
}

test('a velocity that is no number of operations is refused', t => {
  for (const velocity of [-1, 0.5, Number.NaN, JSON.parse('1e309'), 1e300, '100'])
    t.throws(() => check({ budgets: { velocity } }), refused('budgets.velocity'), String(velocity));
});

for (const per of ['0', '0s', '-1s', '30', '30 minutes', 'a year', '', '1e9s', 60]) {
  test(`a window of ${JSON.stringify(per)} is refused with its line`, t => {
    t.throws(() => check({ budgets: { uid: { usd: 1, per } } }), refused('budgets.uid.per'));
    t.throws(() => check({ budgets: { subtree: { '/aos/mnt/x': { usd: 1, per } } } }), refused('budgets.subtree'));
  });
}

for (const path of [
  '',
  '/',
  '**',
  'aos/**',
  '/etc/**',
  '/aos/',
  '/aos//x',
  '/aos/../etc',
  '/aos/./x',
  '/aosx/**',
  '/*',
]) {
  test(`a pattern like ${JSON.stringify(path)} is refused, wherever one is written`, t => {
    const grants = { 1000: [{ verbs: ['read'], path }] };
    t.throws(() => check({ grants }), refused('grants.1000.0.path'));
    t.throws(() => check({ ceilings: { [path]: ['read'] } }), refused('ceilings'));
    t.throws(() => check({ budgets: { subtree: { [path]: { usd: 1 } } } }), refused('budgets.subtree'));
  });
}

/** One sentence that names the file, the line and the key. */
function refused(key: string): { instanceOf: typeof AosError; message: RegExp } {
  return { instanceOf: AosError, message: new RegExp(`^config: x\\.yaml: line 7: "${key}.*; correct it, or remove`) };
}

test('a pattern for everything is everything, and a budget of it counts everything', async t => {
  for (const pattern of ['/aos/**', '/aos/**/**', '/aos/**/**/**']) {
    const compiled = compilePattern(pattern);
    for (const path of ['/aos', '/aos/a', '/aos/mnt/x/y/z']) t.true(compiled.matches(path), `${pattern} ${path}`);
  }
  const subtree = { '/aos/**': { usd: 0.00002 } };
  const world = await paidCore({ budgets: { subtree } });
  t.is(await world.read(), 'read');
  t.is(await world.read(), 'read');
  t.is(await world.read(), 'budget');
});

test('no pattern takes longer than its path is long, so none that a caller writes can hold up the daemon', t => {
  const deep = `/aos${'/d'.repeat(500)}`;
  t.false(compilePattern(`/aos${'/**'.repeat(40)}/x/*`).matches(deep));
  t.true(compilePattern(`/aos${'/**'.repeat(40)}/d`).matches(deep));
  t.false(compilePattern(`/aos/${'a*'.repeat(60)}b`).matches(`/aos/${'a'.repeat(250)}`));
  t.true(compilePattern(`/aos/${'a*'.repeat(60)}a`).matches(`/aos/${'a'.repeat(250)}`));
});

test('a pattern matches what the same regular expression does', t => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 6 });
  const part = fc.oneof(
    word.map(text => text.replace(/\*+/g, '*')),
    fc.constant('**'),
  );
  const name = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 8 });
  const property = fc.property(
    fc.array(part, { minLength: 1, maxLength: 5 }),
    fc.array(name, { maxLength: 6 }),
    (parts, names) => {
      const shape = parts.map(text => (text === '**' ? '(/[^/]+)*' : `/${text.replaceAll('*', '[^/]*')}`)).join('');
      const path = ['/aos', ...names].join('/');
      return compilePattern(['/aos', ...parts].join('/')).matches(path) === new RegExp(`^/aos${shape}$`).test(path);
    },
  );
  t.notThrows(() => fc.assert(property, { numRuns: RUNS }));
});

interface PaidCore {
  readonly core: TestCore;
  clock: number;
  /** `read`, or the kind of the refusal. */
  read(): Promise<string>;
  /** What the plugin was asked for. */
  readonly heard: string[];
}

/** One file that costs ten micro-dollars a read. */
async function paidCore(config: object = {}, locked = false): Promise<PaidCore> {
  const world = { clock: Date.UTC(2030, 0, 1), heard: [] as string[] };
  const core = await testCore(check(config), () => world.clock);
  const file = parsePath('/aos/mnt/x/file');
  core.mount(
    '/aos/mnt/x',
    {
      node: () => ({
        kind: 'value',
        read: op => {
          world.heard.push(op.verb);
          op.meter.spend(10);
          return 'read';
        },
      }),
    },
    { locked, price: verb => (verb === 'read' ? 10 : 0) },
  );
  return Object.assign(world, {
    core,
    read: async () => {
      try {
        return Buffer.from(await core.aos.read(caller(), file))
          .toString()
          .trim();
      } catch (thrown) {
        return thrown instanceof AosError ? thrown.kind : String(thrown);
      }
    },
  });
}

test('a clock that jumps back an hour gives no money back', async t => {
  const world = await paidCore({ budgets: { uid: { usd: 0.00002, per: '60s' } } });
  await world.read();
  await world.read();
  world.clock -= HOUR;
  t.is(await world.read(), 'budget');
  world.clock += 59_000;
  t.is(await world.read(), 'budget', 'what was spent is as old as it was');
  world.clock += 1000;
  t.is(await world.read(), 'read');
});

test('a clock that jumps back an hour opens no lease again that was over, and ends none that was not', async t => {
  const world = await paidCore({}, true);
  const lease = (until: number) =>
    world.core.policy.leases.add({ path: '/aos/mnt/x', until, uid: 1000, scope: { kind: 'uid' } });
  lease(world.clock + 1000);
  world.clock += 1000;
  t.is(await world.read(), 'lease_expired');
  world.clock -= HOUR;
  t.is(await world.read(), 'lease_expired');
  t.deepEqual(world.core.policy.leases.list(), []);
  lease(world.clock + 1000);
  world.clock -= HOUR;
  t.is(await world.read(), 'read');
});

test('a clock that jumps back an hour keeps a grant to the moment it names', async t => {
  const until = new Date(Date.UTC(2030, 0, 1) + 60_000).toISOString();
  const world = await paidCore({ grants: { 1000: [{ verbs: ['all'], path: '/aos/**', until }] } });
  const mine = world.core.door('x').authorityOf(1000);
  const stat = async () => {
    try {
      await world.core.aos.stat(caller(mine), parsePath('/aos/mnt/x/file'));
      return 'ok';
    } catch (thrown) {
      return thrown instanceof AosError ? thrown.kind : String(thrown);
    }
  };
  t.is(await stat(), 'ok');
  world.clock -= HOUR;
  t.is(await stat(), 'ok');
  world.clock += HOUR + 60_000;
  t.is(await stat(), 'not_found');
});

for (const [what, kind] of [
  ['full', 'no_space'],
  ['read-only', 'io'],
] as const) {
  test(`where the ledger is ${what} nothing is spent, and afterwards it goes on`, async t => {
    const { core, read, heard } = await paidCore({ budgets: { uid: { usd: 0.00001, per: '60s' } } });
    const failing = () => {
      throw new AosError(kind, { component: 'store', why: `the ledger is ${what}` });
    };
    const reserve = core.ledger.reserve;
    core.ledger.reserve = failing;
    for (let i = 0; i < 3; i++) t.is(await read(), kind);
    t.deepEqual(heard, [], 'the plugin never heard of it');
    core.ledger.reserve = reserve;
    t.is(await read(), 'read', 'what could not be written down is not held either');
    t.is(await read(), 'budget');
  });

  test(`a bill that cannot be written down, because the ledger is ${what}, is said and still counts`, async t => {
    const { core, read, heard } = await paidCore({ budgets: { uid: { usd: 0.00002, per: '60s' } } });
    const settle = core.ledger.settle;
    core.ledger.settle = () => {
      throw new AosError(kind, { component: 'store', why: `the ledger is ${what}` });
    };
    t.is(await read(), kind);
    core.ledger.settle = settle;
    t.is(core.ledger.total(), 10, 'the reservation stands in the ledger, in full');
    t.is(await read(), 'read');
    t.is(await read(), 'budget');
    t.deepEqual(heard, ['read', 'read']);
  });
}

/** What a hook may give, as far as the compiler cannot help. */
const HOOKS: readonly (readonly [string, () => unknown])[] = [
  [
    'throws',
    () => {
      throw new Error('bad day');
    },
  ],
  ['never settles', () => new Promise(() => {})],
  ['answers later', () => Promise.resolve({ name: 'late', grants: [] })],
  ['gives no set', () => ({})],
  ['gives a word', () => 'everything'],
  ['gives a pattern that is none', () => ({ name: 'x', grants: [{ verbs: ['read'], path: '**' }] })],
];

for (const [what, hook] of HOOKS) {
  test(`a hook that ${what} denies at once`, async t => {
    const { core, read, heard } = await paidCore();
    // What is tested is a hook that does not keep to its type.
    core.api.tap.narrow(hook as () => GrantSet | undefined);
    t.is(await read(), 'not_found');
    t.deepEqual(heard, []);
  });
}

test('a hook that gives more than the caller has gives nothing', async t => {
  const { core, heard } = await paidCore();
  core.api.tap.narrow(() => ({ name: 'generous', grants: [{ verbs: ['stat', 'read'], path: '/aos/**' }] }));
  const poor = caller([{ name: 'poor', grants: [{ verbs: ['stat'], path: '/aos/**' }] }]);
  const error = t.throws(() => core.aos.read(poor, parsePath('/aos/mnt/x/file')), { instanceOf: AosError });
  t.is(error?.kind, 'denied');
  t.throws(() => core.aos.stat(caller([]), parsePath('/aos/mnt/x/file')), { message: /no such file/ });
  t.deepEqual(heard, []);
});

test('a listener that throws, or never settles, keeps nobody from their answer', async t => {
  const { core, read } = await paidCore();
  core.api.tap.settled(() => {
    throw new Error('bad day');
  });
  core.api.tap.spend(() => new Promise(() => {}));
  t.is(await read(), 'read');
});
