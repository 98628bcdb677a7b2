import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { DEFAULT_CONFIG } from '../../core/config.ts';
import { AosError } from '../../core/errors.ts';
import { parsePath } from '../../core/path.ts';
import { definePlugin, dir, file, tree } from '../../plugin-sdk/index.ts';
import { field, makeHome, record, type Script, saying, until, type World, worldFor } from './world.ts';

/** Real models and tools; nothing is scripted but the mock's answers. */
type Real = NonNullable<Script['real']>;

async function world(t: ExecutionContext, real: Real, agents: Readonly<Record<string, string>> = {}): Promise<World> {
  const home = makeHome();
  const opened = await worldFor(t, { model: saying('unused'), real }, home);
  for (const [name, text] of Object.entries(agents)) writeFileSync(join(home, `etc/agents.d/${name}.yaml`), text);
  return opened;
}

function message(prompt: string, more: object = {}): string {
  return JSON.stringify({ prompt, ...more });
}

async function refused(t: ExecutionContext, act: () => Promise<unknown>): Promise<AosError> {
  const error = await t.throwsAsync(act, { instanceOf: AosError });
  return error;
}

/** Everything that was spent within a window of the layer, as the gate counts it. */
function used(w: World, layer: string): number {
  const path = parsePath('/aos/models/mock/default');
  return w.core.policy.budgets(w.as(0), path).find(state => state.layer === layer)?.used ?? -1;
}

const QUICK = 'tools: []\nqueue: {parallel: 16}\n';

test('runs at the same time wait for the money that others hold, and are all answered', async t => {
  // 4096 tokens of output cost $0.25: of the $1.00 that a user may spend in a minute four answers are held at a time.
  const real = { mock: [{ text: 'one two three', delay_ms: 20, usage: { input: 10, output: 3 } }] };
  const w = await world(t, { ...real, pricing: { input_per_1m: 1, output_per_1m: 60 } }, { quick: QUICK });
  const pids = await Promise.all(
    Array.from({ length: 16 }, (_, i) => w.send('quick', message(`${i}`, { force: true, session: `s${i}` }))),
  );
  await until('one has to wait', async () => {
    const all = (await w.call('/aos/procs', { op: 'list' })) as { status: string }[];
    return all.some(run => run.status === 'throttled');
  });
  t.true(used(w, 'uid') <= 1_000_000);
  for (const pid of pids) t.like(await w.wait(pid), { exit_code: 0, output: 'one two three' });
  t.is(used(w, 'uid'), 16 * (10 + 3 * 60));
});

test('once the money is spent, not only held, a run ends with 64 and the layer is named', async t => {
  const real = {
    mock: [{ text: 'x', usage: { input: 0, output: 10 } }],
    pricing: { input_per_1m: 0, output_per_1m: 100 },
  };
  const budgets = { ...DEFAULT_CONFIG.budgets, uid: { usd: 411_000, per: 60_000 } };
  const w = await world(t, { ...real, config: { budgets } }, { quick: QUICK });
  t.like(await w.wait(await w.send('quick', message('a', { force: true }))), { exit_code: 0 });
  t.like(await w.wait(await w.send('quick', message('b', { force: true }))), { exit_code: 0 });
  const end = await w.wait(await w.send('quick', message('c', { force: true })));
  t.like(end, { exit_code: 64, reason: 'budget' });
  t.regex(String(end.message), /uid budget of \$0\.411 in 1m has \$0\.002 spent/);
});

test('an agent whose answers are short asks for less, where the usual length has no room', async t => {
  const real = {
    mock: [{ text: 'x', usage: { input: 0, output: 10 } }],
    pricing: { input_per_1m: 0, output_per_1m: 100 },
  };
  const budgets = { ...DEFAULT_CONFIG.budgets, uid: { usd: 415_000, per: 60_000 } };
  const w = await world(t, { ...real, config: { budgets } }, { quick: QUICK });
  // After five runs there is a past. From then on the $0.4096 of the usual length has no room beside what was spent.
  for (let i = 0; i < 12; i++) {
    t.like(await w.wait(await w.send('quick', message(`${i}`, { force: true }))), { exit_code: 0 }, String(i));
  }
  t.is(used(w, 'uid'), 12_000);
});

test('a run is stopped by its budget to the token, its answer so far is kept', async t => {
  const real = { mock: [{ text: 'w '.repeat(1000), usage: { input: 0, output: 1000 } }] };
  const w = await world(t, { ...real, pricing: { input_per_1m: 0, output_per_1m: 100 } }, { quick: QUICK });
  const pid = await w.send('quick', message('x', { override: { max_cost_usd: 0.01 } }));
  const end = await w.wait(pid);
  t.like(end, { exit_code: 64, reason: 'budget' });
  t.true(Number(end.cost_usd) <= 0.01 && Number(end.cost_usd) >= 0.0095, String(end.cost_usd));
  // A word is a token of a hundredth of a cent; one micro-dollar is never used up.
  t.is(end.output, 'w '.repeat(99));
  t.regex(String(end.message), /\$0\.01 has \$0\.0099 spent, and the \$0\.0001 left do not pay for a further answer/);
  t.true((await w.read(`/aos/procs/${pid}/stderr`)).includes('"warn":true'));
});

const LEADER = `tools: [write]
capabilities:
  - {verbs: [write], path: /aos/agents/*/inbox}
  - {verbs: [read, write, create], path: /aos/memory/**}
limits: {max_cost_usd: 0.05}
`;
const HELPER = `tools: [write]
capabilities:
  - {verbs: [list, read], path: /aos/**}
  - {verbs: [write, create], path: /aos/memory/**}
`;

function tells(match: string, path: string, text: string): object {
  return { match, tool_calls: [{ name: 'write', args: { path, text } }], usage: { input: 0, output: 10 } };
}

test('an agent that invokes another is its parent: authority narrows again, money counts against both', async t => {
  const mock = [
    tells('^lead', '/aos/agents/helper/inbox', message('help', { override: { max_cost_usd: 2 } })),
    tells('^help', '/aos/memory/found.md', 'found'),
    { text: 'done', usage: { input: 0, output: 10 } },
  ];
  const w = await world(
    t,
    { mock, pricing: { input_per_1m: 0, output_per_1m: 10 } },
    { leader: LEADER, helper: HELPER },
  );
  const parent = await w.send('leader', message('lead'));
  await w.wait(parent);
  const spawned = (await w.read(`/aos/procs/${parent}/stderr`)).match(/"type":"spawn","pid":(\d+),"agent":"helper"/);
  const child = Number(spawned?.[1]);
  t.like(await w.wait(child), { exit_code: 0, output: 'done' });
  t.is(await w.read(`/aos/procs/${child}/ppid`), `${parent}\n`);
  t.is(await w.read('/aos/memory/found.md'), 'found');
  const sets = JSON.parse(await w.read(`/aos/procs/${child}/capabilities`)) as { name: string }[];
  t.deepEqual(
    sets.map(set => set.name),
    ['uid 0', 'agent leader', 'agent helper'],
  );
  // Each asked the model twice, for 10 tokens of a thousandth of a cent.
  t.is(await w.read(`/aos/procs/${child}/budget/spent`), '0.0002\n');
  t.is(await w.read(`/aos/procs/${parent}/budget/spent`), '0.0004\n');
  // An agent's word cannot raise the limit of the one it asks.
  t.is(await w.read(`/aos/procs/${child}/budget/limit`), '1.00\n');
  t.is(used(w, 'uid'), 400);
});

test('what an agent hands to another is read as that agent: by its lease, counted against its budget', async t => {
  const mock = [
    tells('^lead', '/aos/agents/helper/inbox', message('help', { attach: '/aos/mnt/paid/a' })),
    { text: 'done', usage: { input: 0, output: 10 } },
  ];
  const budgets = { ...DEFAULT_CONFIG.budgets, agents: { leader: { usd: 100_000, per: 60_000 } } };
  const capabilities = LEADER.replace('capabilities:', 'capabilities:\n  - {verbs: [read], path: /aos/mnt/**}');
  const w = await world(t, { mock, config: { budgets } }, { leader: capabilities, helper: HELPER });
  const paid = parsePath('/aos/mnt/paid');
  const outside = tree({
    '/': dir(() => ['a']),
    '/:name': file({
      read(args) {
        args.meter.spend(5_000);
        return 'from outside';
      },
    }),
  });
  const price = (verb: string): number => (verb === 'read' ? 5_000 : 0);
  const mount = definePlugin({
    name: 'outside',
    setup: api => void api.mount({ path: paid, tree: outside, locked: true, price }),
  });
  await w.core.plugins.admit([mount]);
  const until = Date.now() + 60_000;
  w.core.policy.leases.add({ path: paid, until, uid: 0, scope: { kind: 'agent', agent: 'leader' } });
  const parent = await w.send('leader', message('lead'));
  await w.wait(parent);
  const child = Number((await w.read(`/aos/procs/${parent}/stderr`)).match(/"type":"spawn","pid":(\d+)/)?.[1]);
  t.like(await w.wait(child), { exit_code: 0, output: 'done' });
  const leader = { ...w.as(0), agent: 'leader' };
  const layers = w.core.policy.budgets(leader, paid);
  t.is(layers.find(({ layer }) => layer === 'agent')?.used, 5_000);
});

test('a sub-run cannot spend more than is left to whoever started it', async t => {
  const mock = [
    tells('^lead', '/aos/agents/helper/inbox', message('long', { override: { max_cost_usd: 1 } })),
    { match: '^long', text: 'w '.repeat(4000), usage: { input: 0, output: 4000 } },
    { text: 'done', usage: { input: 0, output: 10 } },
  ];
  const w = await world(
    t,
    { mock, pricing: { input_per_1m: 0, output_per_1m: 20 } },
    { leader: LEADER, helper: HELPER },
  );
  const parent = await w.send('leader', message('lead'));
  await w.wait(parent);
  const child = Number((await w.read(`/aos/procs/${parent}/stderr`)).match(/"type":"spawn","pid":(\d+)/)?.[1]);
  const end = await w.wait(child);
  t.like(end, { exit_code: 64, reason: 'budget' });
  t.true(String(end.output).startsWith('w w '));
  t.true(used(w, 'uid') <= 50_000, `${used(w, 'uid')}`);
});

test('what one set of the chain withholds, no sub-run may touch', async t => {
  const mock = [
    tells('^lead', '/aos/agents/helper/inbox', 'help'),
    tells('^help', '/aos/memory/found.md', 'found'),
    { text: 'done' },
  ];
  const w = await world(t, { mock }, { leader: LEADER.replace(/ {2}- .*memory.*\n/, ''), helper: HELPER });
  const parent = await w.send('leader', 'lead');
  await w.wait(parent);
  const child = Number((await w.read(`/aos/procs/${parent}/stderr`)).match(/"type":"spawn","pid":(\d+)/)?.[1]);
  t.like(await w.wait(child), { exit_code: 0 });
  t.regex(await w.read(`/aos/procs/${child}/stderr`), /"status":"error"/);
  await t.throwsAsync(() => w.read('/aos/memory/found.md'));
});

test('agents may call agents so deep and no deeper', async t => {
  const again = {
    tool_calls: [{ name: 'write', args: { path: '/aos/agents/leader/inbox', text: 'lead' } }],
    match: '^lead',
  };
  const w = await world(t, { mock: [again, { text: 'done' }] }, { leader: `${LEADER}queue: {parallel: 16}\n` });
  await w.wait(await w.send('leader', 'lead'));
  await until('the deepest has ended', async () => (await w.read('/aos/agents/leader/status')) === 'idle\n');
  const runs = (await w.call('/aos/procs', { op: 'list' })) as { pid: number }[];
  t.is(runs.length, 8);
  const results = await w.read(`/aos/procs/${runs.at(-1)?.pid}/stderr`);
  t.regex(results, /"status":"error"/);
  const end = await w.wait(Number(runs.at(-1)?.pid));
  const told = await w.read(`/aos/conversations/${end.conversation}/tools/001_write.json`);
  t.regex(told, /agents may call agents 8 deep and this would be one more/);
});

test('what will probably cost more than $0.10 has to be meant, however it is sent', async t => {
  const real = {
    mock: [{ text: 'x', usage: { input: 5, output: 5 } }],
    pricing: { input_per_1m: 1, output_per_1m: 60 },
  };
  const w = await world(t, real, { quick: QUICK });
  for (const text of ['plain', message('object')]) {
    const error = await refused(t, () => w.send('quick', text));
    t.like(error, { kind: 'costly', errno: 'EDQUOT', exitCode: 1 });
    t.regex(error.message, /Estimated cost: \$0\.25 \(range: 0\.02-0\.25\), above \$0\.10; give --budget=USD.*--force/);
  }
  t.is(w.events.length, 0);
  t.is(used(w, 'uid'), 0);
  for (const more of [{ force: true }, { override: { max_cost_usd: 0.5 } }]) {
    t.like(await w.wait(await w.send('quick', message('x', more))), { exit_code: 0 });
  }
  // The agent has a past now, and it is cheap.
  t.like(await w.wait(await w.send('quick', 'plain')), { exit_code: 0 });
});

test('an estimate rests on the prompt as it will be sent and on what the last answers took', async t => {
  const real = {
    mock: [{ text: 'x', usage: { input: 1000, output: 200 } }],
    pricing: { input_per_1m: 10, output_per_1m: 100 },
  };
  const w = await world(t, real, { quick: QUICK });
  const ask = async (prompt: string, more: object = {}): Promise<Record<string, unknown>> =>
    record(await w.call('/aos/agents/quick/inbox', { dry_run: true, prompt, session: 'new', ...more }));
  const before = await ask('x');
  t.regex(String(before.basis), /no earlier runs, so an answer of 256 to 4096 tokens in 1 request/);
  await w.wait(await w.send('quick', message('x', { force: true, session: 's' })));
  const once = await ask('x');
  t.regex(String(once.basis), /as long as in its last run, 200 to 200 tokens; at most an answer of 256 to 4096 tokens/);
  t.true(Number(once.high_usd) > 10 * Number(once.estimate_usd));
  for (let i = 0; i < 2; i++) await w.wait(await w.send('quick', message('x', { force: true, session: `s${i}` })));
  const after = await ask('x');
  t.regex(String(after.basis), /as long as in its last 3 runs, 200 to 200 tokens/);
  const tokens = Number(/^(\d+) tokens of prompt for mock\/default/.exec(String(after.basis))?.[1]);
  t.is(after.estimate_usd, (tokens * 10 + 200 * 100) / 1e6);
  t.deepEqual([after.low_usd, after.high_usd], [after.estimate_usd, after.estimate_usd]);
  const longer = await ask('x'.repeat(40_001));
  t.is(Math.round((Number(longer.estimate_usd) - Number(after.estimate_usd)) * 1e6), 100_000);
  await w.write('/aos/memory/long.md', 'y'.repeat(4_000));
  const attached = await ask('x', { attach: '/aos/memory/long.md' });
  t.is(Math.round((Number(attached.estimate_usd) - Number(after.estimate_usd)) * 1e6), 10_000);
  const inSession = await ask('x', { session: 's1' });
  t.true(Number(inSession.estimate_usd) > Number(after.estimate_usd));
  t.is((await ask('x', { override: { max_cost_usd: 0.001 } })).estimate_usd, 0.001);
});

test('an unknown price is unknown, never nothing, and refused unless that is allowed', async t => {
  const backends = { openai: { base_url: 'http://127.0.0.1:9/v1', models: ['house'], local: false, api_key: 'x' } };
  const w = await world(t, { config: { backends, model: 'openai/house' } }, { quick: QUICK });
  const asked = await w.call('/aos/agents/quick/inbox', { dry_run: true, prompt: 'x' });
  t.like(record(asked), { estimate_usd: null, low_usd: null, high_usd: null });
  t.regex(String(field(asked, 'basis')), /the price of openai\/house is unknown/);
  for (const more of [{}, { force: true }, { override: { max_cost_usd: 1 } }]) {
    const error = await refused(t, () => w.send('quick', message('x', more)));
    t.is(error.kind, 'unpriced');
    t.regex(error.message, /--allow-unknown-cost/);
  }
  // Allowed, it gets as far as the server, which is not there.
  const pid = await w.send('quick', message('x', { allow_unknown_cost: true }));
  const end = await w.wait(pid);
  t.like(end, { exit_code: 98, cost_usd: null });
  t.is(await w.read(`/aos/procs/${pid}/cost`), 'unknown\n');
  t.is(JSON.parse(await w.read(`/aos/procs/${pid}/exit`)).cost_usd, null);
  t.like(await w.call('/aos/procs', { op: 'list' }), [{ pid, cost_usd: null }]);
  for (const file of ['meta.json', 'cost.json']) {
    t.is(JSON.parse(await w.read(`/aos/conversations/${end.conversation}/${file}`)).cost_usd, null, file);
  }
});
