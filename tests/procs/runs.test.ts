import test from 'ava';
import type { PricedEvent } from '../../plugin-sdk/index.ts';
import { field, held, type Script, saying, worldFor } from './world.ts';

function lines(text: string): Record<string, unknown>[] {
  return text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line));
}

test('a message becomes a run whose answer, trace and exit are files', async t => {
  const w = await worldFor(t, { model: saying('Hello', ', you') });
  const receipt = await w.write('/aos/agents/researcher/inbox', 'Hello?\n');
  const pid = Number(field(receipt, 'pid'));
  const end = await w.wait(pid);
  t.like(end, { pid, output: 'Hello, you', exit_code: 0, reason: 'completed', cost_usd: 0 });
  t.is(end.conversation, field(receipt, 'conversation'));
  t.is(await w.read(`/aos/procs/${pid}/stdout`), 'Hello, you\n');
  t.is(await w.read(`/aos/procs/${pid}/status`), 'zombie\n');
  t.like(JSON.parse(await w.read(`/aos/procs/${pid}/exit`)), { code: 0, reason: 'completed', cost_usd: 0 });
  const trace = lines(await w.read(`/aos/procs/${pid}/stderr`));
  t.deepEqual(
    trace.map(event => [event.v, event.type]),
    [
      [1, 'text'],
      [1, 'text'],
      [1, 'exit'],
    ],
  );
  const meta = JSON.parse(await w.read(`/aos/conversations/${end.conversation}/meta.json`));
  t.like(meta, { prompt: 'Hello?', outcome: 'completed', pid, agent: 'researcher' });
});

test('a run is listed with its files, and without an exit until it has ended', async t => {
  const { model, release, begun } = held('Wait');
  const w = await worldFor(t, { model });
  const pid = await w.send('researcher', 'go');
  await begun;
  t.deepEqual(await w.list('/aos/procs'), [String(pid)]);
  const names = await w.list(`/aos/procs/${pid}`);
  for (const name of ['status', 'stdout', 'stderr', 'stdin', 'ctl', 'capabilities', 'budget', 'context', 'intents']) {
    t.true(names.includes(name), name);
  }
  t.false(names.includes('exit'));
  await t.throwsAsync(() => w.read(`/aos/procs/${pid}/exit`), { message: /exit/ });
  t.is(await w.read(`/aos/procs/${pid}/status`), 'running\n');
  t.is(await w.read(`/aos/procs/${pid}/stdout`), 'Wait');
  release();
  await w.wait(pid);
  t.true((await w.list(`/aos/procs/${pid}`)).includes('exit'));
});

test('tools are used with the authority of whoever asked, narrowed by the agent', async t => {
  const sets: string[][] = [];
  let turn = 0;
  const w = await worldFor(t, {
    async *model(): AsyncGenerator<PricedEvent> {
      if (turn++ > 0) {
        yield { kind: 'text', text: 'found' };
        return;
      }
      yield { kind: 'tool_call', call: { id: 'a', name: 'search', args: { query: 'tides' } } };
    },
    tools: {
      search: (op, args) => {
        sets.push(op.caller.authority.map(set => set.name));
        return { hits: [args] };
      },
    },
  });
  const pid = await w.send('researcher', 'tides?', w.as(7));
  t.is((await w.wait(pid)).output, 'found');
  t.deepEqual(sets, [['uid 7', 'agent researcher']]);
  const result = w.asked[1]?.messages.at(-1);
  t.deepEqual(result, { role: 'tool', id: 'a', name: 'search', text: '{"hits":[{"query":"tides"}]}', ok: true });
  const types = lines(await w.read(`/aos/procs/${pid}/stderr`)).map(event => event.type);
  t.deepEqual(types, ['tool_call', 'tool_result', 'text', 'exit']);
});

test('a tool that fails, or that the agent does not have, is a failed result and not the end', async t => {
  let turn = 0;
  const w = await worldFor(t, {
    async *model(): AsyncGenerator<PricedEvent> {
      if (turn++ > 0) {
        yield { kind: 'text', text: 'went on' };
        return;
      }
      yield { kind: 'tool_call', call: { id: 'a', name: 'search', args: {} } };
      yield { kind: 'tool_call', call: { id: 'b', name: '../../system', args: {} } };
    },
    tools: {
      search: () => {
        throw new Error('the index is away');
      },
    },
  });
  const end = await w.wait(await w.send('researcher', 'x'));
  t.like(end, { output: 'went on', exit_code: 0 });
  const results = w.asked[1]?.messages.slice(-2) ?? [];
  t.deepEqual(
    results.map(m => (m.role === 'tool' ? m.ok : undefined)),
    [false, false],
  );
  t.regex(JSON.stringify(results), /the index is away/);
  t.regex(JSON.stringify(results), /has no tool/);
});

test('a ceiling and the inviter narrow what the run may call', async t => {
  const w = await worldFor(t, { model: saying('never') });
  const message = { prompt: 'x', ceiling: [{ verbs: ['read'], path: '/aos/memory/**' }] };
  const pid = await w.send('researcher', JSON.stringify(message));
  t.like(await w.wait(pid), { reason: 'failed', output: '' });
  const sets = JSON.parse(await w.read(`/aos/procs/${pid}/capabilities`));
  t.deepEqual(
    sets.map((set: { name: string }) => set.name),
    ['uid 0', 'agent researcher', 'ceiling'],
  );
  t.is(w.asked.length, 0);
});

test('a run of one agent waits while another goes, oldest first, and says so', async t => {
  const first = held('one');
  const script: Script = { model: first.model };
  const w = await worldFor(t, script);
  const a = await w.send('researcher', 'a');
  await first.begun;
  const b = await w.send('researcher', 'b');
  const c = await w.send('researcher', 'c');
  t.is(await w.read(`/aos/procs/${b}/status`), 'throttled\n');
  t.is(await w.read('/aos/agents/researcher/inbox.depth'), '2\n');
  script.model = saying('next');
  first.release();
  await w.wait(c);
  const started = w.events.filter(event => event.kind === 'started').map(event => event.run.pid);
  t.deepEqual(started, [a, b, c]);
  t.is(await w.read('/aos/agents/researcher/inbox.depth'), '0\n');
});

test('a waiting run can be stopped; its conversation says so', async t => {
  const first = held('one');
  const w = await worldFor(t, { model: first.model });
  const a = await w.send('researcher', 'a');
  await first.begun;
  const b = await w.send('researcher', 'b');
  await w.write(`/aos/procs/${b}/ctl`, 'stop\n');
  const end = await w.wait(b);
  t.like(end, { exit_code: 130, reason: 'stopped', output: '' });
  t.is(JSON.parse(await w.read(`/aos/conversations/${end.conversation}/meta.json`)).outcome, 'stopped');
  first.release();
  t.is((await w.wait(a)).output, 'one end');
});

test('the next message of a session knows the earlier turns; another session does not', async t => {
  const w = await worldFor(t, { model: saying('blue') });
  await w.wait(await w.send('researcher', 'Which colour?'));
  await w.wait(await w.send('researcher', 'Why?'));
  const texts = w.asked[1]?.messages.slice(1).map(m => m.text);
  t.deepEqual(texts, ['Which colour?', 'blue', 'Why?']);
  await w.wait(await w.send('researcher', JSON.stringify({ prompt: 'Anew', session: 'new' })));
  t.deepEqual(
    w.asked[2]?.messages.slice(1).map(m => m.text),
    ['Anew'],
  );
});

test('whoever may not read an earlier turn is not told of it through the agent', async t => {
  const w = await worldFor(t, { model: saying('secret') });
  await w.wait(await w.send('researcher', 'mine'));
  const other = w.as(8, {
    name: 'uid 8',
    grants: [
      { verbs: ['write'], path: '/aos/agents/*/inbox' },
      { verbs: ['call'], path: '/aos/models/**' },
      { verbs: ['call'], path: '/aos/tools/**' },
      { verbs: ['call'], path: '/aos/procs/**' },
    ],
  });
  const pid = await w.send('researcher', 'what did they ask?', other);
  await w.wait(pid);
  t.false(JSON.stringify(w.asked[1]?.messages).includes('secret'));
});

test('a context hands over an earlier turn of any session', async t => {
  const w = await worldFor(t, { model: saying('forty-two') });
  const { conversation } = await w.wait(await w.send('researcher', 'The answer?'));
  const context = `/aos/conversations/${conversation}/context.ctx`;
  await w.wait(await w.send('coder', JSON.stringify({ prompt: 'Check it', context })));
  t.deepEqual(
    w.asked[1]?.messages.slice(1).map(m => m.text),
    ['The answer?', 'forty-two', 'Check it'],
  );
});

test('what is attached comes with the prompt', async t => {
  const w = await worldFor(t, { model: saying('read it') });
  await w.write('/aos/memory/note.md', 'tides are high');
  await w.wait(await w.send('researcher', JSON.stringify({ prompt: 'See', attach: ['/aos/memory/note.md'] })));
  t.regex(w.asked[0]?.messages.at(-1)?.text ?? '', /^See\n\nAttached \/aos\/memory\/note\.md:\n\ntides are high$/);
});

test('a finished run stays listed for 60 s and can be waited for afterwards', async t => {
  const script: Script = { model: saying('kept') };
  const w = await worldFor(t, script);
  const pid = await w.send('researcher', 'x');
  await w.wait(pid);
  script.ahead = 59_000;
  t.deepEqual(await w.list('/aos/procs'), [String(pid)]);
  script.ahead = 61_000;
  t.deepEqual(await w.list('/aos/procs'), []);
  t.deepEqual(await w.call('/aos/procs', { op: 'list' }), []);
  const all = await w.call('/aos/procs', { op: 'list', all: true });
  t.like(all, [{ pid, status: 'ended', agent: 'researcher', model: 'fake/one', cost_usd: 0 }]);
  t.like(await w.wait(pid), { pid, output: 'kept', exit_code: 0, reason: 'completed' });
  await t.throwsAsync(() => w.wait(pid + 1), { message: /no such/ });
});

test('the list of runs, now and earlier, holds what the caller sees in the directory', async t => {
  const script: Script = { model: saying('x') };
  const w = await worldFor(t, script);
  const [first, second] = [await w.send('researcher', 'one'), await w.send('coder', 'two')];
  await w.wait(first);
  await w.wait(second);
  const grants = [
    { verbs: ['call' as const], path: '/aos/procs' },
    { verbs: ['stat' as const, 'list' as const], path: `/aos/procs/${second}/**` },
  ];
  const narrow = w.as(5, { name: 'one run', grants });
  const listed = async (all: boolean): Promise<number[]> =>
    ((await w.call('/aos/procs', { op: 'list', all }, narrow)) as { pid: number }[]).map(({ pid }) => pid);
  t.deepEqual(await listed(false), [second]);
  script.ahead = 61_000;
  t.deepEqual(await listed(false), []);
  t.deepEqual(await listed(true), [second]);
});

test('only the daemon may say on whose behalf a run acts', async t => {
  const w = await worldFor(t, { model: saying('never') });
  const request = {
    op: 'spawn',
    agent: { name: 'x', persona: '', tools: [], grants: [], maxTurns: 1, depth: 1, parallel: 1 },
    prefs: {},
    prompt: 'x',
    model: {
      name: 'fake/one',
      path: '/aos/models/fake/one',
      local: true,
      inputPrice: null,
      outputPrice: null,
      outputTokens: 1,
    },
    budget: 1_000_000,
    timeoutMs: 1000,
    context: null,
    attach: [],
    ceiling: null,
    sessions: ['s'],
    idempotencyKey: null,
    caller: w.as(0),
  };
  const error = await t.throwsAsync(() => w.call('/aos/procs', request, w.as(9)));
  t.regex(error.message, /inbox/);
  await t.throwsAsync(() => w.call('/aos/procs', { ...request, budget: null }), { message: /not a request.*budget/ });
  await t.throwsAsync(() => w.call('/aos/procs', { op: 'dance' }), { message: /not a request/ });
  t.is(w.events.length, 0);
});

test('the daemon stops: nothing more is taken, what runs is finished', async t => {
  const { model, release, begun } = held('half');
  const w = await worldFor(t, { model });
  const pid = await w.send('researcher', 'x');
  await begun;
  const drained = w.drain();
  await t.throwsAsync(() => w.send('researcher', 'y'), { message: /stopping/ });
  release();
  await drained;
  t.like(await w.wait(pid), { output: 'half end', reason: 'completed' });
});
