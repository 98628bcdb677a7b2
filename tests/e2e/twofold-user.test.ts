/** An ordinary user's daemon that serves others too: it may see what its own user's programs are about to do, and not what others' are. */

import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { command } from '../support/command.ts';
import { countingServer } from '../support/counting-server.ts';
import { tmpDir } from '../support/dirs.ts';
import { missing } from '../support/need.ts';

const ROOT = dirname(dirname(import.meta.dirname));
const OWNER = 65534;
const OTHER = 1001;

/** A mount namespace in which everybody may open /dev/fuse and let others in: nothing of it is seen outside, or outlives it. */
const NAMESPACE = `
  mkdir "$D/dev" && mount -t tmpfs -o mode=755 none "$D/dev" && mknod -m 666 "$D/dev/fuse" c 10 229 &&
  mount --bind "$D/dev/fuse" /dev/fuse && echo user_allow_other > "$D/dev/conf" && mount --bind "$D/dev/conf" /etc/fuse.conf || exit 99
  as() { setpriv --reuid=$1 --regid=$1 --clear-groups sh -c "$2"; }
`;

const can =
  missing({ fuse: true, user: true, command: ['unshare', 'fusermount3'] }) === undefined &&
  spawnSync('setpriv', [`--reuid=${OWNER}`, `--regid=${OWNER}`, '--clear-groups', join(ROOT, 'bin/aos'), '--version'])
    .status === 0 &&
  spawnSync('unshare', ['-m', 'sh', '-c', 'mount --bind /dev/null /etc/fuse.conf && mount -t tmpfs none /mnt'])
    .status === 0;

const userTest = can ? test.serial : test.serial.skip;

userTest('the owner writes a name that nobody has read; for another user it is a directory until then', async t => {
  const server = await countingServer(t, ({ path }) => `this is ${path}\n`);
  const dir = tmpDir(t);
  const home = join(dir, 'home');
  mkdirSync(home);
  chownSync(home, OWNER, OWNER);
  for (const open of [dir, home]) chmodSync(open, 0o755);
  const config = join(dir, 'aos.config.yaml');
  writeFileSync(config, JSON.stringify({ grants: { [OTHER]: [{ verbs: ['all'], path: '/aos/**' }] } }));
  chmodSync(config, 0o644);
  const script = `${NAMESPACE}
    as ${OWNER} 'cd; aos-mount --allow-other >/dev/null && aos mount http --base-url=${server.url} --allow-private --writable --ttl=0 --price=0 /aos/mnt/api >/dev/null' || exit 1
    as ${OWNER} 'aos unlock /aos/mnt/api --duration=5m > /dev/null; echo own > ~/aos/mnt/api/a/b && echo written'
    as ${OTHER} 'echo other > "$HOME"/aos/mnt/api/c; echo $?'
    as ${OTHER} 'echo fact > "$HOME"/aos/memory/note && cat "$HOME"/aos/memory/note'
    as ${OWNER} 'aos umount > /dev/null'`;
  const env = {
    D: dir,
    HOME: home,
    AOS_CONFIG: config,
    AOS_PROBE: '0',
    PATH: `${join(ROOT, 'bin')}:${process.env.PATH}`,
  };
  const { stdout, stderr } = await command('unshare', ['-m', 'sh', '-c', script], { env, cwd: '/', deadline: 40_000 });
  t.is(stdout, 'written\n2\nfact\n', stderr);
  t.regex(stderr, /api\/c: Is a directory/);
  t.deepEqual(
    server.seen.map(one => `${one.method} ${one.path}`),
    ['PUT /a/b'],
  );
});
