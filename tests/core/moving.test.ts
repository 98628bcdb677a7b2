/** Moving and linking give nobody a right that they had not. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { everything } from '../../core/capabilities/grant.ts';
import { allowsThroughout } from '../../core/capabilities/throughout.ts';
import { DEFAULT_CONFIG } from '../../core/config.ts';
import { parsePath } from '../../core/path.ts';
import type { Caller, Config, Grant, GrantSet, Op, RenameHow, Settled, Verb } from '../../core/types.ts';
import { diskTree } from '../../plugin-sdk/index.ts';
import { caller, granted, testCore } from '../support/core.ts';
import { tmpDir } from '../support/dirs.ts';
import { refusal } from '../support/refusal.ts';

const at = parsePath;
const PLAIN = { noReplace: false, exchange: false };
const all = caller([everything('uid 1000')]);

async function disk(t: ExecutionContext, more: Partial<Config> = {}) {
  const dir = tmpDir(t);
  for (const name of ['a', 'drop', 'w/locked']) mkdirSync(join(dir, name), { recursive: true });
  writeFileSync(join(dir, 'a/x'), 'new');
  writeFileSync(join(dir, 'drop/y'), 'precious');
  writeFileSync(join(dir, 'w/f'), 'free');
  writeFileSync(join(dir, 'w/locked/f'), 'under the ceiling');
  const core = await testCore({ ...DEFAULT_CONFIG, ...more });
  core.mount('/aos/m', diskTree(dir, { component: 'm' }));
  const told: Settled[] = [];
  core.api.tap.settled(record => void told.push(record));
  const move = (who: Caller, from: string, to: string, how = PLAIN) =>
    core.aos.rename(who, at(`/aos/m/${from}`), at(`/aos/m/${to}`), how);
  const text = (name: string): string | undefined =>
    existsSync(join(dir, name)) ? readFileSync(join(dir, name), 'utf8') : undefined;
  return { core, told, move, text, dir };
}

test('a directory is not moved out from under a ceiling on what is in it', async t => {
  const { core, move, text } = await disk(t, { ceilings: { '/aos/m/w/locked/**': ['stat', 'list', 'read'] } });
  const error = await refusal(() => move(all, 'w', 'w2'));
  t.is(error.errno, 'EXDEV');
  t.regex(error.message, /move what is in it one by one/);
  t.is(text('w/locked/f'), 'under the ceiling');
  await move(all, 'w/f', 'w/g');
  t.is(text('w/g'), 'free');
  await move(all, 'a', 'b');
  t.is(text('b/x'), 'new', 'beside it everything moves in place');
  t.is((await refusal(() => core.aos.write(all, at('/aos/m/w/locked/f'), Buffer.from('no')))).errno, 'EACCES');
});

test('nor from around what is withheld, nor to where not everything may be made', async t => {
  const { move, text } = await disk(t);
  const rest: Grant = { verbs: ['read', 'list', 'remove', 'create', 'write'], path: '/aos/m/w' };
  const partly = granted(rest, { ...rest, path: '/aos/m/w/f' }, { ...rest, path: '/aos/m/v/**' });
  t.is((await refusal(() => move(partly, 'w', 'v/w'))).errno, 'EXDEV');
  const here = granted({ ...rest, path: '/aos/m/w/**' }, { verbs: ['create'], path: '/aos/m/v' });
  t.is((await refusal(() => move(here, 'w', 'v'))).errno, 'EXDEV');
  t.is(text('w/locked/f'), 'under the ceiling');
});

test('whoever has all rights to a part of the tree moves its directories in place', async t => {
  const { move, text } = await disk(t);
  await move(granted({ verbs: ['read', 'list', 'remove', 'create'], path: '/aos/m/**' }), 'w', 'w2');
  t.is(text('w2/locked/f'), 'under the ceiling');
});

test('what may not be read cannot be moved to where it could be', async t => {
  const { core, move, told, text } = await disk(t);
  const who = granted(
    { verbs: ['remove'], path: '/aos/m/a/**' },
    { verbs: ['create', 'read', 'write'], path: '/aos/m/drop/**' },
  );
  const error = await refusal(() => move(who, 'a/x', 'drop/x'));
  t.is(error.errno, 'EACCES');
  t.regex(error.message, /does not grant read/);
  t.is(text('a/x'), 'new');
  t.deepEqual(
    told.map(({ verb, path, error: kind }) => [verb, path, kind]),
    [['remove', '/aos/m/a/x', 'denied']],
  );
  await core.aos.remove(who, at('/aos/m/a/x'));
  t.is(text('a/x'), undefined);
});

test('what is replaced has to be removable; what is not there needs only to be made', async t => {
  const { move, text } = await disk(t);
  const who = granted(
    { verbs: ['read', 'remove', 'create'], path: '/aos/m/a/**' },
    { verbs: ['create'], path: '/aos/m/drop/**' },
  );
  const error = await refusal(() => move(who, 'a/x', 'drop/y'));
  t.is(error.errno, 'EACCES');
  t.regex(error.message, /does not grant remove/);
  t.is(text('drop/y'), 'precious');
  await move(who, 'a/x', 'drop/z');
  t.is(text('drop/z'), 'new');
  await move(all, 'drop/z', 'drop/y');
  t.is(text('drop/y'), 'new');
});

test('what comes to the new name while a move is under way is not replaced by who could not remove it', async t => {
  const { core } = await disk(t);
  const hows: RenameHow[] = [];
  const rename = (_op: Op, _name: string, _to: string, how: RenameHow): void => void hows.push(how);
  core.mount('/aos/late', {
    node: rest =>
      rest === ''
        ? { kind: 'dir', list: () => [], rename }
        : rest === 'a'
          ? { kind: 'value', read: () => 'x' }
          : undefined,
  });
  const make = granted({ verbs: ['read', 'remove'], path: '/aos/late/a' }, { verbs: ['create'], path: '/aos/late/b' });
  await core.aos.rename(make, at('/aos/late/a'), at('/aos/late/b'), PLAIN);
  await core.aos.rename(all, at('/aos/late/a'), at('/aos/late/b'), PLAIN);
  t.deepEqual(
    hows.map(how => how.noReplace),
    [true, false],
  );
});

test('what is withheld only when its node is known is told as refused, too', async t => {
  const { core, told } = await disk(t);
  let withheld = false;
  core.api.tap.narrow(() => (withheld ? { name: 'later', grants: [] } : undefined));
  core.mount('/aos/late', {
    node: () => {
      withheld = true;
      return { kind: 'dir', list: () => [], rename: () => t.fail() };
    },
  });
  const read = granted({ verbs: ['read', 'remove', 'create'], path: '/aos/late/**' });
  const moved = () => core.aos.rename(read, at('/aos/late/a'), at('/aos/late/b'), { noReplace: true, exchange: false });
  t.is((await refusal(moved)).errno, 'EXDEV');
  withheld = false;
  told.length = 0;
  const open = { read: true, write: true, append: false, truncate: false };
  const both = granted({ verbs: ['read', 'write'], path: '/aos/late/**' });
  t.is((await refusal(() => core.aos.open(both, at('/aos/late/a'), open))).errno, 'ENOENT');
  t.deepEqual(
    told.map(({ verb, error }) => [verb, error]),
    [['write', 'not_found']],
  );
});

test('an exchange moves both ways', async t => {
  const { core } = await disk(t);
  const moved: string[] = [];
  const entry = { kind: 'value', read: () => 'x' } as const;
  core.mount('/aos/swap', {
    node: rest =>
      rest === ''
        ? { kind: 'dir', list: () => [], rename: (_op, name, to) => void moved.push(`${name} ${to}`) }
        : entry,
  });
  const swap = (who: Caller) =>
    core.aos.rename(who, at('/aos/swap/a'), at('/aos/swap/b'), { noReplace: false, exchange: true });
  const both: Verb[] = ['read', 'remove', 'create'];
  for (const [from, to] of [
    [['read', 'remove'], both],
    [both, ['read', 'create']],
    [both, ['remove', 'create']],
  ] as [Verb[], Verb[]][]) {
    const who = granted({ verbs: from, path: '/aos/swap/a' }, { verbs: to, path: '/aos/swap/b' });
    t.is((await refusal(() => swap(who))).errno, 'EACCES', `${from} ${to}`);
  }
  t.deepEqual(moved, []);
  await swap(granted({ verbs: both, path: '/aos/swap/*' }));
  t.deepEqual(moved, ['a b']);
});

test('a refusal for the other name of a move or a link is told like any other, and one for what is withheld too', async t => {
  const { core, move, told, text } = await disk(t);
  const who = granted({ verbs: ['read', 'remove', 'create'], path: '/aos/m/a/**' });
  t.is((await refusal(() => move(who, 'a/x', 'drop/z'))).errno, 'ENOENT');
  t.is((await refusal(() => core.aos.makeHardLink(who, at('/aos/m/a/k'), at('/aos/m/a/x')))).errno, 'EACCES');
  t.is((await refusal(() => core.aos.makeHardLink(who, at('/aos/m/a/k'), at('/aos/m/drop/y')))).errno, 'ENOENT');
  t.deepEqual(
    told.map(({ verb, path, error }) => [verb, path, error]),
    [
      ['remove', '/aos/m/a/x', 'not_found'],
      ['create', '/aos/m/a/k', 'denied'],
      ['create', '/aos/m/a/k', 'not_found'],
    ],
  );
  t.is(text('a/k'), undefined);
});

test('a lease for one part of a mount moves nothing to another part', async t => {
  const { core, dir, text } = await disk(t);
  core.mount('/aos/mnt/d', diskTree(dir, { component: 'd' }), { locked: true });
  const until = Date.now() + 60_000;
  core.policy.leases.add({ path: '/aos/mnt/d/a', until, uid: 1000, scope: { kind: 'uid' } });
  const move = (to: string) => core.aos.rename(all, at('/aos/mnt/d/a/x'), at(`/aos/mnt/d/${to}`), PLAIN);
  t.is((await refusal(() => move('drop/y'))).kind, 'locked');
  t.is(text('drop/y'), 'precious');
  await move('a/z');
  t.is(text('a/z'), 'new');
});

test('whether all below a directory is granted', t => {
  const verbs: Verb[] = ['read'];
  const of = (paths: readonly string[], more: object = {}) => ({
    name: 'x',
    grants: paths.map(path => ({ verbs, path })),
    ...more,
  });
  const ceiling = (path: string, may: Verb[]) => ({ name: 'c', grants: [{ verbs: may, path }], onlyThere: true });
  const cases: [boolean, GrantSet[]][] = [
    [true, [of(['/aos/m/**'])]],
    [true, [of(['/aos/m/w/**'])]],
    [true, [of(['/aos/*/w/**'])]],
    [true, [of(['/aos/**/w/**'])]],
    [true, [of(['/aos/m/w/locked/f', '/aos/m/**'])]],
    [false, [of(['/aos/m/w'])]],
    [false, [of(['/aos/m/w/*'])]],
    [false, [of(['/aos/m/w/a/**'])]],
    [false, [of(['/aos/m/**/x'])]],
    [false, [of([])]],
    [false, []],
    [false, [{ name: 'x', grants: [{ verbs, path: '/aos/m/**', until: 5 }] }]],
    [true, [of(['/aos/m/**']), ceiling('/aos/m/other/**', ['stat'])]],
    [true, [of(['/aos/m/**']), ceiling('/aos/m/w/locked/**', ['read'])]],
    [false, [of(['/aos/m/**']), ceiling('/aos/m/w/locked/**', ['stat'])]],
    [false, [of(['/aos/m/**']), ceiling('/aos/m/**', ['stat'])]],
    [false, [of(['/aos/m/**']), ceiling('/aos/**/f', ['stat'])]],
  ];
  for (const [expected, authority] of cases) {
    t.is(allowsThroughout(authority, 'read', '/aos/m/w', 10), expected, JSON.stringify(authority));
  }
});

test('a right that ends gives no second name, which would not end', async t => {
  const { core, text } = await disk(t);
  const verbs: Verb[] = ['read', 'write', 'create'];
  const soon = Date.now() + 60_000;
  const timed = granted({ verbs, path: '/aos/m/a/x', until: soon }, { verbs, path: '/aos/m/drop/**' });
  const link = (who: Caller) => core.aos.makeHardLink(who, at('/aos/m/drop/z'), at('/aos/m/a/x'));
  t.is((await refusal(() => link(timed))).errno, 'EPERM');
  t.is(text('drop/z'), undefined);
  await link(granted({ verbs, path: '/aos/m/**' }));
  t.is(text('drop/z'), 'new');
});

test('the record of a move and of a second name says what the other name is, refused or not', async t => {
  const { core, told, move } = await disk(t);
  await move(all, 'a/x', 'a/y');
  await refusal(() => move(granted({ verbs: ['read'], path: '/aos/m/**' }), 'a/y', 'a/z'));
  await core.aos.makeHardLink(all, at('/aos/m/a/w'), at('/aos/m/a/y'));
  t.deepEqual(
    told.map(({ verb, path, about, errno }) => [verb, path, about, errno]),
    [
      ['remove', '/aos/m/a/x', 'to /aos/m/a/y', undefined],
      ['remove', '/aos/m/a/y', 'to /aos/m/a/z', 'EACCES'],
      ['create', '/aos/m/a/w', 'from /aos/m/a/y', undefined],
    ],
  );
});
