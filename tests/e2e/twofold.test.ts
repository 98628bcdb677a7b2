/** Names that are a file and a directory at once, as programs meet them that the daemon cannot see through or must not trust. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { type CountingServer, countingServer } from '../support/counting-server.ts';
import { type Daemon, type DaemonOptions, startDaemon } from '../support/daemon.ts';
import { fuseTest, needs } from '../support/need.ts';

async function mounted(
  t: ExecutionContext,
  options: DaemonOptions = {},
): Promise<{ daemon: Daemon; server: CountingServer }> {
  const server = await countingServer(t, ({ path }) => `this is ${path}\n`);
  const daemon = await startDaemon(t, options);
  const { code, stderr } = await daemon.sh(
    `aos mount http --base-url=${server.url} --allow-private --ttl=0 --writable --price=0 /aos/mnt/api && aos unlock /aos/mnt/api --duration=30m`,
  );
  if (code !== 0) throw new Error(stderr);
  return { daemon, server };
}

fuseTest('reading them leaves nothing in the log', async t => {
  const { daemon } = await mounted(t);
  const { stdout } = await daemon.sh('cd "$AOS_MOUNT"/mnt/api; for i in 1 2 3 4 5; do cat a/$i a; done');
  t.is(stdout.split('\n').length, 11);
  t.notRegex(readFileSync(join(daemon.home, 'log/daemon.log'), 'utf8'), /wanted as a file|"level":"(warn|error)"/);
});

fuseTest('names that repeat on the way are told apart, wherever the path begins', async t => {
  const { daemon, server } = await mounted(t);
  const { stderr } = await daemon.sh(`cd "$AOS_MOUNT"/mnt/api/x && echo 1 > x/x && echo 2 > ../x/../x/x
    cd .. && echo 3 > x/x/x && echo 4 > "$AOS_MOUNT"/mnt/api/x/x && echo 5 > ../api/y`);
  t.is(stderr, '');
  t.deepEqual(
    server.seen.map(({ path, body }) => `${path} ${body.trim()}`),
    ['/x/x/x 1', '/x/x 2', '/x/x/x 3', '/x/x 4', '/y 5'],
  );
});

/**
 * Opens a path whose text ends in a page of a file of this very mount, which is gone from memory by the time the daemon looks: it would have to
 * serve itself.
 */
const OWN_PAGE = `import ctypes, os, signal, sys, threading
daemon, holder, target = int(sys.argv[1]), sys.argv[2], sys.argv[3].encode()
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
at = 4096 - 4
with open(holder, 'wb') as file: file.write(bytes(at) + target + bytes(8192))
fd = os.open(holder, os.O_RDONLY)
text = libc.mmap(None, ctypes.c_size_t(8192), 1, 2, fd, ctypes.c_long(0))
assert ctypes.string_at(text + at) == target
def state(file, wanted):
    while not any(open(file).read().split(') ')[-1].startswith(one) for one in wanted): pass
said = []
def act():
    result = libc.open(ctypes.c_void_p(text + at), os.O_WRONLY | os.O_TRUNC)
    said.append(os.strerror(ctypes.get_errno()) if result < 0 else os.write(result, b'through'))
    if result >= 0: os.close(result)
thread = threading.Thread(target=act)
os.kill(daemon, signal.SIGSTOP)
state(f'/proc/{daemon}/stat', ['T'])
thread.start()
state(f'/proc/self/task/{thread.native_id}/syscall', ['2 ', '257 ', '56 '])
libc.madvise(ctypes.c_void_p(text), ctypes.c_size_t(8192), 4)
os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
seen = ctypes.create_string_buffer(2)
libc.mincore(ctypes.c_void_p(text), ctypes.c_size_t(8192), seen)
os.kill(daemon, signal.SIGCONT)
thread.join()
print(list(seen.raw), said)`;

needs(test.serial, { fuse: true, command: 'python3' })(
  'a path that lies in a file of the mount itself holds nobody up',
  async t => {
    const { daemon, server } = await mounted(t);
    writeFileSync(join(daemon.home, 'own.py'), OWN_PAGE);
    const { stdout, stderr } = await daemon.sh(
      `python3 "$AOS_HOME"/own.py ${daemon.pid} "$AOS_MOUNT"/memory/holder "$AOS_MOUNT"/mnt/api/target`,
      { deadline: 15_000 },
    );
    t.is(stdout, '[0, 0] [7]\n', stderr);
    t.deepEqual(
      server.seen.map(one => `${one.method} ${one.path} ${one.body}`),
      ['PUT /target through'],
    );
  },
);
