/** However many callers race, they never overspend together. */

import { spawn } from 'node:child_process';
import { atEnd, type Teardown } from '../support/ending.ts';
import { fuseTest } from '../support/need.ts';
import { until } from '../support/until.ts';
import { errnoName } from './errno.ts';
import { done, type Paid, PRICE, paid, spentOnApi } from './paid.ts';

const PROCESSES = 50;
const READS_EACH = 20;
const ALLOWED = 100;
const LIMIT_USD = (ALLOWED * PRICE) / 1e6;

/** Says it is ready, waits for its input to end, then reads all the files at once, and says of each what became of it. */
const CLIENT = `
const { readFile } = require('node:fs').promises;
process.stdout.write('ready ');
require('node:fs').readSync(0, Buffer.alloc(1));
Promise.all(process.argv.slice(1).map(file => readFile(file).then(() => 0, error => error.errno)))
  .then(all => process.stdout.write(JSON.stringify(all)));
`;

/** Fifty processes with twenty threads each, all of them reading something else at the same moment. */
async function race(t: Teardown, { daemon, dir }: Paid): Promise<Record<string, number>> {
  const env = { ...daemon.env, UV_THREADPOOL_SIZE: String(READS_EACH) };
  const said: string[] = [];
  const children = Array.from({ length: PROCESSES }, (_, one) => {
    const files = Array.from({ length: READS_EACH }, (_, read) => `${dir}/item-${one}-${read}`);
    const child = spawn(process.execPath, ['-e', CLIENT, ...files], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    atEnd(t, () => void child.kill('SIGKILL'));
    said[one] = '';
    child.stdout.on('data', chunk => {
      said[one] += String(chunk);
    });
    return child;
  });
  await until('every process is ready', () => said.every(text => text !== ''), 30_000);
  for (const child of children) child.stdin.end();
  await until('every process is done', () => children.every(child => child.exitCode !== null), 30_000);
  const total: Record<string, number> = {};
  for (const text of said) {
    for (const errno of JSON.parse(text.slice('ready '.length))) {
      const what = errnoName(errno);
      total[what] = (total[what] ?? 0) + 1;
    }
  }
  return total;
}

fuseTest('of 1,000 paid reads at once by 50 processes a limit for 100 lets exactly 100 through', async t => {
  let arrived = 0;
  let allThere = (): void => {};
  const together = new Promise<void>(resolve => {
    allThere = resolve;
  });
  const world = await paid(t, {
    flags: [`--limit=${LIMIT_USD}/24h`, '--timeout=30s'],
    // Nobody is answered before a hundred are under way together: only what is reserved can hold the others back.
    answer: async ({ path }) => {
      if (++arrived === ALLOWED) allThere();
      await together;
      return `${path}\n`;
    },
  });
  const { daemon, server, dir } = world;

  t.deepEqual(await race(t, world), { ok: ALLOWED, EDQUOT: PROCESSES * READS_EACH - ALLOWED });
  t.is(server.count(), ALLOWED, 'the service saw exactly as many');
  t.is(new Set(server.seen.map(({ path }) => path)).size, ALLOWED, 'and none twice');

  t.deepEqual(await spentOnApi(daemon), { micros: ALLOWED * PRICE, operations: ALLOWED });
  t.is(JSON.parse(await done(daemon, 'cost', '--json')).total_usd, LIMIT_USD);
  t.is((await daemon.sh('cat "$AOS_MOUNT"/system/spend')).stdout, '0.10\n');
  t.is((await daemon.sh(`cat ${dir}/.aos/cost`)).stdout, '0.10\n');
  const [why] = JSON.parse(await done(daemon, 'why', '-n', '1', '--json'));
  t.regex(why.why, /^the subtree budget of \$0\.10 in 1d has \$0\.10 spent/);

  await daemon.kill('SIGKILL');
  await daemon.start();
  t.deepEqual(await spentOnApi(daemon), { micros: ALLOWED * PRICE, operations: ALLOWED });
  const late = await daemon.sh(`cat ${dir}/one-more`);
  t.regex(late.stderr, /Disk quota exceeded/, 'the limit is as spent after a crash as before');
  t.is(server.count(), ALLOWED);
});
