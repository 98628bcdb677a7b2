/** A writable web service through the kernel mount, with the programs that people write files with. */

import type { ExecutionContext } from 'ava';
import { countingServer, type Seen } from '../support/counting-server.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { fuseTest } from '../support/need.ts';
import { until } from '../support/until.ts';

interface Mounted {
  readonly daemon: Daemon;
  /** What the service keeps, by path. */
  readonly kept: Map<string, string>;
  /** `METHOD path body` of the first requests since this was asked last, once there are so many. */
  sent(count: number): Promise<string[]>;
}

async function writable(t: ExecutionContext): Promise<Mounted> {
  const kept = new Map<string, string>();
  const answer = ({ method, path, body }: Seen) => {
    if (method === 'PUT') kept.set(path, body);
    return kept.get(path);
  };
  const server = await countingServer(t, answer);
  const daemon = await startDaemon(t);
  const made = await daemon.sh(
    `aos mount http --base-url=${server.url} --allow-private --writable /aos/mnt/a && aos unlock /aos/mnt/a --duration=30m`,
  );
  if (made.code !== 0) throw new Error(made.stderr);
  return {
    daemon,
    kept,
    async sent(count) {
      // What was only cut is put when the kernel lets go of the file, which nobody waits for.
      await until(`${count} requests have come`, () => server.count() >= count);
      const all = server.seen.map(({ method, path, body }) => `${method} ${path} ${body}`.trim());
      server.reset();
      return all;
    },
  };
}

const inside = 'cd "$AOS_MOUNT"/mnt/a && ';

/** What is run, and what reaches the service. Each name is fresh. */
const WAYS: readonly [what: string, script: string, sent: readonly string[]][] = [
  ['echo >>', 'echo x >> f1.txt', ['GET /f1.txt', 'PUT /f1.txt x']],
  ['echo >> of a name without an extension', 'echo x >> f2', ['GET /f2', 'PUT /f2 x']],
  ['dd conv=notrunc', 'echo x | dd of=f3.txt conv=notrunc status=none', ['GET /f3.txt', 'PUT /f3.txt x']],
  ['truncate -s 0', 'truncate -s 0 f4.txt', ['GET /f4.txt', 'PUT /f4.txt']],
  [': >', ': > f5.txt', ['PUT /f5.txt']],
  ['cp /dev/null', 'cp /dev/null f6.txt', ['PUT /f6.txt']],
  ['touch', 'touch f7.txt', ['GET /f7.txt', 'PUT /f7.txt']],
  [
    'rsync --inplace',
    'echo x > ../../../r; rsync --inplace ../../../r f8.txt',
    ['GET /f8.txt', 'GET /f8.txt', 'PUT /f8.txt x'],
  ],
  ['the shell over the tree', "aos sh -c 'echo x >> /aos/mnt/a/f9.txt'", ['GET /f9.txt', 'PUT /f9.txt x']],
  ['its touch', "aos sh -c 'touch /aos/mnt/a/f10.txt'", ['GET /f10.txt', 'PUT /f10.txt']],
];

fuseTest('what is not there is made, however it is written', async t => {
  const { daemon, sent } = await writable(t);
  for (const [what, script, expected] of WAYS) {
    const { code, stderr } = await daemon.sh(inside + script);
    t.deepEqual([code, stderr], [0, ''], what);
    t.deepEqual(await sent(expected.length), expected, what);
  }
});

fuseTest('what is there is added to, and touched without a change', async t => {
  const { daemon, kept, sent } = await writable(t);
  kept.set('/log.txt', 'one\n');
  const { stderr } = await daemon.sh(`${inside} echo two >> log.txt; touch log.txt`);
  t.is(stderr, '');
  t.is(kept.get('/log.txt'), 'one\ntwo\n');
  t.deepEqual(await sent(3), ['GET /log.txt', 'PUT /log.txt one\ntwo', 'GET /log.txt']);
});
