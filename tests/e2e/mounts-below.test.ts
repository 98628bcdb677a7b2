/** Below a name that was listed as a file, or read as one, there may be more: what is there is reached through the kernel mount. */

import type { ExecutionContext } from 'ava';
import { type CountingServer, countingServer, type Seen } from '../support/counting-server.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { fuseTest } from '../support/need.ts';

const LISTED = ['users', 'posts', 'note.txt'];
const answer = ({ path }: Seen) => (path === '/' ? JSON.stringify(LISTED) : `this is ${path}\n`);

async function mounted(t: ExecutionContext, flags = ''): Promise<{ daemon: Daemon; server: CountingServer }> {
  const server = await countingServer(t, answer);
  const daemon = await startDaemon(t);
  const made = await daemon.sh(
    `aos mount http --base-url=${server.url} --allow-private --ttl=0 ${flags} /aos/mnt/a && aos unlock /aos/mnt/a --duration=30m`,
  );
  if (made.code !== 0) throw new Error(made.stderr);
  return { daemon, server };
}

const paths = (server: CountingServer): string[] => server.seen.map(({ method, path }) => `${method} ${path}`);

fuseTest('after ls, a longer path goes on below a listed name, however deep and from wherever', async t => {
  const { daemon, server } = await mounted(t);
  const { stdout, stderr } = await daemon.sh(`
    cd "$AOS_MOUNT"/mnt; ls a >/dev/null
    cat a/users/1 "$AOS_MOUNT"/mnt/a/posts/7/comments/2
    cat a/users/1; cd a/users; cat 2; cat ../posts/8; cat ../note.txt`);
  t.is(stderr, '');
  t.deepEqual(
    stdout.match(/\/\S+/g),
    ['users/1', 'posts/7/comments/2', 'users/1', 'users/2', 'posts/8', 'note.txt'].map(name => `/${name}`),
  );
  t.is(server.count(), 7);
});

fuseTest('in a writable mount, what was read as a file is gone on below, read and written', async t => {
  const { daemon, server } = await mounted(t, '--writable --allow-delete');
  const { stderr } = await daemon.sh(
    'cd "$AOS_MOUNT"/mnt/a; cat users; cat users/1; echo x > users/2; cat users; ls . >/dev/null; echo y > posts/3; rm posts/3',
  );
  t.is(stderr, '');
  t.deepEqual(paths(server), [
    'GET /users',
    'GET /users/1',
    'PUT /users/2',
    'GET /users',
    'GET /',
    'PUT /posts/3',
    'DELETE /posts/3',
  ]);
});

fuseTest('what was listed stays a file to whoever looks at it', async t => {
  const { daemon } = await mounted(t);
  const { stdout, stderr } = await daemon.sh(`
    cd "$AOS_MOUNT"/mnt/a; find . -type f -not -path './.aos*' | sort; stat -c %F users; cat *; grep -rhc this . --exclude-dir=.aos`);
  t.is(stderr, '');
  t.deepEqual(stdout.trim().split('\n'), [
    ...['./note.txt', './posts', './users', 'regular empty file'],
    ...['this is /note.txt', 'this is /posts', 'this is /users'],
    ...['1', '1', '1'],
  ]);
});
