import test from 'ava';
import { dir, tree } from '../../../plugin-sdk/index.ts';
import { granted } from '../../support/core.ts';
import { type World, world } from './world.ts';

/** Directories that may all be seen, two of them not listed. */
const some = granted(
  { verbs: ['stat', 'list', 'read'], path: '/aos' },
  { verbs: ['stat'], path: '/aos/deep/**' },
  { verbs: ['list'], path: '/aos/deep' },
  { verbs: ['list'], path: '/aos/deep/c/**' },
);

async function deep(t: Parameters<typeof world>[0]): Promise<World> {
  const made = await world(t);
  made.core.mount(
    '/aos/deep',
    tree({
      '/': dir(() => ['a', 'b', 'c'].map(name => ({ name, kind: 'dir' }))),
      '/:name': dir(() => ['sun', 'moon'].map(name => ({ name, kind: 'dir' }))),
      '/:name/:rest': dir(() => []),
    }),
  );
  return made;
}

test.serial('find goes on without a directory that it may not list, and says which', async t => {
  const { sh } = await deep(t);
  const found = await sh("cd deep; find . -name 's*'", {}, some);
  t.is(found.out, './c/sun\n');
  t.is(found.code, 1);
  t.regex(
    found.err,
    /^find: \/aos\/deep\/a: Permission denied\ncore: .*see: aos explain list .*\nfind: \/aos\/deep\/b: Perm/,
  );
  t.like(await sh("find /aos/deep -name 's*' 2>/dev/null; echo $?", {}, some), {
    out: '/aos/deep/c/sun\n1\n',
    err: '',
  });
  // What it could not look into is not empty, and what it runs is not find.
  t.is((await sh('find /aos/deep -empty 2>/dev/null', {}, some)).out, '/aos/deep/c/moon\n/aos/deep/c/sun\n');
  const ran = await sh("find deep/c -maxdepth 0 -exec ls /aos/deep/a ';'", {}, some);
  t.regex(ran.err, /^ls: .*Permission denied\ncore: /);
});

test.serial('a pattern is silent about what may not be listed', async t => {
  const { sh } = await deep(t);
  t.like(await sh('echo deep/*/s*; cat nothing', {}, some), {
    out: 'deep/c/sun\n',
    err: 'cat: nothing: No such file or directory\n',
  });
});

test.serial('what a command leaves under way when it ends does not end the shell', async t => {
  const { core, sh } = await world(t);
  const slow = (ms: number) => new Promise<string[]>(resolve => setTimeout(() => resolve([]), ms));
  const names = Array.from({ length: 9 }, (_, i) => `d${i}`);
  core.mount(
    '/aos/late',
    tree({
      '/': dir(() => names.map(name => ({ name, kind: 'dir' }))),
      '/:name': dir(({ name }) => slow(20 + 20 * Number(name.slice(1)))),
    }),
  );
  const said = await sh('timeout 0.05 find late; echo after $?; sleep 0.3; echo on; exit 3');
  t.like(said, { out: 'after 124\non\n', code: 3, err: '' });
});
