/** What a run has cost agrees with the ledger, however the run ended. */

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'ava';
import { delta, fakeOpenai, sse } from '../backends/openai-server.ts';
import { dropHome, held, makeHome, openWorld, type Script, saying, until } from './world.ts';

/** Dollars that the ledger says were spent. */
function ledger(home: string): number {
  const db = new DatabaseSync(join(home, 'aos.db'), { readOnly: true });
  const row = db.prepare('SELECT sum(spent) AS micros FROM ledger WHERE spent IS NOT NULL').get();
  db.close();
  return Number(row?.micros) / 1e6;
}

for (const word of ['stop', 'kill']) {
  test(`${word} while a server answers: the run has cost what the ledger says, from its end on`, async t => {
    const home = makeHome();
    t.teardown(() => dropHome(home));
    const { url } = await fakeOpenai(t, (_seen, response) =>
      sse(response, [delta({ content: 'half an answer' })], false),
    );
    const pricing = { input_per_1m: 3, output_per_1m: 15 };
    const openai = { base_url: url, models: ['house'], local: false, pricing };
    const real = { config: { model: 'openai/house', backends: { openai } } };
    const w = await openWorld(home, { model: saying('unused'), real });
    t.teardown(() => w.crash());
    const pid = await w.send('researcher', JSON.stringify({ prompt: 'x', force: true }));
    await until('it says something', async () => (await w.read(`/aos/procs/${pid}/stdout`)) !== '');
    await w.write(`/aos/procs/${pid}/ctl`, word);
    const end = await w.wait(pid);
    t.is(end.exit_code, 130);
    t.true(Number(end.cost_usd) > 0);
    t.is(end.cost_usd, ledger(home));
    t.is(JSON.parse(await w.read(`/aos/procs/${pid}/exit`)).cost_usd, ledger(home));
    t.is(JSON.parse(await w.read(`/aos/conversations/${end.conversation}/cost.json`)).cost_usd, ledger(home));
    t.is(Number(await w.read('/aos/agents/researcher/cost')), ledger(home));
  });
}

test('after a crash a run has cost what was held for it, and not what was held for those it started', async t => {
  const home = makeHome();
  t.teardown(() => dropHome(home));
  const { model, begun } = held('half');
  const script: Script = {
    held: { max: 50_000, until: Promise.resolve() },
    async *model(request, op) {
      if (op.caller.agent === 'coder') yield* model(request, op);
      else yield { kind: 'tool_call', call: { id: 'a', name: 'search', args: {} } };
    },
  };
  const before = await openWorld(home, script);
  script.tools = {
    search: async op => {
      const child = await before.send('coder', 'sub', { ...op.caller, authority: before.as(0).authority });
      return before.wait(child);
    },
  };
  const parent = await before.send('researcher', 'x');
  await begun;
  before.crash();

  const after = await openWorld(home, { model: saying('unused') });
  t.teardown(() => after.crash());
  t.is(ledger(home), 0.05);
  t.like(await after.wait(parent + 1), { reason: 'interrupted', cost_usd: 0.05 });
  const end = await after.wait(parent);
  t.like(end, { reason: 'interrupted', cost_usd: 0 });
  const listed = await after.call('/aos/procs', { op: 'list' });
  t.like(listed, [
    { pid: parent, cost_usd: 0 },
    { pid: parent + 1, cost_usd: 0.05 },
  ]);
  t.is(Number(await after.read('/aos/agents/coder/cost')), 0.05);
  const { conversation } = await after.wait(parent + 1);
  t.is(JSON.parse(await after.read(`/aos/conversations/${conversation}/meta.json`)).cost_usd, 0.05);
});
