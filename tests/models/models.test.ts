import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { builtinBackends } from '../../backends/index.ts';
import { NEVER } from '../../core/cancel.ts';
import { DEFAULT_CONFIG } from '../../core/config.ts';
import type { Resolved } from '../../models/index.ts';
import { modelsPlugin } from '../../models/index.ts';
import { AosError, type Config, type Op, type PricedEvent, parsePath } from '../../plugin-sdk/index.ts';
import { delta, fakeOpenai, json, sse, usage } from '../backends/openai-server.ts';
import { caller, testCore } from '../support/core.ts';

const MODELS = parsePath('/aos/models');
const ASK = { messages: [{ role: 'user', text: 'hello' }], tools: [] };
const NO_LIMITS = {
  ...DEFAULT_CONFIG.budgets,
  pid: { usd: 0, per: 0 },
  session: { usd: 0, per: 0 },
  uid: { usd: 0, per: 0 },
};

async function world(config: Partial<Config> = {}, env: Record<string, string> = {}) {
  const core = await testCore({ ...DEFAULT_CONFIG, budgets: NO_LIMITS, ...config });
  await core.plugins.admit([modelsPlugin(builtinBackends, { AOS_PROBE: '0', ...env })]);
  const me = caller();
  const read = async (path: string) => Buffer.from(await core.aos.read(me, parsePath(path))).toString();
  const list = async (path: string) => [...(await core.aos.list(me, parsePath(path)))].map(entry => entry.name);
  const resolve = async (model?: string) => (await core.aos.call(me, MODELS, { op: 'resolve', model })) as Resolved;
  const call = async (path: string, request: unknown = ASK) =>
    collect((await core.aos.call(me, parsePath(path), request)) as AsyncIterable<PricedEvent>);
  return { ...core, me, read, list, resolve, call };
}

async function collect(events: AsyncIterable<PricedEvent>) {
  const all: PricedEvent[] = [];
  let failure: unknown;
  try {
    for await (const event of events) all.push(event);
  } catch (error) {
    failure = error;
  }
  const text = all.map(event => (event.kind === 'text' ? event.text : '')).join('');
  const cost = all.reduce((sum, event) => sum + (event.kind === 'cost' ? event.micros : 0), 0);
  return { all, text, cost, failure };
}

function canned(t: ExecutionContext, line: object): string {
  const dir = mkdtempSync(join(tmpdir(), 'aos-models-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const file = join(dir, 'answers.jsonl');
  writeFileSync(file, JSON.stringify(line));
  return file;
}

test('with nothing configured offline answers, and /aos/models/default says why and why not another', async t => {
  const { read, resolve, call } = await world();
  const text = await read('/aos/models/default');
  t.regex(text, /^offline\/search\nwhy: no language model is available/);
  t.regex(text, /\nnot anthropic: /);
  t.regex(text, /\nnot openai: no key: set OPENAI_API_KEY/);
  t.regex(text, /\nnot vllm: not looked for/);
  t.like(await resolve(), { name: 'offline/search', path: '/aos/models/offline/search', local: true });
  const { text: answer, cost, failure } = await call('/aos/models/offline/search');
  t.is(failure, undefined);
  t.is(cost, 0);
  t.regex(answer, /No language model is involved/);
});

test('an OpenAI key makes OpenAI the default, with its list price', async t => {
  const { resolve, read } = await world({}, { OPENAI_API_KEY: 'sk-x' });
  const chosen = await resolve();
  t.is(chosen.name, 'openai/gpt-5-mini');
  t.false(chosen.local);
  t.deepEqual(chosen.pricing, { input_per_1m: 0.25, output_per_1m: 2, cache_read_per_1m: 0.025 });
  t.regex(await read('/aos/models/openai/gpt-5/pricing'), /input_per_1m: 1\.25\noutput_per_1m: 10\n.*source: list/s);
  t.is(await read('/aos/models/openai/gpt-5-mini/status'), 'default\n');
  t.is(await read('/aos/models/openai/gpt-5/status'), 'ready\n');
});

test('a server that answers on this machine is the default, and free', async t => {
  const { url } = await fakeOpenai(t, (seen, response) =>
    seen.url.endsWith('/models')
      ? json(response, 200, { data: [{ id: 'org/qwen', max_model_len: 4096 }] })
      : sse(response, [delta({ content: 'hi' }, 'stop')]),
  );
  const { resolve, list, call, read } = await world({ backends: { vllm: { base_url: url } } });
  t.like(await resolve(), {
    name: 'vllm/org/qwen',
    path: '/aos/models/vllm/org%2Fqwen',
    local: true,
    contextTokens: 4096,
  });
  t.deepEqual(await list('/aos/models/vllm'), ['available', 'org%2Fqwen']);
  t.like(await call('/aos/models/vllm/org%2Fqwen'), { text: 'hi', cost: 0, failure: undefined });
  t.is(await read('/aos/models/vllm/org%2Fqwen/limits'), 'context_tokens: 4096\noutput_tokens_max: unknown\n');
});

test('the configured default wins, also by an alias', async t => {
  const { resolve, read } = await world(
    { model: 'fast', aliases: { fast: 'mock/default' } },
    { OPENAI_API_KEY: 'sk-x' },
  );
  t.is((await resolve()).name, 'mock/default');
  t.regex(await read('/aos/models/default'), /^mock\/default\nwhy: it is the configured default/);
});

test('names: alias, provider, bare model, unlisted but priced', async t => {
  const { resolve } = await world({ aliases: { gpt: 'openai/gpt-5' } }, { OPENAI_API_KEY: 'sk-x' });
  t.is((await resolve('gpt')).name, 'openai/gpt-5');
  t.is((await resolve('offline')).name, 'offline/search');
  t.is((await resolve('gpt-5-nano')).name, 'openai/gpt-5-nano');
  t.is((await resolve('openai/gpt-5.5')).name, 'openai/gpt-5.5');
});

for (const [name, said] of [
  ['openai/gtp-5', /openai has no model "openai\/gtp-5".*did you mean openai\/gpt-5\?/],
  ['ofline/search', /there is no model "ofline\/search"; did you mean offline\/search\?/],
  ['ofline', /there is no model "ofline"; did you mean offline\?/],
  ['xyzzy', /there is no model "xyzzy"; see: aos ls \/aos\/models/],
  ['anthropic/claude', /this version has no backend for it/],
] as const) {
  test(`an unknown model is refused with the nearest: ${name}`, async t => {
    const { resolve } = await world({}, { OPENAI_API_KEY: 'sk-x' });
    const error = await t.throwsAsync(resolve(name), { instanceOf: AosError });
    t.is(error?.kind, 'not_found');
    t.regex(error?.message ?? '', said);
  });
}

test('a model that does not exist is not in the tree', async t => {
  const { read, call } = await world();
  t.is((await t.throwsAsync(read('/aos/models/offline/nope/info'), { instanceOf: AosError }))?.kind, 'not_found');
  t.is((await t.throwsAsync(call('/aos/models/nope/nope'), { instanceOf: AosError }))?.kind, 'not_found');
});

test('a model without its key is there, and refuses with what to do', async t => {
  const { call, read } = await world();
  t.regex(await read('/aos/models/openai/gpt-5/available'), /^no: no key: set OPENAI_API_KEY/);
  const error = await t.throwsAsync(call('/aos/models/openai/gpt-5'), { instanceOf: AosError });
  t.is(error?.kind, 'upstream');
  t.regex(error?.message ?? '', /set OPENAI_API_KEY/);
});

test('cost grows with the tokens and adds up to the bill', async t => {
  const file = canned(t, { text: 'one two three four', usage: { input: 1000, output: 200 } });
  const pricing = { input_per_1m: 2, output_per_1m: 10 };
  const { call, ledger, resolve } = await world({ backends: { mock: { file, pricing } } });
  t.like(await resolve('mock/default'), { local: false, pricing });
  const { all, cost, text } = await call('/aos/models/mock/default');
  t.is(text, 'one two three four');
  t.is(cost, 1000 * 2 + 200 * 10);
  t.true(all.filter(event => event.kind === 'cost').length > 3);
  // Reserved: the most that 4096 tokens of output and the request can cost.
  t.true((ledger.entries[0]?.micros ?? 0) > 4096 * 10);
});

test('what is asked of the backend is no more than what is reserved for', async t => {
  const file = canned(t, { text: 'abcd'.repeat(1000), usage: { input: 1, output: 8192 } });
  const { call } = await world({ backends: { mock: { file, pricing: { input_per_1m: 1, output_per_1m: 1 } } } });
  const short = await call('/aos/models/mock/default');
  t.is(short.text.length, 2000);
  t.deepEqual(short.all.at(-1), { kind: 'done', reason: 'length' });
  const shorter = await call('/aos/models/mock/default', { ...ASK, maxOutputTokens: 2048 });
  t.is(shorter.text.length, 1000);
});

test('a long answer is asked for where a budget can hold it, else the usual length', async t => {
  const file = canned(t, { text: 'abcd'.repeat(1000), usage: { input: 1, output: 8192 } });
  const wish = { ...ASK, maxOutputTokens: 100_000 };
  const priced = (output_per_1m: number) => ({ mock: { file, pricing: { input_per_1m: 1, output_per_1m } } });
  // By default one process may spend $0.10 a minute.
  const { budgets } = DEFAULT_CONFIG;
  const cheap = await world({ budgets, backends: priced(0.5) });
  t.is((await cheap.call('/aos/models/mock/default', wish)).text.length, 4000);
  const dear = await world({ budgets, backends: priced(10) });
  t.is((await dear.call('/aos/models/mock/default', wish)).text.length, 2000);
});

test('what it may cost bounds what is asked for and what is reserved; cut there, it says so', async t => {
  const file = canned(t, { text: 'abcd'.repeat(1000), usage: { input: 0, output: 4000 } });
  const pricing = { input_per_1m: 0, output_per_1m: 10, cache_write_per_1m: 20 };
  const { call, ledger } = await world({ backends: { mock: { file, pricing } } });
  const cut = await call('/aos/models/mock/default', { ...ASK, maxCost: 10_000 });
  t.true(cut.failure instanceof AosError && cut.failure.kind === 'budget');
  t.regex(
    String(cut.failure),
    /cut at the length that the \$0\.01 left of the budget were sure to pay for \(\$0\.00999/,
  );
  t.true(cut.cost > 9_000 && cut.cost <= 10_000, String(cut.cost));
  t.true((ledger.entries[0]?.micros ?? 0) <= 10_000);
  t.deepEqual(cut.all.at(-1), { kind: 'done', reason: 'length' });
  const whole = await call('/aos/models/mock/default', { ...ASK, maxCost: 1_000_000 });
  t.like(whole, { failure: undefined, cost: 40_000 });
  // What pays for no answer at all is for the gate to refuse: it is asked for more than is left.
  await call('/aos/models/mock/default', { ...ASK, maxCost: 10 });
  t.true((ledger.entries[2]?.micros ?? 0) > 10);
  for (const maxCost of [-1, 0.5, '1', Number.NaN]) {
    await t.throwsAsync(call('/aos/models/mock/default', { ...ASK, maxCost }), { message: /"maxCost" is not/ });
  }
});

test("the user's price goes before the list's, for the models that it names", async t => {
  const pricing = { 'gpt-5': { input_per_1m: 7, output_per_1m: 8 } };
  const { resolve, read } = await world({ backends: { openai: { pricing } } }, { OPENAI_API_KEY: 'sk-x' });
  t.deepEqual((await resolve('openai/gpt-5')).pricing, { input_per_1m: 7, output_per_1m: 8 });
  t.regex(await read('/aos/models/openai/gpt-5/pricing'), /source: config/);
  t.deepEqual((await resolve('openai/gpt-5-mini')).pricing, {
    input_per_1m: 0.25,
    output_per_1m: 2,
    cache_read_per_1m: 0.025,
  });
  const all = await world(
    { backends: { openai: { pricing: { input_per_1m: 0, output_per_1m: 1 } } } },
    { OPENAI_API_KEY: 'x' },
  );
  t.deepEqual((await all.resolve('openai/gpt-5-mini')).pricing, { input_per_1m: 0, output_per_1m: 1 });
});

for (const pricing of [{ input_per_1m: -1, output_per_1m: 1 }, { input_per_1m: '1' }, 'free', { gpt: 3 }]) {
  test(`a price that is none leaves the backend unavailable: ${JSON.stringify(pricing)}`, async t => {
    const { read } = await world({ backends: { openai: { pricing } } }, { OPENAI_API_KEY: 'x' });
    t.regex(await read('/aos/models/openai/available'), /^no: backends\.openai\.pricing is neither/);
  });
}

test('an answer stops where its reservation is used up, after what came', async t => {
  const { url } = await fakeOpenai(t, (_seen, response) =>
    sse(response, [delta({ content: 'one two' }, 'stop'), usage(1_000_000, 2)]),
  );
  const pricing = { input_per_1m: 1, output_per_1m: 1 };
  const { call } = await world({ backends: { openai: { base_url: url, models: ['house'], pricing } } });
  const { failure, cost, text } = await call('/aos/models/openai/house');
  t.true(failure instanceof AosError && failure.kind === 'budget');
  t.like({ cost, text }, { cost: 1_000_002, text: 'one two' });
});

test('a model whose price was not known when the gate asked for it is not called for nothing', async t => {
  const { url, seen } = await fakeOpenai(t, (_seen, response) => sse(response, [delta({ content: 'hi' }, 'stop')]));
  const pricing = { input_per_1m: 1, output_per_1m: 1 };
  const core = await world({ backends: { openai: { base_url: url, models: ['house'], pricing } } });
  const nothing = { max: 0, spent: 0, spend: () => true };
  await t.throwsAsync(nodeOf(core, 'openai/house', nothing), { message: /nothing is reserved for it; ask again/ });
  t.deepEqual(seen, []);
});

test('the reservation for a prompt is no less than what dense text costs', async t => {
  const file = canned(t, { text: 'ok' });
  const { call, ledger } = await world({
    backends: { mock: { file, pricing: { input_per_1m: 1, output_per_1m: 0 } } },
  });
  await call('/aos/models/mock/default', { ...ASK, messages: [{ role: 'user', text: 'x'.repeat(400) }] });
  t.is(ledger.entries[0]?.micros, 101, 'exactly, where the backend knows');
  const { url } = await fakeOpenai(t, (_seen, response) =>
    sse(response, [delta({ content: 'ok' }, 'stop'), usage(1500, 1)]),
  );
  const pricing = { input_per_1m: 1, output_per_1m: 0 };
  const other = await world({ backends: { openai: { base_url: url, models: ['house'], pricing } } });
  const dense = { role: 'user', text: '漢字'.repeat(1000) };
  const asked = { ...ASK, messages: [dense] };
  t.is((await other.call('/aos/models/openai/house', asked)).failure, undefined);
  t.true((other.ledger.entries[0]?.micros ?? 0) >= 6000);
  const more = { ...ASK, messages: [dense, { role: 'assistant', text: 'ok' }, { role: 'user', text: 'go on' }] };
  await other.call('/aos/models/openai/house', more);
  const second = other.ledger.entries[1]?.micros ?? 0;
  t.true(second > 1500 && second < 1650, `what the server counted is known from then on: ${second}`);
});

test('an unknown price is refused unless that is allowed; a free model never is', async t => {
  const { url } = await fakeOpenai(t, (_seen, response) => sse(response, [delta({ content: 'hi' }, 'stop')]));
  const { call, read } = await world({ backends: { openai: { base_url: url, models: ['house'], local: false } } });
  t.is(await read('/aos/models/openai/house/pricing'), 'unknown\n');
  const error = await t.throwsAsync(call('/aos/models/openai/house'), { instanceOf: AosError });
  t.is(error?.kind, 'unpriced');
  t.regex(error?.message ?? '', /backends\.openai\.pricing.*--allow-unknown-cost/);
  t.like(await call('/aos/models/openai/house', { ...ASK, allowUnknownCost: true }), { text: 'hi', cost: 0 });
});

test('a server that never says its usage is billed by size', async t => {
  const { url } = await fakeOpenai(t, (_seen, response) =>
    sse(response, [delta({ content: 'x'.repeat(400) }, 'stop')]),
  );
  const pricing = { house: { input_per_1m: 0, output_per_1m: 10 } };
  const { call } = await world({ backends: { openai: { base_url: url, models: ['house'], pricing } } });
  t.is((await call('/aos/models/openai/house')).cost, 100 * 10);
});

test('an answer that is given up is billed for what came', async t => {
  const { url } = await fakeOpenai(t, (_seen, response) => sse(response, [delta({ content: 'x'.repeat(400) })], false));
  const pricing = { input_per_1m: 0, output_per_1m: 10 };
  const core = await world({ backends: { openai: { base_url: url, models: ['house'], pricing } } });
  let spent = 0;
  const meter = {
    max: 1_000_000,
    spent: 0,
    spend: (amount: number) => {
      spent += amount;
      return true;
    },
  };
  const tree = await nodeOf(core, 'openai/house', meter);
  for await (const event of tree) if (event.kind === 'text') break;
  t.is(spent, 100 * 10);
});

/** The model's own `call`, with a meter of the test's. */
async function nodeOf(core: Awaited<ReturnType<typeof world>>, rest: string, meter: Op['meter']) {
  const mount = core.vfs.policy.namespace.at(MODELS);
  const op: Op = {
    caller: core.me,
    verb: 'call',
    path: parsePath(`${MODELS}/${rest}`),
    signal: NEVER.signal,
    cancel: NEVER,
    meter,
  };
  const node = await mount.tree.node(rest, op);
  return (await node?.call?.(op, ASK)) as AsyncIterable<PricedEvent>;
}

test('wrong options of one backend make it unavailable and leave the others alone', async t => {
  const { read, resolve } = await world({ backends: { openai: { base_urll: 'x' } } });
  t.regex(await read('/aos/models/openai/available'), /^no: .*base_urll/);
  t.is((await resolve()).name, 'offline/search');
});

test('a request that is not one is refused with the reason', async t => {
  const { call, aos, me } = await world();
  const error = await t.throwsAsync(call('/aos/models/offline/search', { messages: 'hello' }), {
    instanceOf: AosError,
  });
  t.is(error?.kind, 'invalid');
  t.regex(error?.message ?? '', /"messages" is not a list/);
  t.throws(() => aos.call(me, MODELS, { op: 'guess' }), { instanceOf: AosError, message: /"op": "resolve"/ });
});
