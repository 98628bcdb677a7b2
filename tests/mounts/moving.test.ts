/** mv(1) in a writable web service, through the kernel mount: it copies and removes, as between two file systems. */

import { countingServer, type Seen } from '../support/counting-server.ts';
import { startDaemon } from '../support/daemon.ts';
import { fuseTest } from '../support/need.ts';

fuseTest('mv moves a file in a web service, also over another; mkdir is refused and asks nobody', async t => {
  const kept = new Map([
    ['/a.txt', 'one'],
    ['/b.txt', 'two'],
  ]);
  const server = await countingServer(t, ({ method, path, body }: Seen) => {
    if (method === 'PUT') kept.set(path, body);
    const found = kept.get(path);
    if (method === 'DELETE') kept.delete(path);
    return found;
  });
  const daemon = await startDaemon(t);
  const flags = '--allow-private --writable --allow-delete --ttl=0';
  const made = `aos mount http --base-url=${server.url} ${flags} /aos/mnt/w && aos unlock /aos/mnt/w --duration=5m`;
  t.is((await daemon.sh(made)).code, 0);
  const inside = (script: string) => daemon.sh(`cd "$AOS_MOUNT/mnt/w" && ${script}`);
  t.regex((await inside('mkdir d')).stderr, /Operation not permitted/);
  t.is(server.count(), 0);
  const moved = await inside('mv a.txt b.txt && mv b.txt c.txt && cat c.txt');
  t.like(moved, { code: 0, stdout: 'one', stderr: '' });
  t.deepEqual([...kept], [['/c.txt', 'one']]);
});
