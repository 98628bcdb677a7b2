import test from 'ava';
import { localBackends } from '../../backends/local/index.ts';
import { openaiBackend } from '../../backends/openai/index.ts';
import { AosError, type Message } from '../../plugin-sdk/index.ts';
import { delta, fakeOpenai, json, sse, usage } from './openai-server.ts';
import { ask, collect, lastUsage, openBackend, reasonOf, textOf } from './world.ts';

const KEY = 'sk-secret-1234567890';

test('an answer streams, with usage that counts each token once', async t => {
  const { url, seen } = await fakeOpenai(t, (_seen, response) =>
    sse(response, [
      delta({ role: 'assistant', content: '' }),
      delta({ content: 'Hel' }),
      delta({ content: 'lo' }),
      delta({}, 'stop'),
      usage(100, 2, 60),
    ]),
  );
  const openai = openBackend(openaiBackend, { models: ['m'] }, { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: url });
  const events = await collect(openai.generate(ask('hi', { model: 'm', maxOutputTokens: 9 })));
  t.is(textOf(events), 'Hello');
  t.deepEqual(lastUsage(events), { input: 40, cacheRead: 60, cacheWrite: null, output: 2 });
  t.is(reasonOf(events), 'stop');
  t.is(seen[0]?.key, `Bearer ${KEY}`);
  t.like(seen[0]?.body, { model: 'm', stream: true, max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] });
});

test('usage is null where the server does not say', async t => {
  const { url } = await fakeOpenai(t, (_seen, response) =>
    sse(response, [delta({ content: 'a' }, 'stop'), usage(5, 1)]),
  );
  const openai = openBackend(openaiBackend, { base_url: url, models: ['m'] });
  t.deepEqual(lastUsage(await collect(openai.generate(ask('x')))), {
    input: 5,
    cacheRead: null,
    cacheWrite: null,
    output: 1,
  });
});

test('tool calls are put together, and a conversation with them is sent back', async t => {
  const part = (index: number, more: object) => delta({ tool_calls: [{ index, ...more }] });
  const { url, seen } = await fakeOpenai(t, (_seen, response) =>
    sse(response, [
      part(0, { id: 'a', type: 'function', function: { name: 'search', arguments: '{"qu' } }),
      part(0, { function: { arguments: 'ery":"x"}' } }),
      part(1, { id: 'b', type: 'function', function: { name: 'now', arguments: '' } }),
      delta({}, 'tool_calls'),
    ]),
  );
  const openai = openBackend(openaiBackend, { base_url: url, models: ['m'] });
  const messages: Message[] = [
    { role: 'system', text: 'be brief' },
    { role: 'user', text: 'x' },
    { role: 'assistant', text: '', toolCalls: [{ id: 'z', name: 'search', args: { query: 'y' } }] },
    { role: 'tool', id: 'z', name: 'search', text: 'no such file', ok: false },
  ];
  const tools = [{ name: 'search', description: 'finds', parameters: { type: 'object' } }];
  const events = await collect(openai.generate(ask('', { messages, tools })));
  t.deepEqual(
    events.flatMap(event => (event.kind === 'tool_call' ? [event.call] : [])),
    [
      { id: 'a', name: 'search', args: { query: 'x' } },
      { id: 'b', name: 'now', args: {} },
    ],
  );
  t.is(reasonOf(events), 'tool_calls');
  t.deepEqual(seen[0]?.body.messages, [
    { role: 'system', content: 'be brief' },
    { role: 'user', content: 'x' },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'z', type: 'function', function: { name: 'search', arguments: '{"query":"y"}' } }],
    },
    { role: 'tool', tool_call_id: 'z', content: 'failed: no such file' },
  ]);
  t.deepEqual(seen[0]?.body.tools, [{ type: 'function', function: tools[0] }]);
});

for (const [status, body, kind, said] of [
  [
    401,
    { error: { message: `Incorrect API key provided: ${KEY}`, code: 'invalid_api_key' } },
    'upstream',
    /check the key/,
  ],
  [403, { error: { message: 'no' } }, 'upstream', /no right/],
  [429, { error: { message: 'slow down' } }, 'rate_limited', /wait 20 s/],
  [500, { error: { message: 'oops' } }, 'upstream', /500: oops/],
  [400, { error: { message: 'too long', code: 'context_length_exceeded' } }, 'context_overflow', /shorten/],
  [400, { error: { message: 'exceeds', type: 'exceed_context_size_error' } }, 'context_overflow', /shorten/],
  [400, { error: { message: 'bad field' } }, 'upstream', /bad field/],
] as const) {
  test(`status ${status} (${JSON.stringify(body.error)}) is ${kind}`, async t => {
    const { url } = await fakeOpenai(t, (_seen, response) => json(response, status, body, { 'retry-after': '20' }));
    const openai = openBackend(openaiBackend, { base_url: url, models: ['m'], api_key: KEY, max_retries: 0 });
    const error = await t.throwsAsync(collect(openai.generate(ask('x'))), { instanceOf: AosError });
    t.is(error?.kind, kind);
    t.regex(error?.message ?? '', said);
    t.false(`${error?.message} ${error?.stack} ${JSON.stringify(error)}`.includes(KEY));
    t.is(error?.cause, undefined);
  });
}

test('a passing failure is tried again', async t => {
  let tries = 0;
  const { url } = await fakeOpenai(t, (_seen, response) => {
    tries += 1;
    if (tries === 1) json(response, 503, { error: { message: 'loading' } }, { 'retry-after-ms': '1' });
    else sse(response, [delta({ content: 'ok' }, 'stop')]);
  });
  const openai = openBackend(openaiBackend, { base_url: url, models: ['m'] });
  t.is(textOf(await collect(openai.generate(ask('x')))), 'ok');
  t.is(tries, 2);
});

test('an abort ends the answer as interrupted, not as complete', async t => {
  const { url } = await fakeOpenai(t, (_seen, response) => sse(response, [delta({ content: 'one ' })], false));
  const openai = openBackend(openaiBackend, { base_url: url, models: ['m'] });
  const stop = new AbortController();
  let text = '';
  const error = await t.throwsAsync(
    async () => {
      for await (const event of openai.generate(ask('x', { signal: stop.signal }))) {
        if (event.kind === 'text') text += event.text;
        stop.abort();
      }
    },
    { instanceOf: AosError },
  );
  t.is(error?.kind, 'interrupted');
  t.is(text, 'one ');
});

test('a stream that breaks off is a failure', async t => {
  const { url } = await fakeOpenai(t, (_seen, response) => sse(response, [delta({ content: 'half' })]));
  const openai = openBackend(openaiBackend, { base_url: url, models: ['m'] });
  const error = await t.throwsAsync(collect(openai.generate(ask('x'))), { instanceOf: AosError });
  t.is(error?.kind, 'upstream');
  t.regex(error?.message ?? '', /broke off/);
});

test('a server that is not there is named', async t => {
  const openai = openBackend(openaiBackend, { base_url: 'http://127.0.0.1:9/v1', models: ['m'], max_retries: 0 });
  const error = await t.throwsAsync(collect(openai.generate(ask('x'))), { instanceOf: AosError });
  t.is(error?.kind, 'upstream');
  t.regex(error?.message ?? '', /http:\/\/127\.0\.0\.1:9\/v1 cannot be reached/);
});

test('a server says which models it has and how much they hold', async t => {
  const { url, seen } = await fakeOpenai(t, (_seen, response) =>
    json(response, 200, {
      data: [
        { id: 'qwen', meta: { n_ctx: 9216 } },
        { id: 'org/llama', max_model_len: 4096 },
      ],
    }),
  );
  const openai = openBackend(openaiBackend, { base_url: url });
  const models = await openai.models();
  t.deepEqual(
    models.map(({ name, contextTokens, local }) => [name, contextTokens, local]),
    [
      ['qwen', 9216, true],
      ['org/llama', 4096, true],
    ],
  );
  t.deepEqual(await openai.available(), { ok: true, why: `${url}/models answers` });
  t.is(seen.length, 1);
});

test('without a key OpenAI is not available and says what to set', t => {
  t.like(openBackend(openaiBackend).available(), {
    ok: false,
    why: 'no key: set OPENAI_API_KEY or backends.openai.api_key, or name another server in backends.openai.base_url',
  });
  t.like(openBackend(openaiBackend, {}, { OPENAI_API_KEY: KEY }).available(), { ok: true });
});

test('servers on this machine are not looked for with AOS_PROBE=0, but one that is named is', async t => {
  const { url } = await fakeOpenai(t, (_seen, response) => json(response, 200, { data: [{ id: 'qwen' }] }));
  const llamacpp = localBackends.find(backend => backend.name === 'llamacpp');
  if (llamacpp === undefined) return t.fail();
  t.like(await openBackend(llamacpp, {}, { AOS_PROBE: '0' }).available(), { ok: false });
  const named = openBackend(llamacpp, { base_url: url }, { AOS_PROBE: '0' });
  t.deepEqual(
    (await named.models()).map(model => model.name),
    ['qwen'],
  );
});

test('options that are wrong are named, and their values are not shown', t => {
  const error = t.throws(() => openBackend(openaiBackend, { api_key: 5, base_url: 'nonsense' }), {
    instanceOf: AosError,
  });
  t.is(error?.kind, 'invalid');
  t.regex(error?.message ?? '', /backends\.openai\.api_key/);
});

test('an address with a password is refused and not repeated; the key has a place of its own', t => {
  const url = 'http://me:hunter2@127.0.0.1:1/v1';
  for (const open of [
    () => openBackend(openaiBackend, { base_url: url }),
    () => openBackend(openaiBackend, {}, { OPENAI_BASE_URL: url }),
    () => openBackend(openaiBackend, { base_url: 'http://token@127.0.0.1:1/v1' }),
    ...localBackends.map(backend => () => openBackend(backend, { base_url: url })),
  ]) {
    const error = t.throws(open, { instanceOf: AosError });
    t.is(error.kind, 'invalid');
    t.regex(error.message, /api_key|OPENAI_API_KEY/);
    t.notRegex(`${error.message} ${error.stack}`, /hunter2|token@/);
  }
  const other = t.throws(() => openBackend(openaiBackend, {}, { OPENAI_BASE_URL: 'ftp://x/v1' }), {
    instanceOf: AosError,
  });
  t.regex(other.message, /OPENAI_BASE_URL .* http/);
});
