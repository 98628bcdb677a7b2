/** What redirections do at every door: filling a new file by the right to create it alone, and emptying a value. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { checkConfig } from '../../core/config.ts';
import type { Settled } from '../../core/types.ts';
import { diskTree, message, tree, value } from '../../plugin-sdk/index.ts';
import { caller, testCore } from '../support/core.ts';
import { tmpDir } from '../support/dirs.ts';
import { until } from '../support/until.ts';
import { type Through, throughKernel, throughShell, throughSocket } from './doors.ts';

const UID = process.getuid?.() ?? 0;
const GRANTS = [
  { verbs: ['create'], path: '/aos/m/drop/**' },
  { verbs: ['read', 'write'], path: '/aos/t/**' },
];

async function world(t: ExecutionContext) {
  const dir = tmpDir(t);
  mkdirSync(join(dir, 'drop'));
  writeFileSync(join(dir, 'drop/old'), 'precious');
  const config = checkConfig({ grants: { [UID]: GRANTS } }, 'the test', () => undefined);
  const core = await testCore(config);
  core.mount('/aos/m', diskTree(dir, { component: 'm' }));
  const commits: string[] = [];
  const refusals: Settled[] = [];
  core.api.tap.settled(record => {
    if (record.error !== undefined) refusals.push(record);
  });
  core.mount(
    '/aos/t',
    tree({
      '/v': value({ read: () => commits.at(-1) ?? 'old', write: (_args, text) => void commits.push(text) }),
      '/in': message({ commit: (_args, text) => void commits.push(`sent ${text}`) }),
    }),
  );
  const authority = core.door('shell').authorityOf(UID);
  const doors: readonly (readonly [string, Through | undefined])[] = [
    ['kernel', await throughKernel(t, core.door('fuse'))],
    ['socket', await throughSocket(t, core.door('socket'))],
    ['shell', throughShell(t, core.aos, { ...caller(authority, UID), door: 'shell' })],
  ];
  const text = (name: string): string => readFileSync(join(dir, 'drop', name), 'utf8').trimEnd();
  const through = doors.flatMap(([door, act]) => (act === undefined ? [] : [[door, act] as const]));
  return { through, text, commits, refusals };
}

test('at every door, whoever may create and not write fills a new file, and changes none', async t => {
  const { through, text, refusals } = await world(t);
  for (const [door, act] of through) {
    refusals.length = 0;
    t.is(await act('make', `/aos/m/drop/${door}`), 'ok', door);
    t.is(text(door), 'x', door);
    t.deepEqual(
      refusals.filter(({ path }) => path === `/aos/m/drop/${door}`),
      [],
      door,
    );
    for (const name of [door, 'old']) t.is(await act('make', `/aos/m/drop/${name}`), 'EACCES', `${door} ${name}`);
    t.is(text('old'), 'precious', door);
  }
});

test('at every door, a value that is opened to be emptied is emptied, once', async t => {
  const { through, commits } = await world(t);
  for (const [door, act] of through) {
    commits.length = 0;
    t.is(await act('make', '/aos/t/v'), 'ok', door);
    t.deepEqual(commits, ['x'], door);
    t.is(await act('empty', '/aos/t/v'), 'ok', door);
    // The kernel tells of the last close when it has been answered already.
    await until(`it is emptied through the ${door}`, () => commits.length > 1);
    t.is(await act('read', '/aos/t/v'), 'ok', door);
    t.deepEqual(commits, ['x', ''], door);
  }
});

test('an open of a message that sends nothing sends nothing, with a kernel and without', async t => {
  const { through, commits } = await world(t);
  for (const [door, act] of through) {
    // Over the socket an empty body is a message, and the plugin's to refuse.
    if (door === 'socket') continue;
    t.is(await act('empty', '/aos/t/in'), 'ok', door);
    t.is(await act('make', '/aos/t/in'), 'ok', door);
    t.deepEqual(commits, ['sent x'], door);
    commits.length = 0;
  }
});
