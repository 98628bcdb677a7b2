/** A machine or a user without a FUSE device, or without a place to mount: why, and what to do instead. */

import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Daemon, prepareDaemon } from '../support/daemon.ts';
import { missing } from '../support/machine.ts';
import { isSentence, isShape, missingForUser, type Refusal } from './bad-input.ts';

const NOBODY = 65_534;

/** The tests put another /dev before the program, which root may do in a mount namespace of its own. */
const reason = missing({ fuse: true, command: ['unshare', 'mount'] }) ?? missingForUser();
const asRoot = (title: string, run: (t: ExecutionContext) => Promise<void>): void => {
  if (reason === undefined) test.serial(title, run);
  else test.serial.skip(`${title} (skipped: ${reason})`, run);
};

/** Runs aos-mount where /dev holds only null and what `device` makes; as `uid` with a home of its own. */
async function mountWith(t: ExecutionContext, daemon: Daemon, device: string, line: string, want: Refusal) {
  const base = dirname(daemon.home);
  for (const dir of [daemon.home, daemon.mount]) chownSync(dir, NOBODY, NOBODY);
  mkdirSync(join(base, 'dev'), { recursive: true });
  const script = (more: string) =>
    `set -e; D='${base}/dev'; mount -t tmpfs -o mode=755 none "$D"; : > "$D/null"; mount --bind /dev/null "$D/null"
     ${device}
     mount --rbind "$D" /dev; ${line} ${more}`;
  const text = await daemon.sh('unshare -m sh -c "$SCRIPT"', { env: { SCRIPT: script('') } });
  t.is(text.code, want.code, text.stderr);
  isSentence(t, text.stderr, want, line);
  const json = await daemon.sh('unshare -m sh -c "$SCRIPT"', { env: { SCRIPT: script('--json') } });
  t.is(json.code, want.code);
  isShape(t, json.stdout, want, line);
}

const USER = `cd /; exec setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups aos-mount`;

asRoot('a machine without /dev/fuse is told how to get one, and what works without', async t => {
  const want = { code: 1, errno: 'ENOTSUP', why: /no FUSE device/, remedy: /modprobe fuse.*aos-mount --no-fuse/ };
  await mountWith(t, prepareDaemon(t, { fuse: false }), '', 'aos-mount', want);
});

asRoot('a user who may not open /dev/fuse is told so, and what works without', async t => {
  const want = { code: 1, errno: 'EPERM', why: /may not open the device/, remedy: /chmod 0666.*aos-mount --no-fuse/ };
  const device = ': > "$D/fuse"; chmod 600 "$D/fuse"';
  const daemon = prepareDaemon(t, { fuse: false });
  await mountWith(t, daemon, device, USER, want);
});

asRoot('a user is not let mount where nothing is theirs to write', async t => {
  const daemon = prepareDaemon(t, { fuse: false });
  const root = join(dirname(daemon.home), 'root');
  mkdirSync(root, { mode: 0o755 });
  writeFileSync(join(root, '.keep'), '');
  const want = { code: 1, errno: 'EACCES', why: /cannot be mounted on: permission denied/, remedy: /AOS_MOUNT/ };
  await mountWith(t, daemon, '', `${USER} ${root}/new`, want);
  chmodSync(root, 0o700);
  await mountWith(t, daemon, '', `${USER} ${root}`, want);
});
