/** External mounts through the real kernel mount, with real programs: what was paid equals what reached the service. */

import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { type CountingServer, countingServer, type Seen } from '../support/counting-server.ts';
import { type Daemon, type DaemonOptions, startDaemon } from '../support/daemon.ts';
import { fuseTest, needs } from '../support/need.ts';

const NAMES = Array.from({ length: 40 }, (_, i) => `item-${i}`);
const answer = ({ path }: Seen) => (path === '/' ? JSON.stringify(NAMES) : `this is ${path}\n`);
/** Everything but the layer under test, off. */
const OFF = { pid: { usd: 0 }, session: { usd: 0 }, uid: { usd: 0 }, velocity: 0 };

interface Mounted {
  readonly daemon: Daemon;
  readonly server: CountingServer;
  /** Calls paid at $0.001 each, as `aos cost` says. */
  paid(): Promise<number>;
}

async function mounted(t: ExecutionContext, flags = '', options: DaemonOptions = {}): Promise<Mounted> {
  const server = await countingServer(t, answer);
  const daemon = await startDaemon(t, { ...options, config: { budgets: OFF, ...Object(options.config) } });
  const made = await daemon.sh(
    `aos mount http --base-url=${server.url} --allow-private --ttl=0 ${flags} /aos/mnt/api && aos unlock /aos/mnt/api --duration=30m`,
  );
  if (made.code !== 0) throw new Error(made.stderr);
  return {
    daemon,
    server,
    async paid() {
      const { stdout } = await daemon.aos('cost', '--json');
      return Math.round(JSON.parse(stdout).total_usd * 1000);
    },
  };
}

fuseTest('cat asks once, and pays once', async t => {
  const { daemon, server, paid } = await mounted(t);
  const { stdout } = await daemon.sh('cat "$AOS_MOUNT"/mnt/api/item-1; stat "$AOS_MOUNT"/mnt/api/item-2 >/dev/null');
  t.is(stdout, 'this is /item-1\n');
  t.deepEqual([server.count(), await paid()], [1, 1]);
  t.is((await daemon.sh('cat "$AOS_MOUNT"/mnt/api/.aos/cost')).stdout, '0.001\n');
});

fuseTest('a path may be a file and a directory at once, and each use is one request', async t => {
  const { daemon, server, paid } = await mounted(t);
  const { stdout, stderr } = await daemon.sh(
    'cd "$AOS_MOUNT"/mnt/api; cat a/b/c; cat a/b; cat a; head -c 4 x/y; echo; cat < a/b; stat -c %F a a/b a.json',
  );
  t.is(
    stdout,
    'this is /a/b/c\nthis is /a/b\nthis is /a\nthis\nthis is /a/b\ndirectory\ndirectory\nregular empty file\n',
    stderr,
  );
  t.deepEqual([server.count(), await paid()], [5, 5]);
});

fuseTest('programs that read it and go on below it at the same time do not disturb each other', async t => {
  const { daemon, server } = await mounted(t);
  const { stdout, stderr } = await daemon.sh(
    'cd "$AOS_MOUNT"/mnt/api; for i in 1 2 3 4; do (for j in 1 2 3 4 5 6 7 8; do cat mix mix/$j; done) & done; wait',
  );
  t.deepEqual([stdout.split('\n').length - 1, stderr, server.count()], [64, '', 64]);
});

fuseTest('in a writable mount, what was read can be written and removed', async t => {
  const { daemon, server } = await mounted(t, '--writable --allow-delete');
  const { stderr } = await daemon.sh('cd "$AOS_MOUNT"/mnt/api; cat a/5; echo x > a/5; rm a/5; echo y > a/new');
  t.is(stderr, '');
  t.deepEqual(
    server.seen.map(one => `${one.method} ${one.path} ${one.body}`),
    ['GET /a/5 ', 'PUT /a/5 x\n', 'DELETE /a/5 ', 'POST /a y\n'],
  );
});

fuseTest(
  'a name that nobody has asked for is refused a change for what the mount is, not for what the name may be',
  async t => {
    const { daemon, server } = await mounted(t);
    const { stderr } = await daemon.sh(
      'cd "$AOS_MOUNT"/mnt/api; echo x > a; echo x >> a/b; echo x 1<> b/c; unlink d/d/d; truncate -s 0 e; mkdir f; touch g',
    );
    const lines = stderr.trimEnd().split('\n');
    t.is(lines.length, 7, stderr);
    for (const line of lines) t.regex(line, /: Read-only file system$/);
    t.is(server.count(), 0);
  },
);

fuseTest('in a writable mount it can be written without having been read', async t => {
  const { daemon, server } = await mounted(t, '--writable');
  const { stderr } = await daemon.sh('cd "$AOS_MOUNT"/mnt/api; echo x > a/b; unlink a/c');
  t.regex(stderr, /'a\/c': Operation not permitted\n$/);
  t.deepEqual(
    server.seen.map(one => `${one.method} ${one.path} ${one.body}`),
    ['PUT /a/b x\n'],
  );
});

fuseTest('the directory one is in is a directory', async t => {
  const { daemon, server } = await mounted(t);
  const { stdout, stderr } = await daemon.sh('cd "$AOS_MOUNT"/mnt/api/a && ls . ; grep -r x . ; cat b');
  t.is(stdout, 'this is /a/b\n');
  t.deepEqual(stderr.match(/: (Not a directory|Stale file handle)/g), [': Not a directory', ': Not a directory']);
  t.deepEqual(
    server.seen.map(one => one.path),
    ['/a', '/a', '/a/b'],
  );
});

fuseTest('grep -r reads the listing and each file once', async t => {
  const { daemon, server, paid } = await mounted(t);
  const { stdout } = await daemon.sh('grep -rh "this is" "$AOS_MOUNT"/mnt/api | sort | uniq | wc -l');
  t.is(stdout.trim(), '40');
  t.deepEqual(
    NAMES.map(name => server.count(`/${name}`)),
    NAMES.map(() => 1),
  );
  t.is(await paid(), server.count());
});

fuseTest('find -exec is a process for each file, and the session budget stops it all the same', async t => {
  const config = { budgets: { ...OFF, session: { usd: 0.02 } } };
  const { daemon, server, paid } = await mounted(t, '', { config });
  const { stdout, stderr } = await daemon.sh('find "$AOS_MOUNT"/mnt/api -name "item-*" -exec cat {} \\;');
  t.is(stdout.split('\n').length - 1 + server.count('/'), 20);
  t.regex(stderr, /Disk quota exceeded/);
  t.deepEqual([server.count(), await paid()], [20, 20]);
  t.regex((await daemon.aos('why')).stdout, /session budget of \$0\.02 has \$0\.02 spent/);
});

fuseTest('xargs -P8 spends no more than the limit of the mount', async t => {
  const { daemon, server, paid } = await mounted(t, '--limit=0.01/1h');
  const { stdout } = await daemon.sh('seq 60 | xargs -P8 -I{} cat "$AOS_MOUNT"/mnt/api/n-{} 2>/dev/null; true');
  t.is(stdout.split('\n').length - 1, 10);
  t.deepEqual([server.count(), await paid()], [10, 10]);
});

fuseTest('a lock lets nothing out, whatever the program is', async t => {
  const { daemon, server } = await mounted(t);
  await daemon.aos('lock', '/aos/mnt/api');
  const { stdout, stderr } = await daemon.sh(
    'cd "$AOS_MOUNT"/mnt/api; ls -A; cat .aos/locked; cat item-1; head -c1 item-2; cp item-3.txt /dev/null; setsid -w cat item-4',
  );
  t.is(stdout, '.aos\ntrue\n');
  t.is(stderr.match(/Permission denied/g)?.length, 4);
  t.is(server.count(), 0);
});

fuseTest('an indexer is refused by its name, lease or not', async t => {
  const { daemon, server } = await mounted(t);
  const { stderr } = await daemon.sh('cp /bin/cat ../updatedb && ../updatedb "$AOS_MOUNT"/mnt/api/item-1');
  t.regex(stderr, /Permission denied/);
  t.is(server.count(), 0);
});

needs(test.serial, { fuse: true, user: true })("one user's lease is not another's", async t => {
  const grants = {
    '1001': [
      { verbs: ['all'], path: '/aos/mnt/**' },
      { verbs: ['stat', 'list'], path: '/aos' },
    ],
  };
  const { daemon, server } = await mounted(t, '', { args: ['--allow-other'], config: { grants } });
  const other = await daemon.sh('ls -A "$AOS_MOUNT"/mnt/api; cat "$AOS_MOUNT"/mnt/api/item-1', { uid: 1001 });
  t.is(other.stdout, '.aos\n');
  t.regex(other.stderr, /Permission denied/);
  t.is(server.count(), 0);
  t.is((await daemon.sh('cat "$AOS_MOUNT"/mnt/api/item-1')).code, 0);
});

fuseTest('a mount, its secret and its lease are there after a restart; the secret is nowhere to be read', async t => {
  const { daemon, server } = await mounted(t, "--header='Authorization: Bearer s3cret-token'");
  const ask = 'cat "$AOS_MOUNT"/mnt/api/item-1';
  await daemon.sh(ask);
  await daemon.stop();
  await daemon.start();
  t.is((await daemon.sh(ask)).code, 0);
  t.deepEqual(
    server.seen.map(one => one.headers.authorization),
    ['Bearer s3cret-token', 'Bearer s3cret-token'],
  );
  const seen = await daemon.sh(
    'aos mount --list --json; aos mount --list; aos plugins --json; cat "$AOS_MOUNT"/mnt/api/.aos/*; cat "$AOS_MOUNT"/system/* 2>/dev/null; ps axww',
  );
  t.notRegex(seen.stdout + seen.stderr, /s3cret/);
  const files = readdirSync(daemon.home, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile());
  const holding = files
    .map(entry => join(entry.parentPath, entry.name))
    .filter(file => readFileSync(file, 'latin1').includes('s3cret'));
  t.deepEqual(holding, [join(daemon.home, 'mounts/secrets.json')]);
  t.is(statSync(holding[0] ?? '').mode & 0o777, 0o600);
});

fuseTest('umount takes away that mount alone, for good', async t => {
  const { daemon, server } = await mounted(t);
  t.is((await daemon.aos('umount', '/aos/mnt/api')).code, 0);
  t.is((await daemon.sh('ls -A "$AOS_MOUNT"/mnt; cat "$AOS_MOUNT"/mnt/api/item-1')).code, 1);
  // Its lease is gone with it: the next mount there is as locked as any.
  await daemon.sh(`aos mount http --base-url=${server.url} --allow-private /aos/mnt/api`);
  t.is((await daemon.sh('cat "$AOS_MOUNT"/mnt/api/.aos/locked')).stdout, 'true\n');
  t.is((await daemon.aos('umount', '/aos/mnt/api')).code, 0);
  t.is((await daemon.aos('status')).code, 0);
  await daemon.stop();
  await daemon.start();
  t.is((await daemon.aos('mount', '--list', '--json')).stdout, '[]\n');
  const again = await daemon.aos('umount', '/aos/mnt/api');
  t.deepEqual(
    [again.code, again.stderr],
    [1, 'mounts: /aos/mnt/api: nothing is mounted there; see: aos mount --list\n'],
  );
});

fuseTest('a file of your own is a mount, and is one again after a restart', async t => {
  const server = await countingServer(t, ({ path }) => (path === '/symbols' ? '["ACME"]' : '12.30'));
  const daemon = await startDaemon(t);
  const source = readFileSync(join(import.meta.dirname, '../../plugin-sdk/examples/quotes.ts'), 'utf8');
  const file = join(dirname(daemon.home), 'quotes.ts');
  writeFileSync(file, source.replace("'../index.ts'", "'agent-os/plugin-sdk'"));
  const help = await daemon.sh('cd .. && aos mount ./quotes.ts --help');
  t.regex(help.stdout, /--base <url> +Where the service answers \(needed\)/);
  const made = await daemon.sh(
    `cd .. && aos mount ./quotes.ts --base=${server.url} /aos/mnt/quotes && aos unlock /aos/mnt/quotes --duration=30m`,
  );
  t.is(made.code, 0, made.stderr);
  const read = 'cd "$AOS_MOUNT"/mnt/quotes && ls && cat ACME/price';
  t.is((await daemon.sh(read)).stdout, 'ACME\n12.30\n');
  await daemon.stop();
  await daemon.start();
  t.is((await daemon.sh(read)).stdout, 'ACME\n12.30\n');
  writeFileSync(file, 'export default 1;\n');
  await daemon.stop();
  await daemon.start();
  t.regex((await daemon.aos('mount', '--list')).stdout, /quotes\.ts.*its default export is no mount/);
  t.regex((await daemon.sh('cat "$AOS_MOUNT"/mnt/quotes/.aos/error')).stdout, /its default export is no mount/);
  t.is((await daemon.aos('umount', '/aos/mnt/quotes')).code, 0);
});

fuseTest('what is typed wrong is said in one sentence, and nothing is made', async t => {
  const daemon = await startDaemon(t, { fuse: false });
  const said = async (line: string): Promise<string> => {
    const { code, stderr } = await daemon.sh(line);
    return `${code} ${stderr}`;
  };
  t.regex(await said('aos mount htpp /aos/mnt/x'), /^2 mounts: .*no kind of mount "htpp"; there are: http/);
  t.regex(await said('aos mount http --base-ulr http://x /aos/mnt/x'), /^2 .*--base-url/);
  t.regex(
    await said('aos mount http /aos/mnt/x'),
    /^2 http: \/aos\/mnt\/x: --base-url <url> is missing; give it, or set AOS_HTTP_BASE_URL/,
  );
  t.regex(
    await said('aos mount http --base-url=http://x --price=-1 /aos/mnt/x'),
    /^2 http: \/aos\/mnt\/x: --price "-1"/,
  );
  t.regex(await said('aos mount http --base-url=http://x /aos/memory/x'), /^2 mounts: .*right below \/aos\/mnt/);
  t.regex(await said('aos mount ./none.ts /aos/mnt/x'), /^2 mounts: .*none\.ts: there is no such file/);
  t.regex(await said('aos mount'), /^2 aos mount: it needs a kind of mount/);
  t.is((await daemon.aos('mount', '--list', '--json')).stdout, '[]\n');
});
