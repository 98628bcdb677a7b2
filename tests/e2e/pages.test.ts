/** A listing that was cut, through the real kernel mount and the command line. */

import type { ExecutionContext } from 'ava';
import { countingServer, type Seen } from '../support/counting-server.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { fuseTest } from '../support/need.ts';

const NAMES = Array.from({ length: 2300 }, (_, i) => `item-${i}`);
const FREE = { pid: { usd: 0 }, session: { usd: 0 }, uid: { usd: 0 }, global: { usd: 0 }, velocity: 0 };

async function mounted(t: ExecutionContext, ttl: string) {
  const lists: Record<string, string> = { '/': '["many/"]', '/many': JSON.stringify(NAMES), '/few': '["a","b"]' };
  const answer = ({ path }: Seen) => lists[path] ?? `${path} itself\n`;
  const server = await countingServer(t, answer);
  const daemon = await startDaemon(t, { config: { budgets: FREE } });
  const made = await daemon.sh(
    `aos mount http --base-url=${server.url} --allow-private --ttl=${ttl} /aos/mnt/api && aos unlock /aos/mnt/api --duration=30m --scope=uid`,
  );
  if (made.code !== 0) throw new Error(made.stderr);
  return { daemon, server };
}

/** Calls paid at $0.001 each. */
async function paid(daemon: Daemon): Promise<number> {
  return Math.round(JSON.parse((await daemon.aos('cost', '--json')).stdout).total_usd * 1000);
}

const lines = (text: string): string[] => text.split('\n').filter(line => line !== '');

fuseTest('ls says that it was cut and how to go on, to the last name', async t => {
  const { daemon, server } = await mounted(t, '0');
  const seen: string[] = [];
  let command: string | undefined = 'aos ls /aos/mnt/api/many';
  const sizes: number[] = [];
  while (command !== undefined) {
    const { code, stdout, stderr } = await daemon.sh(command);
    t.is(code, 0, stderr);
    seen.push(...lines(stdout));
    sizes.push(lines(stdout).length);
    const said = /^aos ls: \/aos\/mnt\/api\/many: the listing was cut; go on with: (aos ls --cursor=\S+ \S+)\n$/;
    command = said.exec(stderr)?.[1];
    if (command === undefined) t.is(stderr, '');
  }
  t.deepEqual([sizes, seen.sort()], [[1000, 1000, 300], [...NAMES].sort()]);
  t.deepEqual([server.count(), await paid(daemon)], [3, 3]);
});

fuseTest('programs see the first page and .more.json, which asks nobody, and every name can be read', async t => {
  const { daemon, server } = await mounted(t, '60s');
  const { stdout } = await daemon.sh(`cd "$AOS_MOUNT"/mnt/api
    cat many/.more.json; ls -A few; ls -A many | wc -l; ls -A many | head -n 1; cat many/item-2299
    cat many/.more.json; stat -c '%s %F' many/.more.json; wc -c < many/.more.json; cat few/.more.json`);
  const [few1, few2, count, more, last, json = '', stat, bytes, ...rest] = lines(stdout);
  t.deepEqual([few1, few2, count, more, last, rest], ['a', 'b', '1001', '.more.json', '/many/item-2299 itself', []]);
  const { next, ...said } = JSON.parse(json);
  t.deepEqual([said, stat, bytes], [{ has_more: true }, `${json.length + 1} regular file`, String(json.length + 1)]);
  t.deepEqual([server.count(), await paid(daemon)], [3, 3]);
  await daemon.aos('lock', '/aos/mnt/api');
  t.is((await daemon.sh('cat "$AOS_MOUNT"/mnt/api/many/.more.json')).stdout, `${json}\n`);
  const refused = await daemon.aos('ls', '--cursor', next, '/aos/mnt/api/many');
  t.deepEqual([refused.code, refused.stdout], [1, '']);
  t.regex(refused.stderr, /it is locked/);
  t.is(server.count(), 3);
});

fuseTest('grep -r reads the first page once, and what it was told of the rest', async t => {
  const { daemon, server } = await mounted(t, '0');
  const { stdout, stderr } = await daemon.sh('grep -rl "itself\\|has_more" "$AOS_MOUNT"/mnt/api | sort');
  const found = lines(stdout);
  t.is(stderr, '');
  t.deepEqual([found.length, found[0]], [1001, `${daemon.mount}/mnt/api/many/.more.json`]);
  t.deepEqual([server.count('/many'), server.count() - server.count('/')], [1, 1001]);
  t.is(await paid(daemon), server.count());
});

fuseTest('for scripts --json is a list as ever, with the cursor in .more.json', async t => {
  const { daemon, server } = await mounted(t, '60s');
  const first = JSON.parse((await daemon.aos('ls', '--json', '/aos/mnt/api/many')).stdout);
  const { next } = JSON.parse((await daemon.aos('cat', '/aos/mnt/api/many/.more.json')).stdout);
  t.deepEqual(first[0], { name: '.more.json', kind: 'value', next });
  t.deepEqual([first.length, first[1]], [1001, { name: 'item-0', kind: 'value' }]);
  const second = await daemon.aos('ls', '--json', '-l', '--cursor', next, '/aos/mnt/api/many');
  const after = JSON.parse((await daemon.aos('cat', '/aos/mnt/api/many/.more.json')).stdout);
  t.not(after.next, next);
  t.like(JSON.parse(second.stdout)[0], { name: '.more.json', kind: 'value', next: after.next });
  t.regex(second.stderr, new RegExp(`go on with: aos ls -l --json --cursor=${after.next} /aos/mnt/api/many\n$`));
  const third = await daemon.aos('ls', '--cursor', after.next, '/aos/mnt/api/many');
  t.deepEqual([lines(third.stdout).length, third.stderr], [300, '']);
  t.regex((await daemon.aos('cat', '/aos/mnt/api/many/.more.json')).stderr, /no such|was whole/);
  t.deepEqual([server.count(), await paid(daemon)], [1, 1]);
});

fuseTest('a cursor that is none is one sentence, before anything is asked', async t => {
  const { daemon, server } = await mounted(t, '0');
  for (const [cursor, path, why] of [
    ['1000', '/aos/mnt/api/many', /^http: \/aos\/mnt\/api\/many: the cursor is none that .*\n$/],
    ['-abc', '/aos/mnt/api', /the cursor is none that/],
    ['', '/aos/mnt/api/few', /the cursor is none that/],
    [
      'x',
      '/aos/memory',
      /^core: \/aos\/memory: it is not listed in pages, so it has no cursors; list it without one\n$/,
    ],
    ['x', '/aos/system/status', /it is not listed in pages/],
  ] as const) {
    const { code, stdout, stderr } = await daemon.aos('ls', '--cursor', cursor, path);
    t.deepEqual([code, stdout], [2, ''], path);
    t.regex(stderr, why);
  }
  const several = await daemon.aos('ls', '--cursor=x', '/aos/mnt/api/many', '/aos/mnt/api/few', '--json');
  t.like(JSON.parse(several.stdout), { error: { kind: 'usage', errno: 'EINVAL', why: '--cursor takes one path' } });
  t.is(several.code, 2);
  t.deepEqual([server.count(), await paid(daemon)], [0, 0]);
});
