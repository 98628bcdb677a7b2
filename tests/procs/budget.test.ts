/** What a run that ends for its budget says: a warning before, and what is left as it is. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Answer, delta, fakeOpenai, sse, usage } from '../backends/openai-server.ts';
import { makeHome, type Script, saying, type World, worldFor } from './world.ts';

const PRICING = { input_per_1m: 3, output_per_1m: 15 };

async function world(
  t: ExecutionContext,
  real: NonNullable<Script['real']>,
  agents: Readonly<Record<string, string>> = { quick: 'tools: []\n' },
): Promise<World> {
  const home = makeHome();
  const opened = await worldFor(t, { model: saying('unused'), real }, home);
  for (const [name, text] of Object.entries(agents)) writeFileSync(join(home, `etc/agents.d/${name}.yaml`), text);
  return opened;
}

function message(prompt: string, budget: number): string {
  return JSON.stringify({ prompt, override: { max_cost_usd: budget } });
}

interface Told {
  readonly type: string;
  readonly spent_usd?: number;
  readonly remaining_usd?: number;
  readonly warn?: boolean;
}

async function traceOf(w: World, pid: number): Promise<Told[]> {
  const lines = (await w.read(`/aos/procs/${pid}/stderr`)).trimEnd().split('\n');
  return lines.map(line => JSON.parse(line));
}

function warned(trace: readonly Told[]): Told[] {
  return trace.filter(({ type, warn }) => type === 'budget' && warn === true);
}

for (const budget of [0.003, 0.005, 0.007, 0.01]) {
  test(`a budget of $${budget} is spent to the last token that it pays for, with a warning on the way`, async t => {
    const mock = [{ text: 'w '.repeat(1000), usage: { input: 20, output: 1000 } }];
    const w = await world(t, { mock, pricing: PRICING });
    const pid = await w.send('quick', message('x', budget));
    const end = await w.wait(pid);
    t.like(end, { exit_code: 64, reason: 'budget' });
    t.true(Number(end.cost_usd) <= budget && Number(end.cost_usd) > budget - 2 * 15e-6, String(end.cost_usd));
    const warnings = warned(await traceOf(w, pid));
    t.is(warnings.length, 1);
    const share = Number(warnings[0]?.spent_usd) / budget;
    t.true(share > 0.7999 && share < 0.85, String(share));
    t.regex(String(end.message), /left do not pay for a further answer/);
  });
}

/** As long as it may be, up to 1000 tokens; the prompt is said to have been 20. */
const talkative: Answer = ({ body }, response) => {
  const tokens = Math.min(1000, Number(body.max_tokens ?? 1000));
  const words = Array.from({ length: tokens }, () => delta({ content: 'w ' }));
  sse(response, [...words, delta({}, tokens < 1000 ? 'length' : 'stop'), usage(20, tokens)]);
};

test('an answer that was cut before its prompt was counted says what is left, and was warned of', async t => {
  const { url } = await fakeOpenai(t, talkative);
  const openai = { base_url: url, models: ['house'], local: false, pricing: PRICING };
  const w = await world(t, { config: { model: 'openai/house', backends: { openai } } });
  const pid = await w.send('quick', message('x', 0.005));
  const end = await w.wait(pid);
  t.like(end, { exit_code: 64, reason: 'budget' });
  const said = /the budget of \$0\.005 was sure to pay for .*; \$([\d.]+) are spent, \$([\d.]+) left/.exec(
    String(end.message),
  );
  t.is(Number(said?.[1]), Number(end.cost_usd));
  t.is(Math.round((Number(said?.[1]) + Number(said?.[2])) * 1e6), 5_000);
  t.true(Number(end.cost_usd) < 0.8 * 0.005, 'the case that is meant');
  const trace = await traceOf(w, pid);
  t.like(warned(trace), [{ spent_usd: Number(said?.[1]), remaining_usd: Number(said?.[2]) }]);
  t.deepEqual(
    trace.slice(-3).map(({ type }) => type),
    ['budget', 'error', 'exit'],
  );
  // The prompt is counted now, so the same again is asked for as long an answer as the money pays for.
  const again = await w.wait(
    await w.send('quick', JSON.stringify({ ...JSON.parse(message('x', 0.005)), session: 'new' })),
  );
  t.true(Number(again.cost_usd) > 0.0049, String(again.cost_usd));
});

test('a run that cannot even begin is warned of too', async t => {
  const w = await world(t, { mock: [{ text: 'x', usage: { input: 10_000, output: 1 } }], pricing: PRICING });
  const pid = await w.send('quick', message('x', 0.01));
  const end = await w.wait(pid);
  t.like(end, { exit_code: 64, reason: 'budget', cost_usd: 0 });
  t.regex(String(end.message), /the run budget of \$0\.01 has \$0\.00 spent, and this could cost \$0\.03/);
  t.like(warned(await traceOf(w, pid)), [{ spent_usd: 0, remaining_usd: 0.01 }]);
});

test('a sub-run tells of the tightest budget above it, and is warned at 80 % of that', async t => {
  const help = { path: '/aos/agents/helper/inbox', text: message('help', 1) };
  const mock = [
    { match: '^lead', tool_calls: [{ name: 'write', args: help }], usage: { input: 0, output: 100 } },
    { match: '^help', text: 'w '.repeat(1000), usage: { input: 0, output: 1000 } },
    { text: 'done', usage: { input: 0, output: 1 } },
  ];
  const leader = 'tools: [write]\ncapabilities:\n  - {verbs: [write], path: /aos/agents/*/inbox}\n';
  // The leader's request costs a tenth of its budget.
  const w = await world(
    t,
    { mock, pricing: { input_per_1m: 0, output_per_1m: 10 } },
    { leader, helper: 'tools: []\n' },
  );
  const parent = await w.send('leader', message('lead', 0.01));
  await w.wait(parent);
  const spawned = (await w.read(`/aos/procs/${parent}/stderr`)).match(/"type":"spawn","pid":(\d+)/);
  const child = Number(spawned?.[1]);
  const end = await w.wait(child);
  t.like(end, { exit_code: 64, reason: 'budget' });
  const warnings = warned(await traceOf(w, child));
  t.is(warnings.length, 1);
  const left = Number(warnings[0]?.remaining_usd);
  t.true(left <= 0.002 && left > 0.0015, JSON.stringify(warnings));
  t.regex(String(end.message), new RegExp(`budget of \\$0\\.01 of run ${parent}, which started it`));
});
