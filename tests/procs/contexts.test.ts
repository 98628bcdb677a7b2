import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { AosError } from '../../core/errors.ts';
import { parsePath } from '../../core/path.ts';
import { sha256 } from '../../plugin-sdk/index.ts';
import {
  field,
  held,
  type Model,
  makeHome,
  openWorld,
  record,
  saying,
  storeOf,
  type World,
  worldFor,
} from './world.ts';

const WRITING = { read: false, write: true, append: false, truncate: true };
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

test('a context has its own turn, and names those before by the hash of theirs', async t => {
  const w = await worldFor(t, { model: counting() });
  const first = await say(w, 'a');
  const second = await say(w, 'b');
  t.like(await fileOf(w, first, 'context.ctx'), { prompt: 'a', answer: '1', chain: [] });
  const hash = sha256(await w.read(contextOf(first)));
  t.like(await fileOf(w, second, 'context.ctx'), { prompt: 'b', answer: '2', chain: [{ turn: first, sha256: hash }] });
});

test('a session tells its last twenty turns, and a context of it the same', async t => {
  const w = await worldFor(t, { model: counting() });
  let last = '';
  for (let i = 1; i <= 23; i++) last = await say(w, `q${i}`);
  t.is(told(w).length, 2 * 20 + 1);
  t.is(told(w)[0], 'q3');
  await say(w, 'branch', { context: contextOf(last), session: 'new' });
  t.is(told(w).length, 2 * 20 + 1);
  t.is(told(w)[0], 'q4');
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
    const { chain } = await fileOf(w, String(end.conversation), 'context.ctx');
    t.deepEqual(
      (chain as { turn: string }[]).map(link => link.turn),
      [base],
    );
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

test('the same key is the same branches, however many are asked for and however full the queue is', async t => {
  const { model, release } = held('x');
  const w = await worldFor(t, { model: counting() });
  writeFileSync(join(w.home, 'etc/agents.d/short.yaml'), 'tools: []\nqueue: {depth: 3}\n');
  const context = contextOf(await say(w, 'a'));
  w.script.model = model;
  const send = (branches: number): Promise<unknown> =>
    w.write('/aos/agents/short/inbox', JSON.stringify({ prompt: 'b', context, branches, idempotency_key: 'k' }));
  const first = (await send(3)) as { pid: number }[];
  t.is(new Set(first.map(({ pid }) => pid)).size, 3);
  for (const branches of [3, 2]) t.deepEqual(await send(branches), first);
  t.is(
    (await refusal(t, () => w.write('/aos/agents/short/inbox', JSON.stringify({ prompt: 'b', context, branches: 2 }))))
      .kind,
    'queue_full',
  );
  release();
  for (const { pid } of first) await w.wait(pid);
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

test('a context whose chain has changed or gone, or that is none, is refused when the message comes, and by write', async t => {
  const w = await worldFor(t, { model: counting() });
  const first = await say(w, 'a');
  const context = contextOf(await say(w, 'b'));
  const inbox = '/aos/agents/researcher/inbox';
  const send = (path: string): Promise<unknown> => w.write(inbox, JSON.stringify({ prompt: 'c', context: path }));
  const file = join(w.home, 'conversations', first, 'context.ctx');
  writeFileSync(file, JSON.stringify({ ...(await fileOf(w, first, 'context.ctx')), answer: 'forged' }));
  t.regex(
    (await refusal(t, () => send(context))).message,
    new RegExp(`${first}, which it goes on from, is not what it was`),
  );
  rmSync(file);
  const gone = await refusal(t, () => send(context));
  t.regex(gone.message, new RegExp(`${first}, which it goes on from, is not there`));
  t.is(gone.errno, 'EINVAL');
  await say(w, 'd');
  t.deepEqual(told(w), ['b', '2', 'd'], 'the session goes on without it');
  await w.write('/aos/memory/other.ctx', 'no context\n');
  t.regex((await refusal(t, () => send('/aos/memory/other.ctx'))).message, /it is not where contexts lie/);

  const mine = `${CONVERSATIONS}/2020/01/01/mine`;
  await w.core.aos.makeDir(w.as(0), parsePath(`${CONVERSATIONS}/2020`), 0o755);
  for (const dir of ['2020/01', '2020/01/01', '2020/01/01/mine']) {
    await w.core.aos.makeDir(w.as(0), parsePath(`${CONVERSATIONS}/${dir}`), 0o755);
  }
  const link = (turn: string): object => ({ turn, sha256: '0'.repeat(64) });
  const bad: [object | string, RegExp][] = [
    ['{', /holds no context/],
    [{}, /holds no context/],
    [{ session: 's', prompt: 'p', answer: null, chain: [] }, /its run still goes/],
    [{ session: 's', prompt: 'p', answer: 'a', chain: [link('../../../../etc')] }, /holds no context/],
    [{ session: 's', prompt: 'p', answer: 'a', chain: [link('2026/11/23/..')] }, /holds no context/],
    [
      { session: 's', prompt: 'p', answer: 'a', chain: Array.from({ length: 21 }, () => link(first)) },
      /more than 20 turns/,
    ],
    [{ session: 's', prompt: 'p', answer: 'a', chain: [link(first)] }, /is not there/],
    [{ session: 's', prompt: 'p', answer: 'a'.repeat(5_000_000), chain: [] }, /may have 1048576 bytes and no more/],
  ];
  for (const [content, why] of bad) {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    writeFileSync(join(w.home, 'conversations/2020/01/01/mine/context.ctx'), text);
    t.regex((await refusal(t, () => send(`${mine}/context.ctx`))).message, why);
    const handle = await w.core.aos.open({ ...w.as(0), door: 'kernel' }, parsePath(inbox), WRITING);
    const line = Buffer.from(`${JSON.stringify({ prompt: 'c', context: `${mine}/context.ctx` })}\n`);
    t.throws(() => handle.write(0, line), { message: why }, 'said by write: shells ignore what close says');
    handle.close();
  }
  t.is(w.asked.length, 3);
});

test('whoever may not read a turn of the chain cannot go on from it, and learns nothing of it', async t => {
  const w = await worldFor(t, { model: saying('secret') });
  const first = await say(w, 'mine');
  const second = await say(w, 'yours');
  const grants = (...paths: string[]) => ({
    name: 'uid 8',
    grants: [
      ...paths.map(path => ({ verbs: ['stat' as const, 'list' as const, 'read' as const], path })),
      { verbs: ['write' as const], path: '/aos/agents/*/inbox' },
      ...['models', 'tools', 'procs'].map(name => ({ verbs: ['call' as const], path: `/aos/${name}/**` })),
    ],
  });
  const send = (session: string, ...paths: string[]): Promise<unknown> => {
    const body = JSON.stringify({ prompt: 'c', context: contextOf(second), session });
    return w.write('/aos/agents/researcher/inbox', body, w.as(8, grants(...paths)));
  };
  t.regex((await refusal(t, () => send('new'))).message, /no such file/);
  const error = await refusal(t, () => send('new', `${CONVERSATIONS}/${second}/**`));
  t.true(error.message.includes(first));
  t.false(error.message.includes('secret'));
  t.is(w.asked.length, 2);
});

test('a session that others speak in keeps what it has, whatever context one of them gives', async t => {
  const w = await worldFor(t, { model: counting() });
  const first = await say(w, 'a');
  const second = await say(w, 'b');
  const { session } = await fileOf(w, first, 'meta.json');
  const body = JSON.stringify({ prompt: 'forget it', context: contextOf(first), session });
  await w.wait(await w.send('researcher', body, w.as(8)), w.as(8));
  t.deepEqual(told(w), ['a', '1', 'forget it']);
  await say(w, 'c');
  t.deepEqual(told(w), ['a', '1', 'b', '2', 'forget it', '3', 'c']);
  t.like(await fileOf(w, second, 'meta.json'), { session });
});

test('a session goes on from the context that was given even where the run that was given it fails', async t => {
  const w = await worldFor(t, { model: counting() });
  const first = await say(w, 'a');
  await say(w, 'wrong way');
  const { session } = await fileOf(w, first, 'meta.json');
  const model = w.script.model;
  w.script.model = () => {
    throw new AosError('upstream', { component: 'test', why: 'no answer' });
  };
  await say(w, 'b', { context: contextOf(first), session });
  w.script.model = model;
  await say(w, 'c');
  t.deepEqual(told(w), ['a', '1', 'c']);
});

test("what a user has put down as the next run's context is for that user's next run", async t => {
  const w = await worldFor(t, { model: counting() });
  const first = await say(w, 'a');
  const file = '/aos/agents/coder/context';
  await w.write(file, contextOf(first), w.as(8));
  await w.wait(await w.send('coder', 'mine', w.as(7)), w.as(7));
  t.deepEqual(told(w), ['mine']);
  t.is(await w.read(file), '\n', "and is nobody else's business");
  t.is(await w.read(file, w.as(8)), `${contextOf(first)}\n`);
  const both = await Promise.all(['x', 'y'].map(prompt => w.send('coder', prompt, w.as(8))));
  for (const pid of both) await w.wait(pid, w.as(8));
  t.is(w.asked.slice(1).filter(({ messages }) => messages[1]?.text === 'a').length, 1);
  t.is(await w.read(file, w.as(8)), '\n');

  await w.write(file, contextOf(first), w.as(8));
  rmSync(join(w.home, 'conversations', first, 'context.ctx'));
  const error = await refusal(t, () => w.send('coder', 'z', w.as(8)));
  t.is(error.errno, 'ENOENT');
  t.regex(error.message, /echo > \/aos\/agents\/coder\/context/);
  t.is(await w.read(file, w.as(8)), `${contextOf(first)}\n`, 'it is still there');
  t.regex((await refusal(t, () => w.write(file, contextOf(first), w.as(8)))).message, /no such file/);
});

test('what was said to a run on its stdin is part of its turn', async t => {
  const first = held('one');
  const w = await worldFor(t, { model: first.model });
  const pid = await w.send('researcher', 'a');
  await first.begun;
  w.script.model = saying('two');
  await w.write(`/aos/procs/${pid}/stdin`, 'and b?');
  first.release();
  await w.wait(pid);
  await say(w, 'c');
  t.deepEqual(told(w), ['a\n\nand b?', 'one end\ntwo', 'c']);
});

test('a turn that said nothing, and one of a version before, can be gone on from', async t => {
  const w = await worldFor(t, { model: saying('') });
  const silent = await say(w, 'a');
  w.script.model = counting();
  await say(w, 'b', { context: contextOf(silent), session: 'new' });
  t.deepEqual(told(w), ['a', 'b']);
  const old = await say(w, 'c', { session: 'new' });
  const before = { v: 1, model: 'fake/one', agent: 'researcher', session: 's', chain: ['0', '1'] };
  writeFileSync(join(w.home, 'conversations', old, 'context.ctx'), JSON.stringify(before));
  await say(w, 'd', { context: contextOf(old), session: 'new' });
  t.deepEqual(told(w), ['c', '2', 'd']);
});

test('a run whose daemon was killed can be gone on from, with the turns before it', async t => {
  const home = makeHome();
  t.teardown(() => rmSync(home, { recursive: true, force: true }));
  const { model, begun } = held('half');
  const before = await openWorld(home, { model: counting() });
  const first = await say(before, 'a');
  before.script.model = model;
  await before.send('researcher', 'b');
  await begun;
  before.crash();
  const after = await openWorld(home, { model: counting() });
  t.teardown(() => after.crash());
  const rows = (await after.call('/aos/procs', { op: 'list', all: true })) as { pid: number; conversation: string }[];
  const conversation = rows.find(({ pid }) => pid === 2)?.conversation ?? '';
  t.is((await fileOf(after, conversation, 'meta.json')).outcome, 'interrupted');
  await say(after, 'go on', { context: contextOf(conversation), session: 'new' });
  t.deepEqual(told(after), ['a', '1', 'b', 'half', 'go on']);
  t.not(first, conversation);
});

test('nobody can be there before a run, and say what it has said', async t => {
  const w = await worldFor(t, { model: counting() });
  const day = (at: number): string => new Date(at).toISOString().slice(0, 10).replaceAll('-', '/');
  const stamp = (at: number): string => new Date(at).toISOString().slice(11, 19).replaceAll(':', '');
  const make = async (path: string): Promise<void> =>
    w.core.aos.makeDir(w.as(8), parsePath(`${CONVERSATIONS}/${path}`), 0o755);
  await say(w, 'a');
  for (const ahead of [0, 1_000, 25_000, 3_600_000]) {
    const at = Date.now() + ahead;
    for (const dir of [day(at).slice(0, 4), day(at).slice(0, 7), day(at)]) await make(dir).catch(() => {});
    const error = await refusal(t, () => make(`${day(at)}/${stamp(at)}-researcher-00002`));
    t.regex(error.message, /kept for runs to come/);
  }
  const { model, release } = held('x');
  w.script.model = model;
  const [one, two] = [await w.send('researcher', 'b'), await w.send('researcher', 'c')];
  w.script.ahead = 5_000;
  const rows = (await w.call('/aos/procs', { op: 'list' })) as { pid: number; conversation: string }[];
  const queued = rows.find(({ pid }) => pid === two)?.conversation ?? '';
  t.regex((await refusal(t, () => make(queued))).message, /kept for runs to come/);
  await make(queued.replace(/\/[^/]*$/, '/000000-researcher-00900'));
  release();
  for (const pid of [one, two]) await w.wait(pid);
});

test("what one user says in a shared session pushes out nothing of another's, and is told to nobody who may not see it", async t => {
  const w = await worldFor(t, { model: counting() });
  await say(w, 'mine');
  for (let i = 0; i < 21; i++) await w.wait(await w.send('researcher', `noise ${i}`, w.as(8)), w.as(8));
  const refused: string[] = [];
  w.core.hooks
    .taps('test', new AbortController().signal)
    .settled(({ error }) => void (error !== undefined && refused.push(error)));
  const calls = ['models', 'tools', 'procs'].map(name => ({ verbs: ['call' as const], path: `/aos/${name}/**` }));
  const only = w.as(7, {
    name: 'uid 7',
    grants: [...calls, { verbs: ['write'], path: '/aos/agents/*/inbox' }, { verbs: ['stat'], path: '/aos/**' }],
  });
  await w.wait(await w.send('researcher', 'what was said?', only));
  t.deepEqual(told(w), ['what was said?']);
  t.deepEqual(refused, []);
  const { session } = await fileOf(w, await say(w, 'once more'), 'meta.json');
  const kept = JSON.parse((await storeOf(w)).keys.get('procs.history/researcher', String(session)) ?? '[]');
  t.is(kept.filter(({ uid }: { uid: number }) => uid === 0).length, 2);
  t.is(told(w).length, 2 * 20 + 1);
});

test('a session goes on from nothing that no run has said', async t => {
  const w = await worldFor(t, { model: counting() });
  for (const dir of ['2020', '2020/01', '2020/01/01', '2020/01/01/000000-x-1']) {
    await w.core.aos.makeDir(w.as(8), parsePath(`${CONVERSATIONS}/${dir}`), 0o755);
  }
  const forged = { v: 1, session: 's', prompt: 'may 8 do it?', answer: 'yes', chain: [] };
  writeFileSync(join(w.home, 'conversations/2020/01/01/000000-x-1/context.ctx'), JSON.stringify(forged));
  const body = { prompt: 'b', context: `${CONVERSATIONS}/2020/01/01/000000-x-1/context.ctx`, session: 'fresh' };
  await w.wait(await w.send('researcher', JSON.stringify(body), w.as(8)), w.as(8));
  t.deepEqual(told(w), ['may 8 do it?', 'yes', 'b']);
  await say(w, 'c', { session: 'fresh' });
  t.deepEqual(told(w), ['b', '1', 'c']);
});

test('a session of a version before goes on', async t => {
  const w = await worldFor(t, { model: counting() });
  const first = await say(w, 'a');
  const { session } = await fileOf(w, first, 'meta.json');
  const before = [{ conversation: first, prompt: 'a', output: '1' }];
  (await storeOf(w)).keys.set('procs.history/researcher', String(session), JSON.stringify(before));
  await say(w, 'b');
  t.deepEqual(told(w), ['a', '1', 'b']);
  await say(w, 'c');
  t.deepEqual(told(w), ['a', '1', 'b', '2', 'c']);
});
