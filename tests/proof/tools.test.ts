/** Programs that know nothing of money, on a paid mount: each is stopped by the layer that is there for it, at the cent. */

import test from 'ava';
import type { Seen } from '../support/counting-server.ts';
import { fuseTest, needs } from '../support/need.ts';
import { done, type Paid, PRICE, paid, spentOnApi } from './paid.ts';

const NAMES = Array.from({ length: 60 }, (_, i) => `item-${i}`);
const answer = ({ path }: Seen) => (path === '/' ? JSON.stringify(NAMES) : `this is ${path}\n`);
const usd = (operations: number) => (operations * PRICE) / 1e6;

/** What was paid is what reached the service, and this often. */
async function reached(world: Paid): Promise<number> {
  const { micros, operations } = await spentOnApi(world.daemon);
  const seen = world.server.count();
  if (micros !== seen * PRICE || operations !== seen) {
    throw new Error(`${seen} requests were seen; paid were ${micros} micro-dollars for ${operations}`);
  }
  return seen;
}

async function why({ daemon }: Paid): Promise<string> {
  const [last] = JSON.parse(await done(daemon, 'why', '-n', '1', '--json'));
  return `${last.why}; ${last.remedy}`;
}

fuseTest('grep -r is one process: its own budget stops it', async t => {
  const world = await paid(t, { answer, budgets: { pid: { usd: usd(10), per: '60s' } } });
  const { stdout, stderr } = await world.daemon.sh(`grep -r "this is" ${world.dir}`);
  t.is(stdout.split('\n').length - 1, 9, 'and one listing');
  t.regex(stderr, /Disk quota exceeded/);
  t.is(await reached(world), 10);
  t.regex(await why(world), /^the pid budget of \$0\.01 in 1m has \$0\.01 spent.*resets in .*aos unlock/);
});

fuseTest('a session for each process, without a terminal, is stopped by the budget of the user', async t => {
  const world = await paid(t, { answer, budgets: { session: { usd: usd(2) }, uid: { usd: usd(12), per: '1h' } } });
  const { stdout } = await world.daemon.sh(
    `for i in $(seq 20); do setsid -w cat ${world.dir}/item-$i < /dev/null 2> /dev/null; done; true`,
  );
  t.is(stdout.split('\n').length - 1, 12);
  t.is(await reached(world), 12);
});

fuseTest('as the layers are by default, each stops what it is for: find -exec is a process for each file', async t => {
  const world = await paid(t, { answer, budgets: 'standard', flags: ['--price=0.02'] });
  const grep = await world.daemon.sh(`grep -rh "this is" ${world.dir}`);
  t.is(grep.stdout.split('\n').length - 1, 4, '$0.10 for one process: a listing and four files');
  const find = await world.daemon.sh(`find ${world.dir} -name 'item-*' -exec cat {} \\;`);
  t.is(find.stdout.split('\n').length - 1, 44, '$1.00 for one user in a minute');
  t.regex(await why(world), /^the uid budget of \$1\.00 in 1m has \$1\.00 spent/);
  t.is(world.server.count(), 50);
  t.is(JSON.parse(await done(world.daemon, 'cost', '--json')).total_usd, 1);
});

needs(test.serial, { fuse: true, user: true })('two users: each pays from a budget of its own', async t => {
  const uid = 1001;
  const all = [{ verbs: ['all'], path: '/aos/**' }];
  const world = await paid(t, {
    answer,
    args: ['--allow-other'],
    budgets: { uid: { usd: usd(5), per: '1h' } },
    grants: { [uid]: all },
  });
  const { daemon, dir } = world;
  const loop = (name: string) => `for i in 1 2 3 4 5 6 7 8; do cat ${dir}/${name}-$i 2> /dev/null; done; true`;
  const locked = await daemon.sh(loop('theirs'), { uid });
  t.is(locked.stdout, '', "one user's lease is not another's");
  const lease = { path: '/aos/mnt/api', duration_ms: 600_000, scope: 'uid' };
  await daemon.sh(`exec 3<> ${daemon.mount}/system/unlock; printf '%s' '${JSON.stringify(lease)}' >&3; cat <&3`, {
    uid,
  });
  const [mine, theirs] = await Promise.all([daemon.sh(loop('mine')), daemon.sh(loop('theirs'), { uid })]);
  t.deepEqual(
    [mine, theirs].map(({ stdout }) => stdout.split('\n').length - 1),
    [5, 5],
  );
  t.is(await reached(world), 10);
  const { by } = JSON.parse(await done(daemon, 'cost', '--by=uid', '--json'));
  t.deepEqual(
    by.map((row: { key: string; operations: number }) => [row.key, row.operations]),
    [
      [String(process.getuid?.() ?? 0), 5],
      [String(uid), 5],
    ],
  );
});
