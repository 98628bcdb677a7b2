import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'ava';
import { delta, fakeOpenai, json, sse } from '../backends/openai-server.ts';
import { dropHome, held, makeHome, openWorld, type Script, saying, until } from './world.ts';

test('after a crash what ran is interrupted, what waited runs, and no money is forgotten', async t => {
  const home = makeHome();
  t.teardown(() => dropHome(home));
  const { model, begun } = held('half');
  const paid: Script['model'] = async function* (request, op) {
    yield { kind: 'cost', micros: 20_000 };
    yield* model(request, op);
  };
  const before = await openWorld(home, { model: paid });
  const ran = await before.send('researcher', 'first');
  await begun;
  const waited = await before.send('researcher', 'second', before.as(5));
  t.is(await before.read('/aos/agents/researcher/cost'), '0.02\n');
  const session = await before.read('/aos/agents/researcher/session');
  before.crash();

  const after = await openWorld(home, { model: saying('later') });
  t.teardown(() => after.crash());
  t.like(await after.wait(waited), { output: 'later', exit_code: 0, reason: 'completed' });
  const end = await after.wait(ran);
  t.like(end, { exit_code: 130, reason: 'interrupted', cost_usd: 0.02 });
  t.is(after.events.filter(event => event.kind === 'ended' && event.run.pid === ran).length, 1);
  t.is(await after.read('/aos/agents/researcher/cost'), '0.02\n');
  t.is(await after.read('/aos/agents/researcher/session'), session);
  const dir = `/aos/conversations/${end.conversation}`;
  t.is(JSON.parse(await after.read(`${dir}/meta.json`)).outcome, 'interrupted');
  t.true((await after.read(`${dir}/transcript.md`)).includes('half'));
  t.like(JSON.parse(await after.read(`/aos/procs/${waited}/capabilities`)), [{ name: 'uid 5' }]);
});

test('what was accepted while the daemon stopped runs at the next start', async t => {
  const home = makeHome();
  t.teardown(() => dropHome(home));
  const { model, release, begun } = held('half');
  const before = await openWorld(home, { model });
  const first = await before.send('researcher', 'first');
  await begun;
  const second = await before.send('researcher', 'second');
  const drained = before.drain();
  release();
  await drained;
  t.is((await before.wait(first)).reason, 'completed');
  t.is(await before.read(`/aos/procs/${second}/status`), 'throttled\n');
  before.crash();

  const after = await openWorld(home, { model: saying('later') });
  t.teardown(() => after.crash());
  t.is(await after.read('/aos/agents/researcher/inbox.depth'), '1\n');
  await until('it has run', async () => (await after.read('/aos/agents/researcher/output')) === 'later\n');
  t.is((await after.wait(second)).output, 'later');
});

test('a run that cannot be taken up is left for the next start, and keeps no other from going on', async t => {
  const home = makeHome();
  t.teardown(() => dropHome(home));
  const { model, begun } = held('half');
  const before = await openWorld(home, { model });
  const ran = await before.send('researcher', 'first');
  await begun;
  const waited = await before.send('researcher', 'second');
  before.crash();
  const damage = (sql: string): void => {
    const db = new DatabaseSync(join(home, 'aos.db'));
    db.exec(sql);
    db.close();
  };
  damage(`UPDATE runs SET body = '{}' WHERE pid = ${ran};
    CREATE TRIGGER no BEFORE UPDATE ON runs WHEN OLD.pid = ${ran} BEGIN SELECT RAISE(ABORT, 'not now'); END`);
  const after = await openWorld(home, { model: saying('later') });
  t.like(await after.wait(waited), { output: 'later', exit_code: 0 });
  after.crash();
  damage('DROP TRIGGER no');
  const last = await openWorld(home, { model: saying('unused') });
  t.teardown(() => last.crash());
  await until('it is over', async () => {
    const all = (await last.call('/aos/procs', { op: 'list', all: true })) as { pid: number; reason?: string }[];
    return all.some(({ pid, reason }) => pid === ran && reason === 'failed');
  });
});

test('what waited runs also where its model has to be looked up again', async t => {
  const home = makeHome();
  t.teardown(() => dropHome(home));
  let listed = Promise.resolve();
  let answers = false;
  const { url } = await fakeOpenai(t, (seen, response) => {
    if (seen.url.endsWith('/models')) void listed.then(() => json(response, 200, { data: [{ id: 'house' }] }));
    else sse(response, [delta({ content: 'here' }, answers ? 'stop' : null)], answers);
  });
  const pricing = { input_per_1m: 1, output_per_1m: 1 };
  const openai = { base_url: url, local: false, pricing };
  const script: Script = { model: saying('unused'), real: { config: { model: 'openai/house', backends: { openai } } } };
  const before = await openWorld(home, script);
  const message = JSON.stringify({ prompt: 'x', force: true });
  const first = await before.send('researcher', message);
  await until('it speaks', async () => (await before.read(`/aos/procs/${first}/stdout`)) === 'here');
  const waited = await before.send('researcher', message);
  before.crash();

  answers = true;
  const found = Promise.withResolvers<void>();
  listed = found.promise;
  const after = await openWorld(home, script);
  t.teardown(() => after.crash());
  const end = after.wait(waited);
  await until('it runs', async () => (await after.read(`/aos/procs/${waited}/status`)) === 'running\n');
  found.resolve();
  t.like(await end, { output: 'here', reason: 'completed' });
});
