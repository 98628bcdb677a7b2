/** A message that comes again with the same key. */

import test from 'ava';
import { field, held, type Script, saying, until, worldFor } from './world.ts';

test('the same key within ten minutes is the same run, for the same user', async t => {
  const script: Script = { model: saying('once') };
  const w = await worldFor(t, script);
  const text = JSON.stringify({ prompt: 'pay', idempotency_key: 'k1' });
  const pid = await w.send('researcher', text);
  await w.wait(pid);
  t.is(await w.send('researcher', text), pid);
  t.is(w.asked.length, 1);
  t.not(await w.send('researcher', text, w.as(5)), pid);
  script.ahead = 601_000;
  t.not(await w.send('researcher', text), pid);
  await until('all are done', async () => (await w.read('/aos/agents/researcher/status')) === 'idle\n');
});

test('a message that comes again gets the same receipt, and is told of in the trace while the run goes and in the log of the agent', async t => {
  const first = held('half');
  const w = await worldFor(t, { model: saying('before') });
  const before = await w.wait(await w.send('coder', 'x'));
  const context = `/aos/conversations/${before.conversation}/context.ctx`;
  w.script.model = first.model;
  const text = JSON.stringify({ prompt: 'pay', idempotency_key: 'k1' });
  const receipt = await w.write('/aos/agents/researcher/inbox', text);
  const pid = Number(field(receipt, 'pid'));
  await first.begun;
  await w.write('/aos/agents/researcher/context', context);
  t.deepEqual(await w.write('/aos/agents/researcher/inbox', text), receipt);
  const trace = (await w.read(`/aos/procs/${pid}/stderr`)).trimEnd().split('\n');
  t.like(
    trace.map(line => JSON.parse(line)).filter(({ type }) => type === 'dedupe'),
    [{ v: 1, key: 'k1' }],
  );
  t.is(await w.read('/aos/agents/researcher/context'), `${context}\n`, 'no run has used it');
  first.release();
  const { conversation } = await w.wait(pid);
  t.regex(await w.read(`/aos/conversations/${conversation}/transcript.jsonl`), /"type":"dedupe"/);
  t.deepEqual(await w.write('/aos/agents/researcher/inbox', text), receipt);
  t.is(
    (await w.read('/aos/agents/researcher/log')).split(`not run again: the message of uid 0 is that of ${pid}\n`)
      .length,
    3,
  );
});
