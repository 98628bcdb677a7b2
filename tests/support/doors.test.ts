import test from 'ava';
import { everything } from '../../core/capabilities/grant.ts';
import type { Authority, Verb } from '../../core/types.ts';
import { callable, dir, diskTree, message, tree, value } from '../../plugin-sdk/index.ts';
import { type TestCore, testCore } from './core.ts';
import { tmpDir } from './dirs.ts';
import { type DoorClient, viaKernel, viaShell, viaSocket } from './doors.ts';
import type { Teardown } from './ending.ts';
import { fuseTest } from './need.ts';

async function subject(t: Teardown): Promise<TestCore> {
  const core = await testCore();
  core.mount(
    '/aos',
    tree({
      '/': dir(() => ['note', 'inbox', 'ask']),
      '/note': value({ read: () => 'note\n' }),
      '/inbox': message({ commit: () => undefined }),
      '/ask': callable((_args, request) => request),
    }),
  );
  core.mount('/aos/files', diskTree(tmpDir(t), { component: 'files' }));
  return core;
}

const looking: Authority = [{ name: 'looking', grants: [{ verbs: ['stat', 'list'], path: '/aos/**' }] }];
const nothing: Authority = [{ name: 'nothing', grants: [] }];

/** In this order, since one leads to the next. */
const EXPECTED: readonly (readonly [Verb, string, Authority, string])[] = [
  ['stat', '/aos/note', looking, 'ok'],
  ['stat', '/aos/note', nothing, 'ENOENT'],
  ['list', '/aos', looking, 'ok'],
  ['read', '/aos/note', looking, 'EACCES'],
  ['read', '/aos/note', [everything('all')], 'ok'],
  ['write', '/aos/inbox', looking, 'EACCES'],
  ['write', '/aos/inbox', [everything('all')], 'ok'],
  ['write', '/aos/note', [everything('all')], 'EROFS'],
  ['create', '/aos/files/new', looking, 'EACCES'],
  ['create', '/aos/files/new', [everything('all')], 'ok'],
  ['remove', '/aos/files/new', looking, 'EACCES'],
  ['remove', '/aos/files/new', [everything('all')], 'ok'],
  ['call', '/aos/ask', looking, 'EACCES'],
  ['call', '/aos/ask', [everything('all')], 'ok'],
];

async function asExpected(door: DoorClient): Promise<string[]> {
  const wrong: string[] = [];
  for (const [verb, path, authority, expected] of EXPECTED) {
    const said = await door.act(verb, path, authority);
    if (said !== expected)
      wrong.push(`${door.name}: ${verb} ${path} as ${authority[0]?.name}: ${said}, not ${expected}`);
  }
  return wrong;
}

test('the socket, as whoever it is', async t => {
  t.deepEqual(await asExpected(await viaSocket(t, await subject(t))), []);
});

test('the shell, as whoever it is', async t => {
  t.deepEqual(await asExpected(await viaShell(t, await subject(t))), []);
});

fuseTest('the kernel, as whoever it is', async t => {
  t.deepEqual(await asExpected(await viaKernel(t, await subject(t))), []);
});
