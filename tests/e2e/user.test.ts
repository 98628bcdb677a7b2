/** An ordinary user: mounts without privileges, has a daemon of its own, and gets at nobody else's. */

import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ImplementationFn } from 'ava';
import { command, type Result } from '../support/command.ts';
import { startDaemon } from '../support/daemon.ts';
import { tmpDir } from '../support/dirs.ts';
import { missing, onPath } from '../support/machine.ts';

const ROOT = dirname(dirname(import.meta.dirname));
const UID = 65534;
const SETPRIV = ['setpriv', `--reuid=${UID}`, `--regid=${UID}`, '--clear-groups'];

/**
 * The script runs as root in a mount namespace of its own, where /dev/fuse is open to everybody, as udev makes it on
 * most machines: no mount of the test is seen outside, and none outlives it.
 */
const NAMESPACE = `
  mkdir -p "$D/dev" && mount -t tmpfs -o mode=755 none "$D/dev" &&
  mknod -m 666 "$D/dev/fuse" c 10 229 && mount --bind "$D/dev/fuse" /dev/fuse || exit 99
  user() { setpriv --reuid=${UID} --regid=${UID} --clear-groups sh -c "$1"; }
`;

const why =
  missing({ fuse: true, user: true, command: 'unshare' }) ??
  (onPath('fusermount3') ? undefined : 'fusermount3 is not installed') ??
  (spawnSync('setpriv', [...SETPRIV.slice(1), join(ROOT, 'bin/aos'), '--version']).status === 0
    ? undefined
    : 'an ordinary user cannot run the sources here') ??
  (spawnSync('unshare', ['-m', 'sh', '-c', 'mount -t tmpfs none /mnt && mknod /mnt/fuse c 10 229 && : <> /mnt/fuse'])
    .status === 0
    ? undefined
    : 'no mount namespace with a device can be made');

function userTest(title: string, implementation: ImplementationFn<[]>): void {
  if (why === undefined) test.serial(title, implementation);
  else test.serial.skip(`${title} (skipped: ${why})`, implementation);
}

/** The surroundings of a user with a home of its own and nothing configured. */
function surroundings(dir: string): NodeJS.ProcessEnv {
  const home = join(dir, 'home');
  mkdirSync(home, { mode: 0o700 });
  chownSync(home, UID, UID);
  chmodSync(dir, 0o755);
  const { LANG } = process.env;
  const env = { D: dir, HOME: home, PATH: `${join(ROOT, 'bin')}:${process.env.PATH}`, AOS_PROBE: '0', NO_COLOR: '1' };
  return LANG === undefined ? env : { ...env, LANG };
}

/** Runs a script in a mount namespace of its own, in which `user CMD` is the ordinary user's shell. */
function inNamespace(dir: string, script: string): Promise<Result> {
  const env = surroundings(dir);
  return command('unshare', ['-m', 'sh', '-c', `${NAMESPACE}\n${script}`], { env, cwd: '/', deadline: 40_000 });
}

userTest('an ordinary user mounts, asks and stops, with nothing but a home', async t => {
  const dir = tmpDir(t);
  const { code, stdout, stderr } = await inNamespace(
    dir,
    `user 'cd; aos-mount' || exit 1
      user 'cd ~/aos && echo "what do you know about tides?" > agents/researcher/inbox && aos wait researcher && test -s agents/researcher/output && cat agents/researcher/status && ls procs && stat -c %U:%u memory agents &&
            echo noted > memory/note && cat memory/note && grep -rl tides conversations | wc -l'
      echo "root: $(cat "$HOME/aos/agents/researcher/status" 2>&1)"
      user 'stat -c %a ~/.local/share/aos ~/.local/share/aos/aos.sock; aos umount'
      grep -c "$HOME/aos" /proc/self/mountinfo
      user 'ls -A ~/aos; aos status; echo $?'`,
  );
  t.is(code, 0, stderr);
  const lines = stdout.trimEnd().split('\n');
  t.regex(lines[0] ?? '', /^mounted on .*\/home\/aos /);
  t.deepEqual(lines.slice(1, 3), ['idle', '1']);
  t.regex(lines[3] ?? '', /:65534$/);
  t.is(lines[5], 'noted');
  t.true(Number(lines[6]) > 0, 'the conversation is found');
  // Without allow_other the kernel keeps everybody else out, root too.
  t.regex(lines[7] ?? '', /^root: (idle|.*Permission denied)$/);
  t.deepEqual(lines.slice(8, 10), ['700', '600']);
  t.regex(lines[10] ?? '', /^stopped the daemon/);
  t.deepEqual(lines.slice(11), ['0', '1']);
  t.regex(stderr, /aos-mount/);
});

userTest('a killed daemon of a user is recovered by the next start', async t => {
  const dir = tmpDir(t);
  const { code, stdout, stderr } = await inNamespace(
    dir,
    `user 'cd; aos-mount >/dev/null && exec aos status --json' > "$D/status" || exit 1
      kill -9 $(jq .pid "$D/status")
      user 'cd; aos-mount >/dev/null && cat aos/agents/coder/status; aos umount >/dev/null'`,
  );
  t.is(code, 0, stderr);
  t.is(stdout, 'idle\n');
});

userTest("another user's daemon is out of reach", async t => {
  const daemon = await startDaemon(t);
  t.true(existsSync(daemon.socket));
  const asUser = await daemon.sh(
    'aos status; echo $?; ls "$AOS_MOUNT"; echo $?; echo hello > "$AOS_MOUNT"/agents/coder/inbox; echo $?',
    { uid: UID },
  );
  t.is(asUser.stdout.replace(/[^0\n]/g, 'x'), 'x\nx\nx\n', asUser.stdout + asUser.stderr);
  t.regex(asUser.stderr, /permission denied/i);
  t.is((await daemon.aos('ps', '--json')).stdout, '[]\n');
});
