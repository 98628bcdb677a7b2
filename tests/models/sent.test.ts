/** What a request costs that ends before its server has said what it costs. */

import { createServer, type ServerResponse } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { builtinBackends } from '../../backends/index.ts';
import { Cancellation } from '../../core/cancel.ts';
import { DEFAULT_CONFIG } from '../../core/config.ts';
import { modelsPlugin } from '../../models/index.ts';
import { likelyPrompt } from '../../models/prompt.ts';
import { AosError, type PricedEvent, parsePath } from '../../plugin-sdk/index.ts';
import { delta, fakeOpenai, json, sse } from '../backends/openai-server.ts';
import { caller, testCore } from '../support/core.ts';

const ASK = { messages: [{ role: 'user' as const, text: 'hello '.repeat(1000) }], tools: [] };
const PRICING = { input_per_1m: 1, output_per_1m: 1 };

/** What the ledger says that the request cost, in micro-dollars, and how it failed. */
async function costOf(
  t: ExecutionContext,
  options: object,
  cancel = new Cancellation(),
): Promise<{ cost: number | undefined; failure: AosError }> {
  const openai = { models: ['house'], local: false, pricing: PRICING, max_retries: 0, ...options };
  const core = await testCore({ ...DEFAULT_CONFIG, backends: { openai } });
  await core.plugins.admit([modelsPlugin(builtinBackends, { AOS_PROBE: '0' })]);
  const failure = await t.throwsAsync(
    async () => {
      const events = await core.aos.call(caller(), parsePath('/aos/models/openai/house'), ASK, cancel);
      for await (const _event of events as AsyncIterable<PricedEvent>);
    },
    { instanceOf: AosError },
  );
  return { cost: core.ledger.entries[0]?.settled, failure };
}

const toolCall = { index: 0, id: 'a', function: { name: 'read', arguments: '{"path": ' } };

for (const [what, answer, kind] of [
  [
    'breaks off while the model thinks',
    (r: ServerResponse) => sse(r, [delta({ reasoning_content: 'Hm' })]),
    'upstream',
  ],
  ['breaks off within a tool call', (r: ServerResponse) => sse(r, [delta({ tool_calls: [toolCall] })]), 'upstream'],
  ['does not come in time', () => {}, 'timeout'],
  ['is a connection that breaks', (r: ServerResponse) => r.destroy(), 'upstream'],
] as const) {
  test(`an answer that ${what} costs its prompt`, async t => {
    const { url } = await fakeOpenai(t, (_seen, response) => answer(response));
    const { cost, failure } = await costOf(t, { base_url: url, timeout_sec: 0.5 });
    t.is(failure.kind, kind);
    t.is(cost, likelyPrompt(ASK));
  });
}

test('an answer that is given up costs its prompt once the server has the question, and nothing before', async t => {
  const stop = new Cancellation();
  const { url, seen } = await fakeOpenai(t, () => stop.abort());
  const { cost, failure } = await costOf(t, { base_url: url }, stop);
  t.is(failure.kind, 'interrupted');
  t.is(cost, likelyPrompt(ASK));
  t.is((await costOf(t, { base_url: url }, stop)).cost, 0);
  t.is(seen.length, 1);
});

test('a request that the server refuses costs nothing', async t => {
  const { url } = await fakeOpenai(t, (_seen, response) => json(response, 500, { error: { message: 'no' } }));
  const { cost, failure } = await costOf(t, { base_url: url });
  t.regex(failure.message, /answered 500/);
  t.is(cost, 0);
});

test('a request that reaches no server costs nothing', async t => {
  const { promise, resolve } = Promise.withResolvers<number>();
  const server = createServer().listen(0, '127.0.0.1', () => {
    const address = server.address();
    server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
  });
  const gone = await promise;
  // Nobody listens there; the other is a port that is refused before anybody is asked.
  for (const port of [gone, 9]) {
    const { cost, failure } = await costOf(t, { base_url: `http://127.0.0.1:${port}/v1` });
    t.regex(failure.message, /cannot be reached/);
    t.is(cost, 0);
  }
});

test('of several attempts one that went out is enough', async t => {
  let tries = 0;
  const { url } = await fakeOpenai(t, (_seen, response) => {
    tries += 1;
    if (tries === 1) response.destroy();
    else json(response, 500, { error: { message: 'no' } });
  });
  const { cost, failure } = await costOf(t, { base_url: url, max_retries: 1 });
  t.regex(failure.message, /answered 500/);
  t.is(cost, likelyPrompt(ASK));
});
