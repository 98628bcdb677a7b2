import test from 'ava';
import { AosError } from '../../core/errors.ts';
import { parsePath } from '../../core/path.ts';
import type { Caller, PricedEvent } from '../../plugin-sdk/index.ts';
import { field, held, type Script, saying, storeOf, until, type World, worldFor } from './world.ts';

function ends(w: World, pid: number): number {
  return w.events.filter(event => event.kind === 'ended' && event.run.pid === pid).length;
}

const NEVER: Promise<void> = new Promise(() => {});

/** Says one word and then hangs, deaf to every wish to stop. */
async function* deaf(): AsyncGenerator<PricedEvent> {
  yield { kind: 'text', text: 'partial' };
  await NEVER;
}

/** Each word costs a tenth of a cent. */
function dear(words: number): Script['model'] {
  return async function* () {
    for (let i = 0; i < words; i++) {
      yield { kind: 'text', text: `w${i} ` };
      yield { kind: 'cost', micros: 1_000 };
    }
    yield { kind: 'done', reason: 'stop' };
  };
}

for (const [word, reason] of [
  ['stop', 'stopped'],
  ['kill', 'killed'],
]) {
  test(`${word} ends a run whose model hangs, and keeps what it has said`, async t => {
    const w = await worldFor(t, { model: deaf });
    const pid = await w.send('researcher', 'x');
    await until('it has spoken', async () => (await w.read(`/aos/procs/${pid}/stdout`)) === 'partial');
    await w.write(`/aos/procs/${pid}/ctl`, `${word}\n`);
    const end = await w.wait(pid);
    t.like(end, { exit_code: 130, reason, output: 'partial' });
    t.is(ends(w, pid), 1);
    t.is(await w.read('/aos/agents/researcher/output'), '');
    t.is(JSON.parse(await w.read(`/aos/conversations/${end.conversation}/meta.json`)).outcome, reason);
  });
}

test('a run stopped before its model answers leaves nothing held for an answer that nobody reads', async t => {
  const arrives = Promise.withResolvers<void>();
  const w = await worldFor(t, { model: saying('late'), held: { max: 50_000, until: arrives.promise } });
  const model = parsePath('/aos/models/fake/one');
  const used = (): number =>
    Math.max(...w.core.policy.budgets(w.as(0), model).map(({ layer, used }) => (layer === 'uid' ? used : 0)));
  const pid = await w.send('researcher', 'x');
  await until('the model is asked', () => w.asked.length === 1);
  t.is(used(), 50_000);
  await w.write(`/aos/procs/${pid}/ctl`, 'stop');
  t.is((await w.wait(pid)).reason, 'stopped');
  arrives.resolve();
  await until('the money is back', () => used() === 0);
});

test('stop lets a tool finish, kill does not', async t => {
  const release = Promise.withResolvers<string>();
  const script: Script = {
    async *model() {
      yield { kind: 'tool_call', call: { id: 'a', name: 'search', args: {} } };
    },
    tools: { search: () => release.promise },
  };
  const w = await worldFor(t, script);
  const working = (pid: number) => async (): Promise<boolean> =>
    (await w.read(`/aos/procs/${pid}/stderr`)).includes('tool_call');
  const stopped = await w.send('researcher', 'x');
  await until('the tool is at work', working(stopped));
  await w.write(`/aos/procs/${stopped}/ctl`, 'stop');
  t.is(await w.read(`/aos/procs/${stopped}/status`), 'stopping\n');
  const killed = await w.send('coder', 'x');
  await until('the tool is at work', working(killed));
  await w.write(`/aos/procs/${killed}/ctl`, 'kill');
  t.is((await w.wait(killed)).reason, 'killed');
  t.is(ends(w, stopped), 0);
  release.resolve('done');
  t.is((await w.wait(stopped)).reason, 'stopped');
  t.true((await w.read(`/aos/procs/${stopped}/stderr`)).includes('tool_result'));
});

test('pause holds a run and resume lets it go on', async t => {
  const { model, release, begun } = held('first');
  const w = await worldFor(t, { model });
  const pid = await w.send('researcher', 'x');
  await begun;
  await w.write(`/aos/procs/${pid}/ctl`, 'pause');
  t.is(await w.read(`/aos/procs/${pid}/status`), 'paused\n');
  t.is(await w.read('/aos/agents/researcher/status'), 'paused\n');
  release();
  for (let i = 0; i < 20; i++) await new Promise(resolve => setImmediate(resolve));
  t.is(ends(w, pid), 0);
  await w.write(`/aos/procs/${pid}/ctl`, 'resume');
  t.is((await w.wait(pid)).output, 'first end');
});

test('a paused run can be stopped', async t => {
  const { model, begun } = held('first');
  const w = await worldFor(t, { model });
  const pid = await w.send('researcher', 'x');
  await begun;
  await w.write(`/aos/procs/${pid}/ctl`, 'pause');
  await w.write(`/aos/procs/${pid}/ctl`, 'stop');
  t.like(await w.wait(pid), { reason: 'stopped', output: 'first' });
});

test('text on stdin is the next message of the user', async t => {
  const first = held('thinking');
  const script: Script = { model: first.model };
  const w = await worldFor(t, script);
  const pid = await w.send('researcher', 'x');
  await first.begun;
  await w.write(`/aos/procs/${pid}/stdin`, 'also consider y\n');
  script.model = saying('with y');
  first.release();
  t.is((await w.wait(pid)).output, 'with y');
  t.deepEqual(w.asked[1]?.messages.at(-1), { role: 'user', text: 'also consider y' });
  t.is(await w.read(`/aos/procs/${pid}/stdout`), 'thinking end\nwith y\n');
  await t.throwsAsync(() => w.write(`/aos/procs/${pid}/stdin`, 'too late'), { message: /ended/ });
});

test('a paused run takes as many messages as a queue holds, and refuses the next before anything is written', async t => {
  const { model, begun, release } = held('so far');
  const w = await worldFor(t, { model });
  const pid = await w.send('researcher', 'x');
  await begun;
  await w.write(`/aos/procs/${pid}/ctl`, 'pause');
  for (let i = 0; i < 100; i++) await w.write(`/aos/procs/${pid}/stdin`, `more ${i}`);
  const how = { read: false, write: true, append: false, truncate: true };
  const open = async (): Promise<unknown> => w.core.aos.open(w.as(0), parsePath(`/aos/procs/${pid}/stdin`), how);
  const error = await t.throwsAsync(open, { instanceOf: AosError });
  t.like(error, { kind: 'queue_full', errno: 'EAGAIN' });
  t.regex(error.message, /100 messages wait.*resume/);
  w.script.model = saying('done');
  release();
  await w.write(`/aos/procs/${pid}/ctl`, 'resume');
  t.like(await w.wait(pid), { exit_code: 0, output: 'done' });
  t.is(w.asked.at(-1)?.messages.filter(({ role }) => role === 'user').length, 101);
});

test('ctl says which words it takes, and takes them from the owner only', async t => {
  const { model, begun } = held('x');
  const w = await worldFor(t, { model });
  const pid = await w.send('researcher', 'x', w.as(5));
  await begun;
  const wrong = await t.throwsAsync(() => w.write(`/aos/procs/${pid}/ctl`, 'halt'), { instanceOf: AosError });
  t.is(wrong.errno, 'EINVAL');
  t.regex(wrong.message, /stop kill pause resume/);
  await t.throwsAsync(() => w.write(`/aos/procs/${pid}/ctl`, 'checkpoint'), { message: /checkpoint/ });
  const other = await t.throwsAsync(() => w.write(`/aos/procs/${pid}/ctl`, 'kill', w.as(6)), { instanceOf: AosError });
  t.is(other.errno, 'EPERM');
  await w.write(`/aos/procs/${pid}/ctl`, 'kill', w.as(5));
  t.is((await w.wait(pid)).reason, 'killed');
});

test('a run that reaches its budget is stopped there, after a warning, with what it has said', async t => {
  const w = await worldFor(t, { model: dear(100) });
  const pid = await w.send('researcher', JSON.stringify({ prompt: 'x', override: { max_cost_usd: 0.01 } }));
  const end = await w.wait(pid);
  t.like(end, { exit_code: 64, reason: 'budget', cost_usd: 0.01 });
  t.is(end.output, 'w0 w1 w2 w3 w4 w5 w6 w7 w8 w9 ');
  t.regex(String(end.message), /\$0\.01/);
  const trace = (await w.read(`/aos/procs/${pid}/stderr`)).trimEnd().split('\n');
  const warned = trace.map(line => JSON.parse(line)).filter(event => event.warn === true);
  t.like(warned, [{ type: 'budget', spent_usd: 0.008, remaining_usd: 0.002 }]);
  t.is(await w.read(`/aos/procs/${pid}/budget/remaining`), '0.00\n');
  t.is(await w.read('/aos/agents/researcher/cost'), '0.01\n');
});

test('the model is told what is left of the budget, also of one above', async t => {
  const w = await worldFor(t, { model: dear(3) });
  await w.wait(await w.send('researcher', JSON.stringify({ prompt: 'x', override: { max_cost_usd: 0.01 } })));
  t.is(field(w.asked[0], 'maxCost'), 10_000);
  let turn = 0;
  w.script.tools = { search: () => 'found' };
  w.script.model = async function* (request, op) {
    yield* dear(3)(request, op);
    if (turn++ === 0) yield { kind: 'tool_call', call: { id: 'a', name: 'search', args: {} } };
  };
  await w.wait(await w.send('researcher', JSON.stringify({ prompt: 'x', override: { max_cost_usd: 0.01 } })));
  t.is(field(w.asked[2], 'maxCost'), 7_000);
});

test('what a sub-run spends counts against the run that started it', async t => {
  let turn = 0;
  let purses: Caller['purses'];
  const script: Script = {
    async *model(_request, op) {
      if (op.caller.agent === 'coder') {
        purses = op.caller.purses;
        yield* dear(100)(_request, op);
        return;
      }
      if (turn++ === 0) yield { kind: 'tool_call', call: { id: 'a', name: 'search', args: {} } };
      else yield { kind: 'text', text: 'went on' };
    },
  };
  const w = await worldFor(t, script);
  let child = 0;
  script.tools = {
    search: async op => {
      child = await w.send('coder', 'sub', { ...op.caller, authority: w.as(0).authority });
      await w.wait(child);
      return 'done';
    },
  };
  const parent = await w.send('researcher', JSON.stringify({ prompt: 'x', override: { max_cost_usd: 0.005 } }));
  t.like(await w.wait(parent), { exit_code: 64, reason: 'budget', cost_usd: 0 });
  t.like(await w.wait(child), { exit_code: 64, reason: 'budget', cost_usd: 0.005 });
  // The gate holds the money of each request in both, so that sub-runs cannot overspend together.
  t.deepEqual(purses, [
    { run: parent, limit: 5_000 },
    { run: child, limit: 1_000_000 },
  ]);
  t.is(await w.read(`/aos/procs/${child}/ppid`), `${parent}\n`);
  t.true((await w.read(`/aos/procs/${parent}/stderr`)).includes(`"type":"spawn","pid":${child},"agent":"coder"`));
});

test('a run that takes too long ends with 66', async t => {
  const w = await worldFor(t, { model: deaf });
  const pid = await w.send('researcher', JSON.stringify({ prompt: 'x', override: { timeout_sec: 0.05 } }));
  t.like(await w.wait(pid), { exit_code: 66, reason: 'timeout', output: 'partial' });
});

test('a run that never gets done is ended by its turns', async t => {
  const w = await worldFor(t, {
    async *model() {
      yield { kind: 'tool_call', call: { id: 'a', name: 'search', args: {} } };
    },
    tools: { search: () => 'more' },
  });
  const end = await w.wait(await w.send('summarizer', 'x'));
  t.is(w.asked.length, 10);
  t.like(end, { reason: 'failed', exit_code: 2 });
  t.regex(String(end.message), /max_turns/);
});

test('what the model throws is the end of the run, with its exit code and its sentence', async t => {
  const script: Script = { model: saying() };
  const w = await worldFor(t, script);
  const failing = async (error: Error): Promise<Record<string, unknown>> => {
    script.model = async function* () {
      yield { kind: 'text', text: 'so far' };
      throw error;
    };
    const pid = await w.send('researcher', 'x');
    const end = await w.wait(pid);
    t.is(ends(w, pid), 1);
    t.is(end.output, 'so far');
    return end;
  };
  const upstream = new AosError('upstream', { component: 'openai', why: 'HTTP 529', remedy: 'try later' });
  t.like(await failing(upstream), { exit_code: 98, reason: 'failed', message: 'openai: HTTP 529; try later' });
  t.like(await failing(new AosError('budget', { component: 'cost', why: 'no money' })), {
    exit_code: 64,
    reason: 'budget',
  });
  t.like(await failing(new AosError('context_overflow', { component: 'openai', why: 'too long' })), { exit_code: 97 });
  t.like(await failing(new TypeError('boom')), { exit_code: 1, reason: 'failed' });
  t.is(await w.read('/aos/agents/researcher/status'), 'idle\n');
});

test('a run that cannot be killed for want of space waits on, and ends when it is killed again', async t => {
  const { model, begun } = held('first');
  const w = await worldFor(t, { model });
  await w.send('researcher', 'x');
  await begun;
  const pid = await w.send('researcher', 'y');
  const { runs } = await storeOf(w);
  const { update } = runs;
  runs.update = () => {
    throw new AosError('no_space', { component: 'store', why: 'there is no space left', remedy: 'free some' });
  };
  const kill = () => w.write(`/aos/procs/${pid}/ctl`, 'kill');
  await t.throwsAsync(kill, { message: /no space left/ });
  t.is(await w.read(`/aos/procs/${pid}/status`), 'throttled\n');
  runs.update = update;
  await kill();
  t.is(await w.read(`/aos/procs/${pid}/status`), 'zombie\n');
  t.like(await w.wait(pid), { exit_code: 130, reason: 'killed' });
});

test('what the gate settles counts too: paid tools, and what a model billed after the run had left', async t => {
  const { model, begun } = held('half');
  const w = await worldFor(t, {
    async *model(request, op) {
      yield { kind: 'cost', micros: 1_000 };
      yield* model(request, op);
    },
  });
  const pid = await w.send('researcher', JSON.stringify({ prompt: 'x', override: { max_cost_usd: 0.02 } }));
  await begun;
  const settled = (path: string, cost: number): void => {
    const at = { at: Date.now(), uid: 0, pid: 0, sid: 0, door: 'run', agent: 'researcher', error: undefined } as const;
    const record = { ...at, run: pid, cost, path: parsePath(path), verb: 'call', why: undefined } as const;
    w.core.hooks.tellSettled({ ...record, errno: undefined, component: undefined, remedy: undefined });
  };
  settled('/aos/mnt/github/issues', 2_000);
  await until('it is counted', async () => (await w.read(`/aos/procs/${pid}/budget/spent`)) === '0.003\n');
  settled('/aos/models/fake/one', 1_000);
  t.is(await w.read(`/aos/procs/${pid}/budget/spent`), '0.003\n');
  await w.write(`/aos/procs/${pid}/ctl`, 'kill');
  await w.wait(pid);
  settled('/aos/models/fake/one', 4_000);
  t.is(await w.read(`/aos/procs/${pid}/cost`), '0.007\n');
});
