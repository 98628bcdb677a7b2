/** Whether a thread looks a name up on its way to something below it. */

import test from 'ava';
import { followedIn, leadsThrough } from '../../../doors/fuse/intent.ts';

const STACK = '0x7ffd5c3fe0a8';
const line = (number: number, args: readonly (number | bigint)[], stack = STACK): string =>
  [number, ...[0, 1, 2, 3, 4, 5].map(at => `0x${(args[at] ?? 0).toString(16)}`), stack, '0x7f12a81147e2\n'].join(' ');
const HERE = 0xffffff9cn;

test('the path of a call, and where it begins', t => {
  t.deepEqual(followedIn(line(257, [HERE, 16, 0]), 'x64'), { address: 16n, base: 'cwd' });
  t.deepEqual(followedIn(line(262, [5, 16]), 'x64'), { address: 16n, base: 'fd/5' });
  t.deepEqual(followedIn(line(4, [16]), 'x64'), { address: 16n, base: 'cwd' });
  t.deepEqual(followedIn(line(56, [HERE, 16]), 'arm64'), { address: 16n, base: 'cwd' });
  for (const other of [line(0, [3, 16]), 'running\n', '', line(4, [16], '0xffa81b3c')]) {
    t.is(followedIn(other, 'x64'), undefined, other);
  }
  t.is(followedIn(line(4, [16]), 'riscv64'), undefined);
});

const PATHS: readonly [typed: string, path: string, through: boolean][] = [
  ['users/1', '/aos/mnt/a/users', true],
  ['users/1/2', '/aos/mnt/a/users/1', true],
  ['/tmp/m/mnt/a/users/1', '/aos/mnt/a/users', true],
  ['/tmp/m/mnt/a/users', '/aos/mnt/a/users', false],
  ['users', '/aos/mnt/a/users', false],
  ['users/1', '/aos/mnt/a/users/1', false],
  ['/tmp/m/mnt/a/x/x', '/aos/mnt/a/x', true],
  ['/tmp/m/mnt/a/x/x', '/aos/mnt/a/x/x', false],
  // It cannot be told which of the two is asked for.
  ['x/x', '/aos/mnt/a/x/x', false],
  ['posts/1', '/aos/mnt/a/users', false],
  ['', '/aos/mnt/a/users', false],
];

for (const [typed, path, through] of PATHS) {
  test(`"${typed}" ${through ? 'leads' : 'does not certainly lead'} through ${path}`, t => {
    t.is(leadsThrough(typed, path), through);
  });
}
