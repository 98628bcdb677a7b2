/** How mounts begin and end, for root and for users, in order and out of it. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { AosError } from '../../../core/errors.ts';
import { fusePrerequisites, healMountpoint, startFuse } from '../../../doors/fuse/index.ts';
import { mountedAt } from '../../../doors/fuse/mountpoint.ts';
import { FakeApi } from './fake.ts';
import { ended, mountTest, type Ran, until, whyNoMount } from './mounted.ts';

const SERVER = new URL('server.ts', import.meta.url).pathname;
const why = whyNoMount();
const isRoot = process.getuid?.() === 0;
const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

/** A server in a process of its own, killed and unmounted at the end whatever happened. */
async function withServer(
  before: readonly string[],
  driver: string,
  body: (dir: string, server: ChildProcess, said: () => string) => Promise<void>,
): Promise<Ran> {
  const dir = mkdtempSync(join(tmpdir(), 'aos-fuse-'));
  chmodSync(dir, 0o777);
  const [program = '', ...args] = [...before, process.execPath, SERVER, dir, driver];
  const server = spawn(program, args, { cwd: '/' });
  let said = '';
  server.stdout.on('data', chunk => {
    said += chunk;
  });
  const end = ended(server);
  const watchdog = setTimeout(() => server.kill('SIGKILL'), 20_000);
  try {
    await until(() => said.startsWith('mounted') || server.exitCode !== null, 10_000);
    await body(dir, server, () => said);
    return await end;
  } finally {
    clearTimeout(watchdog);
    server.kill('SIGKILL');
    await end;
    if (mountedAt(dir) !== undefined) spawnSync('umount', ['-l', dir]);
    rmSync(dir, { recursive: true, force: true });
  }
}

function bash(script: string, before: readonly string[] = []): Promise<Ran> {
  const [program = '', ...args] = [...before, 'bash', '-c', script];
  return ended(spawn(program, args, { cwd: '/' }));
}

/** What keeps an ordinary user from running the server here. */
const unreadable =
  isRoot && spawnSync(NOBODY[0] ?? '', [...NOBODY.slice(1), process.execPath, '--check', SERVER]).status !== 0
    ? 'an ordinary user cannot run the sources here, or setpriv is missing'
    : undefined;

const rooted = why === undefined && isRoot ? test.serial : test.serial.skip;
const because = why ?? (isRoot ? '' : 'only root may do this');
const asUser = because === '' && unreadable === undefined ? test.serial : test.serial.skip;
const userTitle = (text: string): string => title(unreadable === undefined ? text : `${text} (${unreadable})`);
const title = (text: string): string => (because === '' ? text : `${text} (${because})`);

mountTest(
  'a file that is still open does not hold up the end',
  api => void api.aos.add('/aos/value', 'value', 'x'),
  async (t, { dir, door, start }) => {
    const holder = start('sleep', ['100']);
    const user = start('bash', ['-c', `exec 3<"${dir}/value"; echo open; sleep 100`]);
    let said = '';
    user.stdout?.on('data', chunk => {
      said += chunk;
    });
    await until(() => said === 'open\n');
    const began = Date.now();
    await door.stop();
    await door.gone;
    t.true(Date.now() - began < 3000);
    t.is(mountedAt(dir), undefined);
    holder.kill();
  },
);

mountTest(
  'unmounted from outside, the door says so',
  api => void api.aos.add('/aos/value', 'value', 'x'),
  async (t, { dir, door, start }) => {
    start(isRoot ? 'umount' : 'fusermount3', isRoot ? [dir] : ['-u', dir]);
    await door.gone;
    t.is(mountedAt(dir), undefined);
  },
);

rooted(title('a server that is killed leaves a clean mountpoint'), async t => {
  await withServer([], 'kernel', async (dir, server) => {
    t.is(mountedAt(dir), 'fuse.aos');
    server.kill('SIGKILL');
    await until(() => mountedAt(dir) === undefined);
    t.deepEqual(readdirSync(dir), []);
  });
});

rooted(title('a dead mount is healed, a living one left alone'), async t => {
  const dead = spawnSync(process.execPath, [new URL('die.ts', import.meta.url).pathname], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  const dir = dead.stdout.trim();
  try {
    t.is(mountedAt(dir), 'fuse.aos', dead.stderr);
    t.throws(() => statSync(dir), { code: 'ENOTCONN' });
    t.true(healMountpoint(dir));
    t.is(mountedAt(dir), undefined);
    t.false(healMountpoint(dir));
  } finally {
    if (mountedAt(dir) !== undefined) spawnSync('umount', ['-l', dir]);
    rmSync(dir, { recursive: true, force: true });
  }
  await withServer([], 'kernel', async (alive, server) => {
    t.false(healMountpoint(alive));
    t.is((await bash(`cat ${alive}/value`)).out, 'hello\n');
    const error = await t.throwsAsync(
      startFuse(new FakeApi(), { mountpoint: alive, driver: 'kernel', allowOther: false }),
      { instanceOf: AosError },
    );
    t.is(error?.kind, 'busy');
    server.kill('SIGTERM');
  });
});

asUser(userTitle('an ordinary user mounts through fusermount3'), async t => {
  const device = statSync('/dev/fuse').mode & 0o777;
  chmodSync('/dev/fuse', 0o666);
  try {
    const ran = await withServer(NOBODY, 'kernel', async (dir, server, said) => {
      t.is(said(), 'mounted\n');
      t.is((await bash(`cat ${dir}/value; echo hi > ${dir}/inbox`, NOBODY)).out, 'hello\n');
      t.regex((await bash(`cat ${dir}/value`)).err, /Permission denied/);
      server.kill('SIGTERM');
      await until(() => mountedAt(dir) === undefined);
    });
    t.is(ran.out, 'mounted\ngone ["hi\\n"] 65534\n');
    await withServer(NOBODY, 'kernel', async (dir, server) => {
      server.kill('SIGKILL');
      await until(() => mountedAt(dir) === undefined);
    });
    t.pass();
  } finally {
    chmodSync('/dev/fuse', device);
  }
});

asUser(userTitle('a user who may not open the device is told what to do'), async t => {
  const device = statSync('/dev/fuse').mode & 0o777;
  chmodSync('/dev/fuse', 0o600);
  try {
    const ran = await withServer(NOBODY, 'kernel', async () => {});
    t.regex(ran.err, /\/dev\/fuse: this user may not open the device; run as root: chmod 0666 \/dev\/fuse/);
  } finally {
    chmodSync('/dev/fuse', device);
  }
});

rooted(title('the second driver serves the same tree'), async t => {
  const ran = await withServer([], 'fuse-native', async (dir, server, said) => {
    t.is(said(), 'mounted\n');
    const used = await bash(
      `cd ${dir}; ls; cat value link; echo hi > inbox; exec 3<>call; printf q >&3; cat <&3; cd files; echo new > n; cat n; mv n m; ln m l; chmod 600 m; stat -c '%a %h' m; touch -d '2001-02-03 UTC' m; stat -c %Y m; rm l m; mkdir d; rmdir d; cat nothing`,
    );
    t.is(used.out, 'call\nfiles\ninbox\nlink\nvalue\nhello\nhello\nreply to q\nnew\n600 2\n981158400\n');
    t.regex(used.err, /^cat: nothing: No such file or directory\n$/);
    server.kill('SIGTERM');
    await until(() => mountedAt(dir) === undefined);
  });
  t.is(ran.out, 'mounted\ngone ["hi\\n"] 0\n');
});

test('a directory that will not do is refused with a reason', async t => {
  const base = mkdtempSync(join(tmpdir(), 'aos-fuse-'));
  const start = (mountpoint: string) => startFuse(new FakeApi(), { mountpoint, driver: 'kernel', allowOther: false });
  try {
    mkdirSync(join(base, 'full'));
    writeFileSync(join(base, 'full', 'x'), '');
    const full = await t.throwsAsync(start(join(base, 'full')), { instanceOf: AosError });
    t.is(full?.kind, 'not_empty');
    t.regex(full?.message ?? '', /set AOS_MOUNT to an empty directory/);
    const file = await t.throwsAsync(start(join(base, 'full', 'x')), { instanceOf: AosError });
    t.is(file?.kind, 'not_dir');
  } finally {
    rmSync(base, { recursive: true });
  }
});

test('each prerequisite is found or has a remedy', t => {
  for (const { name, ok, found, remedy } of fusePrerequisites()) {
    t.true(name !== '' && found !== '');
    t.true(ok || remedy !== undefined, name);
  }
});
