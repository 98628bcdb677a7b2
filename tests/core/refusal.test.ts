import test from 'ava';
import { compilePattern } from '../../core/capabilities/grant.ts';
import { checkConfig, DEFAULT_CONFIG } from '../../core/config.ts';
import { Budget, keyOf, type Scope } from '../../core/cost/budget.ts';
import { isSummed, scopesBy, sharedScopes } from '../../core/cost/scopes.ts';
import { AosError } from '../../core/errors.ts';
import { parsePath } from '../../core/path.ts';
import { caller } from '../support/core.ts';

const PATH = '/aos/mnt/api/x';
const HELD = { usd: 30_000, per: 60_000 };

function refusalOf(scope: Scope, path: string = PATH, agent?: string): AosError {
  const budget = new Budget();
  const { usd } = scope.limit;
  const first = budget.reserve([scope], usd - 1, 0, { path });
  first.spend(usd - 1);
  budget.settle(first, 0);
  try {
    budget.reserve([scope], 20_000, 1, { path, agent });
  } catch (error) {
    if (error instanceof AosError) return error;
  }
  throw new Error('it was not refused');
}

const SAID: readonly [string, Omit<Scope, 'born'>, string][] = [
  ['uid', { layer: 'uid', id: 7, limit: HELD }, 'raise it with: aos unlock /aos/mnt/api --duration=30m --budget=USD'],
  [
    'agent',
    { layer: 'agent', id: 'scout', limit: HELD },
    'raise budgets.agents.scout in the configuration, which counts at once',
  ],
  [
    'subtree',
    { layer: 'subtree', id: '/aos/mnt/**', limit: HELD },
    'raise budgets.subtree["/aos/mnt/**"] in the configuration, which counts at once',
  ],
  ['subtree', { layer: 'subtree', id: '/aos/mnt/api', limit: HELD }, 'mount /aos/mnt/api again with a larger --limit'],
  ['run', { layer: 'run', id: 3, limit: HELD }, 'invoke again with a larger --budget'],
  [
    'global',
    { layer: 'global', id: 'global', limit: HELD },
    'see it with: aos breaker status; start over with: aos breaker reset',
  ],
];

for (const [layer, scope, remedy] of SAID) {
  test(`the ${layer} budget of ${scope.id} says layer, limit, spent, reset and what raises it`, t => {
    const { why, remedy: said } = refusalOf({ ...scope, born: 0 });
    const resets = layer === 'global' ? 'it does not reset by itself' : 'resets in 1m';
    t.is(why, `the ${layer} budget of $0.03 in 1m has $0.029999 spent, and this could cost $0.02; ${resets}`);
    t.is(said, remedy);
  });
}

test('an agent is told of the scope that serves it, and where nothing can be unlocked, of the configuration', t => {
  const uid: Scope = { layer: 'uid', id: 7, born: 0, limit: HELD };
  t.regex(refusalOf(uid, PATH, 'scout').remedy ?? '', /--budget=USD --scope=agent:scout$/);
  t.is(
    refusalOf(uid, '/aos/models/mock/default').remedy,
    'raise budgets.uid in the configuration, which counts at once',
  );
});

test('a price that the machine can never hold is not helped by a reset', t => {
  const scope: Scope = { layer: 'global', id: 'global', born: 0, limit: HELD };
  const error = t.throws(() => new Budget().reserve([scope], 40_000, 0, { path: PATH }), { instanceOf: AosError });
  t.like(error, { remedy: 'raise budgets.global in the configuration, which counts at once' });
});

test('a price above the limit hides neither what is spent nor when it resets; and it is what lasts longest', t => {
  const scope: Scope = { layer: 'uid', id: 7, born: 0, limit: HELD };
  const session: Scope = { layer: 'session', id: 1, born: 0, limit: { usd: 45_000, per: 0 } };
  const budget = new Budget();
  const refused = (price: number): string => {
    const error = t.throws(() => budget.reserve([scope, session], price, 1000, { path: PATH }), {
      instanceOf: AosError,
    });
    return error?.why ?? '';
  };
  t.is(
    refused(40_000),
    'the uid budget of $0.03 in 1m has $0.00 spent, and this could cost $0.04; one operation of this price never fits',
  );
  const held = budget.reserve([scope, session], 30_000, 0, { path: PATH });
  t.regex(
    refused(40_000),
    /^the uid .* \$0\.03 spent, and this could cost \$0\.04; one operation of this price never fits$/,
  );
  held.spend(30_000);
  budget.settle(held, 0);
  t.is(
    refused(40_000),
    'the uid budget of $0.03 in 1m has $0.03 spent, and this could cost $0.04, more than all of it; resets in 59s',
  );
  t.is(
    refused(20_000),
    'the session budget of $0.045 has $0.03 spent, and this could cost $0.02; it resets with the session',
  );
});

test('a remedy names a key as it stands in the configuration', t => {
  const budgets = { ...DEFAULT_CONFIG.budgets, agents: { 're*': HELD, 'a-b': HELD }, subtree: { '/aos/mnt/a*': HELD } };
  const mount = { path: parsePath('/aos/mnt/api'), component: 'x', tree: { node: () => undefined } };
  const remedies = (agent: string): string[] =>
    scopesBy(budgets)({ ...caller(), agent }, parsePath(PATH), mount, undefined)
      .filter(({ layer }) => layer === 'agent' || layer === 'subtree')
      .map(scope => refusalOf(scope).remedy?.split(' ')[1] ?? '');
  t.deepEqual(remedies('reader'), ['budgets.agents["re*"]', 'budgets.subtree["/aos/mnt/a*"]']);
  t.deepEqual(remedies('a-b'), ['budgets.agents["a-b"]', 'budgets.subtree["/aos/mnt/a*"]']);
});

test("each agent that a pattern matches has a budget of its own; an agent's name stands before a pattern", t => {
  const limits = { '*': { usd: 1, per: 0 }, 're*er': { usd: 2, per: 0 }, reader: { usd: 3, per: 0 } };
  const scopes = scopesBy({
    ...DEFAULT_CONFIG.budgets,
    agents: { 're*er': limits['re*er'], '*': limits['*'], reader: limits.reader },
  });
  const mount = { path: parsePath('/aos/mnt/api'), component: 'x', tree: { node: () => undefined } };
  const of = (agent: string) =>
    scopes({ ...caller(), agent }, parsePath(PATH), mount, undefined)
      .filter(({ layer }) => layer === 'agent')
      .map(scope => [keyOf(scope), scope.limit.usd]);
  t.deepEqual(of('reader'), [['agent:reader', 3]]);
  t.deepEqual(of('researcher'), [['agent:researcher', 2]]);
  t.deepEqual(of('scout'), [['agent:scout', 1]]);
});

test('a subtree that is written in two ways is refused: it would be counted twice', t => {
  const subtree = { '/aos/mnt/a*': { usd: 1 }, '/aos/mnt/a*/**': { usd: 2 } };
  const read = () => checkConfig({ budgets: { subtree } }, 'c.yaml', () => 3);
  t.throws(read, { message: /line 3: .*"\/aos\/mnt\/a\*" and "\/aos\/mnt\/a\*\/\*\*" are the same subtree/ });
});

const BAD_PATTERNS: readonly [string, RegExp][] = [
  ['zz/aos/mnt/**', /not a path of the tree/],
  ['/**', /not a path of the tree/],
  ['/aosx/**', /not a path of the tree/],
  ['/aos/mnt/a\nb', /a name has no newline/],
  ['/aos/mnt/a\0*', /a name has no NUL/],
  ['/aos/mnt/..', /a path has no "\.\."/],
  ['/aos/mnt/', /a path has no empty parts/],
  ['/aos/mnt//**', /a path has no empty parts/],
  [`/aos/mnt/${'a'.repeat(300)}*/**`, /a name has at most 255 bytes/],
  [`/aos${'/a'.repeat(3000)}`, /a path has at most 4096 bytes/],
  ['/aos/mnt/a**', /\*\* stands for whole names/],
];
for (const [pattern, why] of BAD_PATTERNS) {
  test(`a pattern that no path can match is refused wherever it is written: ${JSON.stringify(pattern.slice(0, 20))}`, t => {
    const refused = (config: object): string =>
      t.throws(() => checkConfig(config, 'c.yaml', () => 3), { instanceOf: AosError }).message;
    const said = [
      refused({ budgets: { subtree: { [pattern]: { usd: 1 } } } }),
      refused({ ceilings: { [pattern]: ['read'] } }),
      refused({ grants: { 1001: [{ verbs: ['read'], path: pattern }] } }),
    ];
    for (const message of said) t.regex(message, why);
    const { message } = t.throws(() => compilePattern(pattern), { instanceOf: AosError });
    t.false(message.includes('\n') || message.includes('\0'), 'it can be printed');
  });
}

test('whatever pattern is accepted, its budget can be shown', t => {
  const longest = `/aos${`/${'a'.repeat(240)}`.repeat(16)}/`.padEnd(4096, 'b');
  const patterns = ['/aos', '/aos/**', '/aos/mnt/*/b', '/aos/**/x/**/**', `/aos/${'*a'.repeat(127)}`, longest];
  const subtree = Object.fromEntries(patterns.map(pattern => [pattern, { usd: 1 }]));
  delete subtree['/aos'];
  const { budgets } = checkConfig({ budgets: { subtree } }, 'c.yaml', () => 3);
  t.deepEqual(
    sharedScopes(budgets, [], []).map(({ path }) => path as string),
    ['/aos', '/aos/mnt/*/b', '/aos/**/x', `/aos/${'*a'.repeat(127)}`, longest],
  );
});

test('of agents and configured subtrees no sum is kept, for the rows say what was spent; of mounts one is', t => {
  for (const per of [0, 60_000]) {
    const limit = { usd: 100, per };
    const shared = { agents: { scout: limit }, subtree: { '/aos/mnt/**': limit }, uid: limit, global: limit };
    const mount = { path: parsePath('/aos/mnt/api'), component: 'x', tree: { node: () => undefined }, limit };
    const scopes = scopesBy({ ...DEFAULT_CONFIG.budgets, ...shared });
    const asked = scopes({ ...caller(), agent: 'scout', run: 3 }, parsePath(PATH), mount, undefined);
    t.deepEqual(asked.map(keyOf), ['uid:1000', 'agent:scout', 'subtree:/aos/mnt/**', 'subtree:/aos/mnt/api', 'global']);
    t.deepEqual(asked.filter(isSummed).map(keyOf), ['uid:1000', 'subtree:/aos/mnt/api', 'global']);
  }
});

for (const name of ['', 'a b', '-a', 'a/b', '**', 'a**', '.x', 'a?']) {
  test(`a budget for an agent "${name}" is refused at the start: there can be none`, t => {
    const read = () => checkConfig({ budgets: { agents: { [name]: { usd: 1 } } } }, 'c.yaml', () => 3);
    t.regex(
      t.throws(read, { instanceOf: AosError }).message,
      /line 3: "budgets.agents.*": (no agent has|\* is the only)/,
    );
  });
}

test('the pace of a process is a budget like the others', t => {
  const scope: Scope = { layer: 'velocity', id: 7, born: 1, limit: { usd: 3, per: 1_000 } };
  const budget = new Budget();
  for (let i = 0; i < 3; i++) budget.reserve([scope], 1, 0, { path: PATH });
  const error = t.throws(() => budget.reserve([scope], 1, 1, { path: PATH }), { instanceOf: AosError });
  t.is(error?.why, 'the velocity budget of 3 paid operations in 1s has 3 spent, and this is one more; resets in 1s');
  t.regex(error?.remedy ?? '', /^slow down and try again, or raise budgets\.velocity/);
});

test('a subtree and the limit of a mount at its top are two budgets, and each counts once', t => {
  const limit = { usd: 100, per: 0 };
  const scopes = scopesBy({ ...DEFAULT_CONFIG.budgets, subtree: { '/aos/mnt/api': limit } });
  const path = parsePath(PATH);
  const mount = { path: parsePath('/aos/mnt/api'), component: 'x', tree: { node: () => undefined }, limit };
  const found = scopes(caller(), path, mount, undefined).filter(({ layer }) => layer === 'subtree');
  t.deepEqual(
    found.map(({ id }) => id),
    ['/aos/mnt/api/**', '/aos/mnt/api'],
  );
});
