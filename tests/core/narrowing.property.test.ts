import test from 'ava';
import fc from 'fast-check';
import { decide } from '../../core/capabilities/decide.ts';
import { VERBS } from '../../core/capabilities/grant.ts';
import { allowsThroughout } from '../../core/capabilities/throughout.ts';
import { DEFAULT_CONFIG } from '../../core/config.ts';
import { AosError } from '../../core/errors.ts';
import { parsePath } from '../../core/path.ts';
import type { Authority, Grant, GrantSet, Verb } from '../../core/types.ts';
import { tree, value } from '../../plugin-sdk/index.ts';
import { caller, testCore } from '../support/core.ts';
import { RUNS } from '../support/property.ts';

const NAMES = ['a', 'b', 'ab', 'secret', 'x.md'];
const name = fc.constantFrom(...NAMES);
const path = fc.array(name, { maxLength: 4 }).map(names => ['/aos', ...names].join('/'));
const part = fc.oneof({ weight: 3, arbitrary: name }, fc.constantFrom('*', '**', 'a*', '*b', '*.md'));
const pattern = fc.array(part, { maxLength: 4 }).map(parts => ['/aos', ...parts].join('/'));
const verb = fc.constantFrom(...VERBS);
const until = fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined });
const grant: fc.Arbitrary<Grant> = fc
  .record({ verbs: fc.uniqueArray(verb, { minLength: 1 }), path: pattern, until })
  .map(({ until: end, ...rest }) => ({ ...rest, ...(end !== undefined && { until: end }) }));
const all: Grant = { verbs: VERBS, path: '/aos/**' };
const set: fc.Arbitrary<GrantSet> = fc.record({
  name: fc.constantFrom('uid 7', 'agent x', 'ceiling'),
  grants: fc.array(fc.oneof({ weight: 4, arbitrary: grant }, fc.constant(all)), { maxLength: 4 }),
});
/** A ceiling of the configuration: it speaks only of what its patterns match. */
const ceiling = set.map((made): GrantSet => ({ ...made, onlyThere: true }));
const authority = fc.array(fc.oneof({ weight: 4, arbitrary: set }, ceiling), { maxLength: 5 });
const now = fc.integer({ min: 0, max: 20 });

const RANK = { withheld: 0, denied: 1, allowed: 2 } as const;

test('a longer list of sets never allows, nor shows, what a shorter one does not', t => {
  const property = fc.property(authority, authority, verb, path, now, (shorter, more, act, at, moment) => {
    const wide = decide(shorter, act, at, moment);
    const narrow = decide([...shorter, ...more], act, at, moment);
    // Of nothing, nothing follows: without any set nobody may do anything, so the longer list begins with one.
    return shorter.length === 0 || RANK[narrow.outcome] <= RANK[wide.outcome];
  });
  t.notThrows(() => fc.assert(property, { numRuns: RUNS }));
});

test('the order of the sets, and saying one twice, change nothing', t => {
  const property = fc.property(authority, verb, path, now, (sets, act, at, moment) => {
    const { outcome } = decide(sets, act, at, moment);
    return (
      decide([...sets].reverse(), act, at, moment).outcome === outcome &&
      decide([...sets, ...sets], act, at, moment).outcome === outcome
    );
  });
  t.notThrows(() => fc.assert(property, { numRuns: RUNS }));
});

test('a decision holds until the moment it names', t => {
  const property = fc.property(authority, verb, path, now, now, (sets, act, at, moment, later) => {
    const first = decide(sets, act, at, moment);
    if (later < moment || later >= first.until) return true;
    return decide(sets, act, at, later).outcome === first.outcome;
  });
  t.notThrows(() => fc.assert(property, { numRuns: RUNS }));
});

test('time alone never widens: what has expired stays so', t => {
  const property = fc.property(authority, verb, path, now, now, (sets, act, at, one, other) => {
    const [early, late] = [Math.min(one, other), Math.max(one, other)];
    return (
      sets.some(made => made.onlyThere) ||
      RANK[decide(sets, act, at, late).outcome] <= RANK[decide(sets, act, at, early).outcome]
    );
  });
  t.notThrows(() => fc.assert(property, { numRuns: RUNS }));
});

test('what a grant allows is what its pattern says, by the plainest reading of it', t => {
  const property = fc.property(pattern, path, verb, (shape, at, act) => {
    const { outcome } = decide([{ name: 'one', grants: [{ verbs: VERBS, path: shape }] }], act, at, 0);
    const covered = plainly(shape).test(at);
    return covered ? outcome === 'allowed' : outcome !== 'allowed' || act === 'stat' || act === 'list';
  });
  t.notThrows(() => fc.assert(property, { numRuns: RUNS }));
});

test('many grants in one set give what the best of them gives alone', t => {
  const property = fc.property(fc.array(grant, { maxLength: 12 }), path, verb, now, (grants, at, act, moment) => {
    const alone = grants.map(one => RANK[decide([{ name: 'one', grants: [one] }], act, at, moment).outcome]);
    const together = decide([{ name: 'all', grants }], act, at, moment).outcome;
    return RANK[together] === Math.max(RANK.withheld, ...alone);
  });
  t.notThrows(() => fc.assert(property, { numRuns: RUNS }));
});

test('what is granted throughout a directory is granted for each path in it', t => {
  const below = fc.array(name, { maxLength: 3 });
  const property = fc.property(authority, verb, path, below, now, (sets, act, dir, names, moment) => {
    if (!allowsThroughout(sets, act, dir, moment)) return true;
    return decide(sets, act, [dir, ...names].join('/'), moment).outcome === 'allowed';
  });
  t.notThrows(() => fc.assert(property, { numRuns: RUNS }));
});

/** The pattern as one regular expression: `**` is any number of names, `*` any part of one. */
function plainly(shape: string): RegExp {
  const parts = shape.split('/').slice(1);
  const text = parts.map(word =>
    word === '**' ? '(/[^/]+)*' : `/${word.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}`,
  );
  return new RegExp(`^${text.join('')}$`);
}

type Hook = { kind: 'sets'; set: GrantSet } | { kind: 'nothing' } | { kind: 'throws' };

const hook: fc.Arbitrary<Hook> = fc.oneof(
  set.map((made): Hook => ({ kind: 'sets', set: made })),
  fc.constantFrom<Hook>(
    { kind: 'nothing' },
    { kind: 'throws' },
    { kind: 'sets', set: { name: 'wide', grants: [all] } },
  ),
);

test('whoever has no set has nothing, whatever hooks and ceilings say', async t => {
  const ceilings = { '/aos/x.md/**': VERBS };
  const core = await testCore({ ...DEFAULT_CONFIG, ceilings }, () => 10);
  core.mount('/aos/a', tree({ '/': value({ read: () => 'reached' }) }));
  core.api.tap.narrow(() => ({ name: 'wide', grants: [all] }));
  const error = await t.throwsAsync(async () => core.aos.read(caller([]), parsePath('/aos/a')), {
    instanceOf: AosError,
  });
  t.is(error.errno, 'ENOENT');
  t.false(core.aos.explain(caller([]), 'read', parsePath('/aos/a')).allowed);
});

test('a hook at the gate can only take away; one that throws takes everything', async t => {
  const property = fc.asyncProperty(
    fc.array(set, { maxLength: 4 }),
    fc.array(hook, { maxLength: 4 }),
    path.filter(at => at !== '/aos'),
    async (sets, hooks, at) => {
      const before = await reading(sets, [], at);
      const after = await reading(sets, hooks, at);
      if (hooks.some(made => made.kind === 'throws') && after) return false;
      return before || !after;
    },
  );
  await t.notThrowsAsync(fc.assert(property, { numRuns: Math.ceil(RUNS / 5) }));
});

/** Whether a read at the gate, with these hooks, reaches the plugin. */
async function reading(sets: Authority, hooks: readonly Hook[], at: string): Promise<boolean> {
  const core = await testCore(undefined, () => 10);
  core.mount(at, tree({ '/': value({ read: () => 'reached' }) }));
  for (const made of hooks) {
    core.api.tap.narrow(() => {
      if (made.kind === 'throws') throw new Error('broken');
      return made.kind === 'sets' ? made.set : undefined;
    });
  }
  // `uid 7` is a configured set, which the gate would look up: here every set stands for itself.
  const own = sets.map(made => ({ ...made, name: `of ${made.name}` }));
  try {
    return (await core.aos.read(caller(own), parsePath(at))).length > 0;
  } catch (error) {
    if (error instanceof AosError && (error.errno === 'ENOENT' || error.errno === 'EACCES')) return false;
    throw error;
  }
}

test('a run that starts runs never gets more than any of those above it', t => {
  const chain = fc.array(set, { minLength: 1, maxLength: 9 });
  const property = fc.property(chain, verb, path, now, (sets, act: Verb, at, moment) => {
    let before: number = RANK.allowed;
    for (let depth = 1; depth <= sets.length; depth++) {
      const { outcome } = decide(sets.slice(0, depth), act, at, moment);
      if (RANK[outcome] > before) return false;
      before = RANK[outcome];
    }
    return sets.every(one => decide([one], act, at, moment).outcome === 'allowed') === (before === RANK.allowed);
  });
  t.notThrows(() => fc.assert(property, { numRuns: RUNS }));
});
