import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { AosError } from '../../core/errors.ts';
import { field, held, type Model, makeHome, openWorld, record, saying, type World, worldFor } from './world.ts';

const CONVERSATIONS = '/aos/conversations';

/** Says which question it is: `1`, then `2`, and so on. */
function counting(): Model {
  let asked = 0;
  return async function* () {
    asked++;
    yield { kind: 'text', text: String(asked) };
    yield { kind: 'done', reason: 'stop' };
  };
}

/** Sends it and waits; gives the conversation. */
async function say(w: World, prompt: string, more: object = {}, agent = 'researcher'): Promise<string> {
  return String(field(await w.wait(await w.send(agent, JSON.stringify({ prompt, ...more }))), 'conversation'));
}

function contextOf(conversation: string): string {
  return `${CONVERSATIONS}/${conversation}/context.ctx`;
}

async function fileOf(w: World, conversation: string, name: string): Promise<Record<string, unknown>> {
  return record(JSON.parse(await w.read(`${CONVERSATIONS}/${conversation}/${name}`)));
}

/** What the model was told the last time, without the system's part. */
function told(w: World): string[] {
  return (w.asked.at(-1)?.messages ?? []).slice(1).map(message => message.text);
}

async function refusal(t: ExecutionContext, act: () => Promise<unknown>): Promise<AosError> {
  return t.throwsAsync(act, { instanceOf: AosError });
}

test('a context is the whole chain: each turn adds two blocks to those before and copies none', async t => {
  const w = await worldFor(t, { model: counting() });
  const first = await say(w, 'a');
  const second = await say(w, 'b');
  const [one, two] = [await fileOf(w, first, 'context.ctx'), await fileOf(w, second, 'context.ctx')];
  t.deepEqual(one.turns, [first]);
  t.deepEqual(two.turns, [first, second]);
  const chains = [one.chain, two.chain] as string[][];
  t.deepEqual(chains[1]?.slice(0, 2), chains[0]);
  t.is(chains[1]?.length, 4);
});

test('what goes on from a context is told all of it, also after several turns', async t => {
  const w = await worldFor(t, { model: counting() });
  await say(w, 'a');
  const second = await say(w, 'b');
  await say(w, 'not this');
  const branch = await say(w, 'c', { context: contextOf(second), session: 'new' });
  t.deepEqual(told(w), ['a', '1', 'b', '2', 'c']);
  t.is(field((await fileOf(w, branch, 'meta.json')).lineage, 'forked_from'), `${CONVERSATIONS}/${second}`);
  const { session } = await fileOf(w, branch, 'meta.json');
  await say(w, 'd', { session });
  t.deepEqual(told(w), ['a', '1', 'b', '2', 'c', '4', 'd'], 'the branch goes on by itself');
  await say(w, 'e');
  t.deepEqual(told(w), ['a', '1', 'b', '2', 'not this', '3', 'e'], 'the session it came from knows nothing of it');
});

test('a session that goes on from an earlier turn of its own has left what came after it, and is no fork', async t => {
  const w = await worldFor(t, { model: counting() });
  const first = await say(w, 'a');
  await say(w, 'wrong way');
  const { session } = await fileOf(w, first, 'meta.json');
  const again = await say(w, 'b', { context: contextOf(first), session });
  t.is(field((await fileOf(w, again, 'meta.json')).lineage, 'forked_from'), null);
  await say(w, 'c');
  t.deepEqual(told(w), ['a', '1', 'b', '3', 'c']);
});

test('branches are sessions of their own, each going on from the same turn', async t => {
  const w = await worldFor(t, { model: counting() });
  const base = await say(w, 'a');
  const body = JSON.stringify({ prompt: 'b', context: contextOf(base), branches: 3 });
  const receipts = (await w.write('/aos/agents/researcher/inbox', body)) as { pid: number; session: string }[];
  t.is(new Set(receipts.map(receipt => receipt.session)).size, 3);
  for (const { pid } of receipts) {
    const end = await w.wait(pid);
    t.is(end.exit_code, 0);
    const { turns } = await fileOf(w, String(end.conversation), 'context.ctx');
    t.deepEqual(turns, [base, end.conversation]);
  }
  t.deepEqual(
    w.asked.slice(1).map(request => request.messages.slice(1).map(message => message.text)),
    [1, 2, 3].map(() => ['a', '1', 'b']),
  );
});

test('branches are taken all or none, cost what they cost together, and share a budget', async t => {
  const pricing = { input_per_1m: 10, output_per_1m: 10 };
  const w = await worldFor(t, { model: counting(), pricing });
  writeFileSync(join(w.home, 'etc/agents.d/short.yaml'), 'tools: []\nqueue: {depth: 3}\n');
  const context = contextOf(await say(w, 'a', { force: true }));
  const inbox = '/aos/agents/short/inbox';
  const ask = (more: object): Promise<unknown> => w.call(inbox, { dry_run: true, prompt: 'b', context, ...more });
  const one = record(await ask({}));
  const three = record(await ask({ branches: 3 }));
  for (const key of ['low_usd', 'estimate_usd', 'high_usd']) {
    t.true(Math.abs(Number(three[key]) - 3 * Number(one[key])) < 1e-6, key);
  }
  t.regex(String(three.basis), /^3 branches, each: /);
  const send = (more: object): Promise<unknown> =>
    w.write(inbox, JSON.stringify({ prompt: 'b', context, branches: 3, ...more }));
  t.is((await refusal(t, () => send({ branches: 4, force: true }))).kind, 'queue_full');
  t.is((await refusal(t, () => send({}))).kind, 'costly');
  const started = w.asked.length;
  const receipts = (await send({ override: { max_cost_usd: 0.4 } })) as { pid: number }[];
  for (const { pid } of receipts) {
    t.is(await w.read(`/aos/procs/${pid}/budget/limit`), '0.133333\n');
    t.is((await w.wait(pid)).exit_code, 0);
  }
  t.is(w.asked.length, started + 3);
});

test('the same key is the same branches', async t => {
  const w = await worldFor(t, { model: counting() });
  const context = contextOf(await say(w, 'a'));
  const body = JSON.stringify({ prompt: 'b', context, branches: 2, idempotency_key: 'k' });
  const first = await w.write('/aos/agents/researcher/inbox', body);
  t.deepEqual(await w.write('/aos/agents/researcher/inbox', body), first);
});

test('branches without a context, in one session, or too many are refused before anything runs', async t => {
  const w = await worldFor(t, { model: counting() });
  const context = contextOf(await say(w, 'a'));
  for (const more of [
    { branches: 2 },
    { branches: 2, context, session: 's' },
    { branches: 101, context },
    { branches: 0, context },
    { branches: 1.5, context },
  ]) {
    const body = JSON.stringify({ prompt: 'b', ...more });
    t.is((await refusal(t, () => w.write('/aos/agents/researcher/inbox', body))).errno, 'EINVAL', body);
  }
  t.is(w.asked.length, 1);
});

test('a context whose text has changed or gone, or that is none, is refused when the message comes', async t => {
  const w = await worldFor(t, { model: counting() });
  const first = await say(w, 'a');
  const context = contextOf(await say(w, 'b'));
  const send = (path: string): Promise<unknown> =>
    w.write('/aos/agents/researcher/inbox', JSON.stringify({ prompt: 'c', context: path }));
  const file = join(w.home, 'conversations', first, 'transcript.jsonl');
  writeFileSync(file, `${JSON.stringify({ v: 1, type: 'prompt', text: 'a' })}\n{"type":"text","text":"never"}\n`);
  t.regex((await refusal(t, () => send(context))).message, /transcript of .* is not what it was/);
  rmSync(file);
  const gone = await refusal(t, () => send(context));
  t.regex(gone.message, /transcript of .* is not there/);
  t.is(gone.errno, 'EINVAL');
  await w.write('/aos/memory/other.ctx', 'no context\n');
  t.regex((await refusal(t, () => send('/aos/memory/other.ctx'))).message, /it holds no context/);
  t.is(w.asked.length, 2);
});

test('whoever may not read a turn of the chain cannot go on from it', async t => {
  const w = await worldFor(t, { model: saying('secret') });
  const first = await say(w, 'mine');
  const second = await say(w, 'yours');
  const other = w.as(8, {
    name: 'uid 8',
    grants: [
      { verbs: ['stat', 'list', 'read'], path: `${CONVERSATIONS}/${second}/**` },
      { verbs: ['write'], path: '/aos/agents/*/inbox' },
      { verbs: ['call'], path: '/aos/**' },
    ],
  });
  const body = JSON.stringify({ prompt: 'c', context: contextOf(second) });
  const error = await refusal(t, () => w.write('/aos/agents/researcher/inbox', body, other));
  t.true(error.message.includes(first));
  t.false(error.message.includes('secret'));
});

test('a run that was stopped, or whose daemon was killed, can be gone on with from what it had said', async t => {
  const home = makeHome();
  t.teardown(() => rmSync(home, { recursive: true, force: true }));
  const { model, begun } = held('half');
  const before = await openWorld(home, { model });
  await before.send('researcher', 'a');
  await begun;
  before.crash();
  const after = await openWorld(home, { model: counting() });
  t.teardown(() => after.crash());
  const [row] = (await after.call('/aos/procs', { op: 'list', all: true })) as { conversation: string }[];
  const conversation = row?.conversation ?? '';
  t.is((await fileOf(after, conversation, 'meta.json')).outcome, 'interrupted');
  await say(after, 'go on', { context: contextOf(conversation) });
  t.deepEqual(told(after), ['a', 'half', 'go on']);
});
