/** What the commands about policy say, of a real daemon. */

import test from 'ava';
import { startDaemon } from '../support/daemon.ts';

const MOUNT = 'aos mount http --base-url=http://127.0.0.1:9';

test('policy by command: counts, explanations of a run, budgets that are off or shared, and mounts that fail', async t => {
  const budgets = { uid: { usd: 0 }, agents: { 're*': { usd: 2, per: '24h' } } };
  const daemon = await startDaemon(t, { fuse: false, mock: [{ match: '.', text: 'ok' }], config: { budgets } });
  const why = await daemon.aos('why', '-n', '1.5');
  t.is(why.code, 2);
  t.regex(why.stderr, /--limit takes a whole number, not "1\.5"/);

  const layers = async (...as: string[]): Promise<string[]> => {
    const said = JSON.parse((await daemon.aos('explain', 'call', '/aos/models/mock/default', '--json', ...as)).stdout);
    const steps = said.steps as { step: string; by: string }[];
    return steps.filter(({ step }) => step === 'reserve').map(({ by }) => by);
  };
  t.deepEqual(await layers('--as', 'researcher'), ['breaker', 'uid', 'agent', 'global']);
  t.deepEqual(await layers(), ['breaker', 'velocity', 'pid', 'session', 'uid', 'global']);

  const rows = (await daemon.aos('cost', '--budgets')).stdout.split('\n').map(row => row.split(/ {2,}/).join('|'));
  t.true(rows.includes('uid|-|off|-|-'), rows.join('\n'));
  t.true(rows.includes('agent researcher|$0.00|$2.00|86400 s|-'), rows.join('\n'));
  t.false(rows.some(row => /coder/.test(row)));

  const failed = JSON.parse((await daemon.sh(`${MOUNT} /aos/mnt/api --json`)).stdout);
  t.like(failed.error, { errno: 'EPERM', path: '/aos/mnt/api' });
  t.like(JSON.parse((await daemon.aos('why', '--json')).stdout)[0], { errno: 'EPERM', path: '/aos/mnt/api' });
  t.is((await daemon.sh(`AOS_HTTP_ALLOW_PRIVATE=0 ${MOUNT} /aos/mnt/api`)).code, 1);
  t.is((await daemon.sh(`AOS_HTTP_ALLOW_PRIVATE=1 ${MOUNT} /aos/mnt/api`)).code, 0);
});
