/** A daemon that died leaves nothing that the next start cannot put right, and two daemons leave each other alone. */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning, startDaemon } from '../support/daemon.ts';
import { mountsBelow, tmpDir } from '../support/dirs.ts';
import { fuseTest } from '../support/need.ts';
import { until } from '../support/until.ts';
import { ok } from './shared.ts';

const MOCK = [{ text: 'an answer' }];

/** Asks and gets an answer: the whole way through the mount. */
const ASK =
  'cd "$AOS_MOUNT" && echo hello > agents/researcher/inbox && aos wait researcher && cat agents/researcher/output';

fuseTest('after a kill -9 the mountpoint is clean or says so, and the next start needs no help', async t => {
  const daemon = await startDaemon(t, { mock: MOCK });
  await daemon.kill('SIGKILL');
  // At first the kernel may still be ending the connection: ECONNABORTED.
  await until('the mountpoint is clean, or not connected', async () => {
    const { code, stdout, stderr } = await daemon.sh('ls "$AOS_MOUNT"');
    return code === 0 ? stdout === '' : /not connected/.test(stderr);
  });
  // Without a daemon the socket file is still there, and every verb says what to do.
  t.true(existsSync(daemon.socket));
  const status = await daemon.aos('status');
  t.is(status.code, 1);
  t.regex(status.stderr, /^[^\n]*aos-mount[^\n]*\n$/);
  await daemon.start();
  t.is(await ok(daemon, ASK), 'an answer\n');
  t.deepEqual(mountsBelow(daemon.mount), [daemon.mount], 'nothing is mounted over what was dead');
});

fuseTest('nor where the kernel still knows what the mountpoint was', async t => {
  const daemon = await startDaemon(t, { mock: MOCK });
  for (let i = 0; i < 2; i++) {
    await ok(daemon, 'stat "$AOS_MOUNT" && stat "$AOS_MOUNT"/agents/researcher/status && ls "$AOS_MOUNT"');
    await daemon.kill('SIGKILL');
    await daemon.start();
    t.is(await ok(daemon, ASK), 'an answer\n');
  }
  t.deepEqual(mountsBelow(daemon.mount), [daemon.mount]);
});

fuseTest('a dead mount that is in use is recovered too', async t => {
  const daemon = await startDaemon(t, { mock: MOCK });
  const script = 'cd "$AOS_MOUNT"/agents && exec 3<researcher/status && echo ready && exec sleep 60';
  const inside = spawn('/bin/sh', ['-c', script], { env: daemon.env, cwd: daemon.home });
  t.teardown(() => inside.kill('SIGKILL'));
  await new Promise(resolve => inside.stdout.once('data', resolve));
  await daemon.kill('SIGKILL');
  await daemon.start();
  t.is(await ok(daemon, ASK), 'an answer\n');
  t.deepEqual(mountsBelow(daemon.mount), [daemon.mount]);
  t.is(inside.exitCode, null);
  inside.kill('SIGKILL');
  await daemon.kill('SIGKILL');
  await daemon.start();
  t.is(await ok(daemon, ASK), 'an answer\n');
});

fuseTest('aos umount clears what a dead daemon left', async t => {
  const daemon = await startDaemon(t, { mock: MOCK });
  await daemon.kill('SIGKILL');
  const cleared = await daemon.stop();
  if (cleared.code !== 0) t.regex(cleared.stderr, /aos-mount/, 'there was nothing to clear');
  t.deepEqual(mountsBelow(daemon.mount), []);
  t.is((await daemon.sh('ls -A "$AOS_MOUNT"')).stdout, '');
});

fuseTest('two daemons do not disturb one another', async t => {
  const [one, two] = await Promise.all([startDaemon(t, { mock: MOCK }), startDaemon(t, { mock: [{ text: 'other' }] })]);
  t.is(await ok(one, ASK), 'an answer\n');
  t.is(await ok(two, ASK), 'other\n');
  t.is(await ok(two, 'ls "$AOS_MOUNT"/procs'), '1\n', 'the runs of one are not those of the other');
  t.is((await one.stop()).code, 0);
  t.deepEqual(mountsBelow(one.mount), []);
  t.is(await ok(two, ASK), 'other\n');
  await one.start();
  await two.kill('SIGKILL');
  t.is(await ok(one, ASK), 'an answer\n');

  const second = await one.sh('aos-mount "$AOS_MOUNT"');
  t.is(second.code, 1);
  t.regex(
    second.stderr,
    new RegExp(`^[^\\n]*${one.pid}[^\\n]*aos umount[^\\n]*\\n$`),
    'a second daemon on one home is refused',
  );
  t.is(await ok(one, ASK), 'an answer\n');
});

fuseTest('AOS_SOCKET says where the daemon is, whatever AOS_HOME is', async t => {
  const socket = join(tmpDir(t), 'elsewhere.sock');
  const daemon = await startDaemon(t, { mock: MOCK, env: { AOS_SOCKET: socket } });
  t.true(existsSync(socket));
  t.false(existsSync(daemon.socket));
  const { stdout } = await daemon.sh('AOS_HOME=/nonexistent aos status --json');
  t.is(JSON.parse(stdout).pid, daemon.pid);
  const { pid } = daemon;
  t.is((await daemon.stop()).code, 0);
  await until('it is gone', () => !isRunning(pid));
  t.false(existsSync(socket));
});
