/** What a thread means to do with a name, from its system call and the path it typed. */

import { constants } from 'node:fs';
import test from 'ava';
import { callIn, type Intent, meant } from '../../../doors/fuse/intent.ts';

const STACK = '0x7ffd5c3fe0a8';
const TEXT = 0x5581_0000_2000n;
const line = (number: number, args: readonly (number | bigint)[], stack = STACK): string =>
  [number, ...[0, 1, 2, 3, 4, 5].map(at => `0x${(args[at] ?? 0).toString(16)}`), stack, '0x7f12a81147e2\n'].join(' ');

const { O_WRONLY, O_CREAT, O_TRUNC, O_DIRECTORY } = constants;
const AT_FDCWD = 0xffffff9cn;

const CALLS: readonly [string, string, string, Intent | undefined][] = [
  ['openat to write', 'x64', line(257, [AT_FDCWD, TEXT, O_WRONLY | O_CREAT | O_TRUNC]), 'change'],
  ['openat to read', 'x64', line(257, [AT_FDCWD, TEXT, 0]), undefined],
  ['open to cut', 'x64', line(2, [TEXT, O_TRUNC]), 'change'],
  ['open of a directory', 'x64', line(257, [AT_FDCWD, TEXT, O_DIRECTORY | O_WRONLY]), undefined],
  ['creat', 'x64', line(85, [TEXT, 0o644]), 'change'],
  ['truncate', 'x64', line(76, [TEXT, 5]), 'change'],
  ['unlink', 'x64', line(87, [TEXT]), 'change'],
  ['unlinkat', 'x64', line(263, [AT_FDCWD, TEXT, 0]), 'change'],
  ['unlinkat of a directory', 'x64', line(263, [AT_FDCWD, TEXT, 0x200]), undefined],
  ['mkdir', 'x64', line(83, [TEXT, 0o755]), 'make'],
  ['mkdirat', 'x64', line(258, [AT_FDCWD, TEXT, 0o755]), 'make'],
  ['stat', 'x64', line(4, [TEXT]), undefined],
  ['flags below a half of a register that is anything', 'x64', line(257, [0, TEXT, 0xffff_ffff_0000_0000n]), undefined],
  ['the same, to write', 'x64', line(257, [0, TEXT, 0xffff_ffff_0000_0001n]), 'change'],
  ['symlink of a 32-bit process', 'x64', line(83, [0x804a000, 0x804a010], '0xffa81b3c'), undefined],
  ['openat on another processor', 'arm64', line(56, [AT_FDCWD, TEXT, O_WRONLY]), 'change'],
  ['a processor that is not known', 'riscv64', line(56, [AT_FDCWD, TEXT, O_WRONLY]), undefined],
  ['a thread that runs', 'x64', 'running\n', undefined],
  ['a thread in no call', 'x64', `-1 ${STACK} 0x7f12a81147e2\n`, undefined],
  ['a thread that has ended', 'x64', '', undefined],
];

for (const [what, processor, text, intent] of CALLS) {
  test(`${what}: ${intent ?? 'nothing known'}`, t => {
    t.is(callIn(text, processor)?.intent, intent);
    if (intent !== undefined) t.is(callIn(text, processor)?.address, TEXT);
  });
}

const PATHS: readonly [typed: string, path: string, is: boolean][] = [
  ['/tmp/mount/mnt/api/users', '/aos/mnt/api/users', true],
  ['users', '/aos/mnt/api/users', true],
  ['api/users', '/aos/mnt/api/users', true],
  ['./users', '/aos/mnt/api/users', true],
  ['a//users', '/aos/mnt/api/a/users', true],
  ['users/5', '/aos/mnt/api/users', false],
  ['users/5', '/aos/mnt/api/users/5', true],
  ['../users', '/aos/mnt/api/users', true],
  ['users/../users', '/aos/mnt/api/users', false],
  ['posts/../users', '/aos/mnt/api/users', true],
  ['posts/../users', '/aos/mnt/api/posts', false],
  ['..', '/aos/mnt/api', false],
  ['/m/mnt/api/users/..', '/aos/mnt/api/users', false],
  ['/m/mnt/api/users/.', '/aos/mnt/api/users', false],
  ['/m/mnt/x/../x/x', '/aos/mnt/x/x', true],
  ['/m/mnt/x/../x/x', '/aos/mnt/x', false],
  ['/m/mnt/d/d/d', '/aos/mnt/d/d/d', true],
  ['/m/mnt/d/d/d', '/aos/mnt/d/d', false],
  // Names that repeat: without the beginning it cannot be told which of them the kernel asks for.
  ['x/x', '/aos/mnt/x/x', false],
  ['x/x', '/aos/mnt/x', false],
  ['x/x', '/aos/mnt/api/x/x', false],
  ['/aos/mnt/x/x', '/aos/mnt/x/x', true],
  ['/aos/mnt/x/x', '/aos/mnt/x', false],
  // Through a link there is no telling.
  ['link', '/aos/mnt/api/users', false],
  ['link/users', '/aos/mnt/api/users', false],
  ['', '/aos/mnt/api', false],
  ['/', '/aos/mnt/api', false],
];

for (const [typed, path, is] of PATHS) {
  test(`"${typed}" ${is ? 'means' : 'does not certainly mean'} ${path}`, t => {
    t.is(meant('change', typed, path), is ? 'change' : undefined);
  });
}

test('a relative path begins where the process is, or at the descriptor it names', t => {
  t.is(callIn(line(2, [TEXT, O_WRONLY]), 'x64')?.base, 'cwd');
  t.is(callIn(line(257, [AT_FDCWD, TEXT, O_WRONLY]), 'x64')?.base, 'cwd');
  t.is(callIn(line(257, [7, TEXT, O_WRONLY]), 'x64')?.base, 'fd/7');
});

test('a name that ends in a slash is a directory, or becomes one', t => {
  t.is(meant('change', 'users/', '/aos/mnt/api/users'), undefined);
  t.is(meant('make', 'users/', '/aos/mnt/api/users'), 'make');
});
