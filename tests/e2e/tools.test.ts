/** What ordinary tools rely on in memory/ and conversations/: the numbers that stat gives, sparse files, locks and mappings. */

import test from 'ava';
import { fuseTest, needs } from '../support/need.ts';
import { ok, shareDaemon } from './shared.ts';

const UID = 1001;
const daemon = shareDaemon({
  args: ['--allow-other'],
  config: {
    grants: {
      [UID]: [
        { verbs: ['all'], path: '/aos/memory/theirs/**' },
        { verbs: ['stat', 'list', 'read'], path: '/aos/memory/seen/**' },
      ],
    },
  },
});
const at = (script: string): string => `cd "$AOS_MOUNT"/memory && ${script}`;

fuseTest('a sparse file takes the space it takes on the disk, and a copy of it no more', async t => {
  const script = 'truncate -s 64M sparse && stat -c "%s %b" sparse && du -k sparse | cut -f1 && cp sparse copy';
  t.is(
    await ok(daemon(), at(`${script} && stat -c "%s" copy && du -k copy | cut -f1`)),
    '67108864 0\n0\n67108864\n0\n',
  );
  const body = at('echo x > one && stat -c "%b" one "$AOS_HOME"/memory/one && rm sparse copy');
  const [through, onDisk] = (await ok(daemon(), body)).split('\n');
  t.is(through, onDisk);
});

needs(test.serial, { fuse: true, user: true })('links of a directory tell nobody what is withheld in it', async t => {
  await ok(daemon(), at('mkdir -p seen/d theirs hidden-one hidden-two && chmod 777 theirs'));
  const script = 'ls; stat -c %h . seen; find . -name d';
  const { stdout, stderr } = await daemon().sh(at(script), { uid: UID });
  t.is(stdout, 'seen\ntheirs\n1\n1\n./seen/d\n', stderr);
  t.is(await ok(daemon(), at('stat -c %h . && echo x > two && ln two three && stat -c %h three')), '1\n2\n');
});

/** Each line fails aloud where the kernel, told wrong, would. */
const LOCKS_AND_MAPS = `import fcntl, mmap, os, subprocess, sys, tempfile
again = 'import fcntl, sys; fcntl.%s(open("lock", "w"), fcntl.LOCK_EX | fcntl.LOCK_NB)'
for kind in ('lockf', 'flock'):
    with open('lock', 'w') as lock:
        getattr(fcntl, kind)(lock, fcntl.LOCK_EX)
        assert b'BlockingIOError' in subprocess.run([sys.executable, '-c', again % kind], capture_output=True).stderr
    subprocess.run([sys.executable, '-c', again % kind], check=True)
with open('map', 'w+b', buffering=0) as file:
    file.truncate(8192)
    view = mmap.mmap(file.fileno(), 8192)
    view[8000:8003] = b'end'
    view.flush()
    assert os.pread(file.fileno(), 3, 8000) == b'end'
    os.pwrite(file.fileno(), b'new', 0)
    assert view[0:3] == b'new'
with tempfile.TemporaryFile(dir='.') as file:
    file.write(b'x'); file.seek(0)
    assert file.read() == b'x'
os.replace('map', 'lock')
assert open('lock', 'rb').read()[8000:8003] == b'end'
one, two = (os.open('app', os.O_WRONLY | os.O_CREAT | os.O_APPEND) for _ in range(2))
for fd, text in ((one, b'one'), (two, b'two'), (one, b'three')): os.write(fd, text)
assert (os.lseek(one, 0, os.SEEK_CUR), open('app').read()) == (11, 'onetwothree')
os.utime('app', (-5, -7.5))
assert os.stat('app').st_mtime == -7.5
print('done')`;

for (const uid of [0, UID]) {
  needs(test.serial, { fuse: true, user: true, command: 'python3' })(
    `locks, mappings and appending work for user ${uid}`,
    async t => {
      await ok(daemon(), at('mkdir -p theirs && chmod 777 theirs'));
      const script = at(`cd theirs && mkdir u${uid} && cd u${uid} && PATH=/usr/bin:/bin exec python3 -`);
      const { stdout, stderr } = await daemon().sh(script, { uid, input: LOCKS_AND_MAPS });
      t.is(stdout, 'done\n', stderr);
    },
  );
}

needs(test.serial, { fuse: true, user: true, command: 'sqlite3' })(
  'sqlite keeps a write-ahead log for any user',
  async t => {
    await ok(daemon(), at('mkdir -p theirs && chmod 777 theirs'));
    const script = at(
      'cd theirs && sqlite3 db "pragma journal_mode=wal; create table t(a); insert into t values(1),(2); select sum(a) from t;"',
    );
    t.is((await daemon().sh(script, { uid: UID })).stdout, 'wal\n3\n');
  },
);
