import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { AosError } from '../../core/errors.ts';
import { parsePath } from '../../core/path.ts';
import {
  dropHome,
  field,
  held,
  makeHome,
  openWorld,
  record,
  type Script,
  saying,
  storeOf,
  type World,
} from '../procs/world.ts';

async function world(t: ExecutionContext, script: Script, home: string = makeHome()): Promise<World> {
  const opened = await openWorld(home, script);
  t.teardown(() => {
    opened.crash();
    dropHome(home);
  });
  return opened;
}

async function refused(t: ExecutionContext, act: () => Promise<unknown>): Promise<AosError> {
  return t.throwsAsync(act, { instanceOf: AosError });
}

test('an agent shows what it is doing and what it said', async t => {
  const first = held('Once');
  const script: Script = { model: first.model };
  const w = await world(t, script);
  t.is(await w.read('/aos/agents/researcher/status'), 'idle\n');
  const pid = await w.send('researcher', 'Tell');
  await first.begun;
  t.is(await w.read('/aos/agents/researcher/status'), 'running\n');
  t.is(await w.read('/aos/agents/researcher/stream'), 'Once');
  t.is(await w.read('/aos/agents/researcher/output'), '');
  first.release();
  const { conversation } = await w.wait(pid);
  t.is(await w.read('/aos/agents/researcher/output'), 'Once end\n');
  t.is(await w.read('/aos/agents/researcher/stream'), 'Once end\n');
  t.is(await w.read('/aos/agents/researcher/current/meta.json').catch(() => 'link'), 'link');
  const stat = await w.core.aos.stat(w.as(0), parsePath('/aos/agents/researcher/current'));
  t.is(stat.target, `../../conversations/${conversation}`);
  script.model = saying('Twice');
  await w.wait(await w.send('researcher', 'More'));
  t.is(await w.read('/aos/agents/researcher/stream'), 'Twice\n');
});

test('the last answer is there after a restart', async t => {
  const home = makeHome();
  const w = await world(t, { model: saying('kept') }, home);
  await w.wait(await w.send('researcher', 'x'));
  w.crash();
  const again = await world(t, { model: saying() }, home);
  t.is(await again.read('/aos/agents/researcher/output'), 'kept\n');
  t.true((await again.list('/aos/agents/researcher')).includes('current'));
});

test('a message may be an object with an override', async t => {
  const w = await world(t, { model: saying('yes') });
  const pid = await w.send('coder', '{"prompt": "x", "override": {"max_cost_usd": 0.25, "model": "fake/one"}}');
  await w.wait(pid);
  t.is(await w.read(`/aos/procs/${pid}/budget/limit`), '0.25\n');
});

for (const [what, text, said] of [
  ['nothing', '', /empty/],
  ['only spaces', ' \n ', /empty/],
  ['broken JSON', '{"prompt": ', /not JSON/],
  ['an unknown key', '{"prompt": "x", "overide": {}}', /"overide".*did you mean "override"/],
  ['an unknown key of override', '{"prompt": "x", "override": {"modell": "a"}}', /"override\.modell".*"model"/],
  ['no prompt', '{"override": {}}', /"prompt"/],
  ['an empty prompt', '{"prompt": ""}', /empty/],
  ['a prompt that is no text', '{"prompt": 3}', /"prompt"/],
  ['a session that is a path', '{"prompt": "x", "session": "../x"}', /session/],
  ['a context that is none', '{"prompt": "x", "context": "/etc/passwd"}', /context/],
  ['a negative limit', '{"prompt": "x", "override": {"max_cost_usd": -1}}', /max_cost_usd/],
] as const) {
  test(`${what} is refused, with the reason`, async t => {
    const w = await world(t, { model: saying('never') });
    const error = await refused(t, () => w.write('/aos/agents/coder/inbox', text));
    t.is(error.errno, 'EINVAL');
    t.regex(error.message, said);
    t.regex(await w.read('/aos/agents/coder/log'), /refused a message of uid 0: /);
    t.is(w.events.length, 0);
  });
}

test('an unknown model is refused before anything is accepted', async t => {
  const w = await world(t, { model: saying('never') });
  const error = await refused(t, () => w.send('coder', '{"prompt": "x", "override": {"model": "fake/two"}}'));
  t.regex(error.message, /did you mean fake\/one/);
  t.is(w.events.length, 0);
});

test('what the sender may not read cannot be handed over', async t => {
  const w = await world(t, { model: saying('never') });
  await w.write('/aos/memory/secret.md', 'x');
  const set = {
    name: 'uid 5',
    grants: [
      { verbs: ['write'] as const, path: '/aos/agents/**' },
      { verbs: ['list'] as const, path: '/aos/memory/**' },
    ],
  };
  const text = JSON.stringify({ prompt: 'x', attach: '/aos/memory/secret.md' });
  t.is((await refused(t, () => w.send('coder', text, w.as(5, set)))).errno, 'EACCES');
  const missing = JSON.stringify({ prompt: 'x', attach: ['/aos/memory/none.md'] });
  t.is((await refused(t, () => w.send('coder', missing))).errno, 'ENOENT');
});

test('a full queue refuses at open', async t => {
  const first = held('x');
  const w = await world(t, { model: first.model });
  writeFileSync(join(w.home, 'etc/agents.d/poet.yaml'), 'queue: {depth: 1}\n');
  await w.send('poet', 'runs');
  await first.begun;
  await w.send('poet', 'waits');
  const how = { read: false, write: true, append: false, truncate: true };
  const error = await refused(t, async () => w.core.aos.open(w.as(0), parsePath('/aos/agents/poet/inbox'), how));
  t.is(error.kind, 'queue_full');
  t.is(error.errno, 'EAGAIN');
  t.is(error.exitCode, 67);
});

test('a session goes on until a new one is asked for; its cost is its own', async t => {
  const w = await world(t, {
    async *model() {
      yield { kind: 'text', text: 'x' };
      yield { kind: 'cost', micros: 4_200 };
    },
  });
  const one = await w.read('/aos/agents/coder/session');
  await w.wait(await w.send('coder', 'a'));
  t.is(await w.read('/aos/agents/coder/cost'), '0.0042\n');
  t.is(await w.read('/aos/agents/coder/session'), one);
  await w.write('/aos/agents/coder/session', 'new\n');
  t.not(await w.read('/aos/agents/coder/session'), one);
  t.is(await w.read('/aos/agents/coder/cost'), '0.00\n');
  await w.write('/aos/agents/coder/session', one);
  t.is(await w.read('/aos/agents/coder/cost'), '0.0042\n');
  t.is((await refused(t, () => w.write('/aos/agents/coder/session', '../up'))).errno, 'EINVAL');
});

test('a context serves one run', async t => {
  const w = await world(t, { model: saying('forty-two') });
  const { conversation } = await w.wait(await w.send('researcher', 'The answer?'));
  const path = `/aos/conversations/${conversation}/context.ctx`;
  t.is((await refused(t, () => w.write('/aos/agents/coder/context', '/aos/memory/x.md'))).errno, 'EINVAL');
  await w.write('/aos/agents/coder/context', `${path}\n`);
  t.is(await w.read('/aos/agents/coder/context'), `${path}\n`);
  await w.wait(await w.send('coder', 'Check it'));
  t.is(await w.read('/aos/agents/coder/context'), '\n');
  t.regex(JSON.stringify(w.asked[1]?.messages), /The answer\?/);
});

test('an estimate spends nothing', async t => {
  const w = await world(t, { model: saying('x'), pricing: { input_per_1m: 3, output_per_1m: 15 } });
  const found = record(await w.call('/aos/agents/coder/inbox', { dry_run: true, prompt: 'x' }));
  const [low, likely, high] = [found.low_usd, found.estimate_usd, found.high_usd].map(Number);
  t.true(Number(low) > 0 && Number(low) <= Number(likely) && Number(likely) <= Number(high));
  t.is(w.events.length, 0);
  const capped = await w.call('/aos/agents/coder/inbox', {
    dry_run: true,
    prompt: 'x',
    override: { max_cost_usd: 0.001 },
  });
  t.is(field(capped, 'high_usd'), 0.001);
  await refused(t, () => w.call('/aos/agents/coder/inbox', { prompt: 'x' }));
});

test('waiting for an agent answers once it is idle, with its last answer', async t => {
  const first = held('one');
  const w = await world(t, { model: first.model });
  t.like(await w.call('/aos/agents/coder', { op: 'wait' }), { agent: 'coder', status: 'idle' });
  await w.send('coder', 'a');
  await w.send('coder', 'b');
  const waited = w.call('/aos/agents/coder', { op: 'wait' });
  w.script.model = saying('two');
  first.release();
  t.like(await waited, { agent: 'coder', status: 'idle', output: 'two', exit_code: 0 });
});

test('waiting for an agent answers also where a full disk keeps nothing of its run', async t => {
  const { model, begun, release } = held('one');
  const paid: Script['model'] = async function* (request, op) {
    yield { kind: 'cost', micros: 20_000 };
    yield* model(request, op);
  };
  const w = await world(t, { model: paid });
  const pid = await w.send('coder', 'a');
  await begun;
  const waited = w.call('/aos/agents/coder', { op: 'wait' });
  const { keys } = await storeOf(w);
  keys.set = () => {
    throw new AosError('no_space', { component: 'store', why: 'there is no space left', remedy: 'free some' });
  };
  release();
  t.is((await w.wait(pid)).reason, 'completed');
  t.like(await waited, { agent: 'coder', status: 'idle' });
  t.is(await w.read('/aos/agents/coder/cost'), '0.02\n');
});
