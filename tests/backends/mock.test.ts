import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { mockBackend } from '../../backends/mock/index.ts';
import { AosError, type Message } from '../../plugin-sdk/index.ts';
import { ask, collect, lastUsage, openBackend, reasonOf, textOf } from './world.ts';

function canned(t: ExecutionContext, ...lines: unknown[]) {
  const dir = mkdtempSync(join(tmpdir(), 'aos-mock-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const file = join(dir, 'answers.jsonl');
  const write = (...all: unknown[]) =>
    writeFileSync(file, all.map(line => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
  write(...lines);
  return { file, write, backend: openBackend(mockBackend, { file }) };
}

test('without a file one polite line answers', async t => {
  const events = await collect(openBackend(mockBackend).generate(ask('hi')));
  t.regex(textOf(events), /mock model/);
  t.is(reasonOf(events), 'stop');
});

test('the first line that matches the last user message answers, word by word', async t => {
  const { backend } = canned(
    t,
    { match: '^bye', text: 'so long' },
    { match: 'hel+o', text: 'hi there, you' },
    { text: 'what?' },
  );
  const events = await collect(backend.generate(ask('well hello')));
  t.is(textOf(events), 'hi there, you');
  t.is(events.filter(event => event.kind === 'text').length, 3);
  t.is(textOf(await collect(backend.generate(ask('else')))), 'what?');
});

test('usage grows evenly with the text and ends at what the line says', async t => {
  const { backend } = canned(t, { text: 'aaa bbb ccc ddd', usage: { input: 40, output: 100, cache_read: 7 } });
  const events = await collect(backend.generate(ask('x')));
  const outputs = events.flatMap(event => (event.kind === 'usage' ? [event.usage.output] : []));
  t.deepEqual(outputs, [0, 27, 53, 80, 100, 100]);
  t.deepEqual(lastUsage(events), { input: 40, cacheRead: 7, cacheWrite: null, output: 100 });
});

test('a cap on output tokens cuts the text in proportion', async t => {
  const { backend } = canned(t, {
    text: 'aaaa bbbb cccc dddd ',
    usage: { input: 1, output: 1000 },
    tool_calls: [{ name: 'x', args: {} }],
  });
  const events = await collect(backend.generate(ask('x', { maxOutputTokens: 500 })));
  t.is(textOf(events), 'aaaa bbbb ');
  t.is(lastUsage(events)?.output, 500);
  t.is(reasonOf(events), 'length');
  t.false(events.some(event => event.kind === 'tool_call'));
});

test('tool calls end: after their results the following line answers', async t => {
  const { backend } = canned(
    t,
    { match: 'find', text: 'looking', tool_calls: [{ name: 'search', args: { query: 'db' } }] },
    { match: 'find', text: 'found it' },
  );
  const first = await collect(backend.generate(ask('find the db')));
  t.is(textOf(first), 'looking');
  t.is(reasonOf(first), 'tool_calls');
  const called = first.flatMap(event => (event.kind === 'tool_call' ? [event.call] : []));
  t.deepEqual(
    called.map(({ name, args }) => ({ name, args })),
    [{ name: 'search', args: { query: 'db' } }],
  );
  const [call] = called;
  if (call === undefined) return t.fail();
  const messages: Message[] = [
    { role: 'user', text: 'find the db' },
    { role: 'assistant', text: 'looking', toolCalls: called },
    { role: 'tool', id: call.id, name: 'search', text: '{}', ok: true },
  ];
  t.is(textOf(await collect(backend.generate(ask('', { messages })))), 'found it');
  const again: Message[] = [
    ...messages,
    { role: 'assistant', text: 'found it', toolCalls: [] },
    { role: 'user', text: 'find more' },
  ];
  t.is(reasonOf(await collect(backend.generate(ask('', { messages: again })))), 'tool_calls');
});

test('repeat counts the uses of a line until the file changes', async t => {
  const { backend, write } = canned(t, { text: 'once', repeat: 1 }, { text: 'then' });
  t.is(textOf(await collect(backend.generate(ask('x')))), 'once');
  t.is(textOf(await collect(backend.generate(ask('x')))), 'then');
  write({ text: 'changed', repeat: 1 }, { text: 'then this' });
  t.is(textOf(await collect(backend.generate(ask('x')))), 'changed');
  t.is(textOf(await collect(backend.generate(ask('x')))), 'then this');
});

for (const [status, kind] of [
  [401, 'upstream'],
  [429, 'rate_limited'],
  [504, 'timeout'],
  [529, 'upstream'],
] as const) {
  test(`an error with status ${status} fails as a server's would`, async t => {
    const { backend } = canned(t, { error: { status, message: 'overloaded' } });
    const error = await t.throwsAsync(collect(backend.generate(ask('x'))), { instanceOf: AosError });
    t.is(error?.kind, kind);
    t.regex(error?.message ?? '', new RegExp(`${status}: overloaded; `));
  });
}

test('a 400 that says the context is full is a context overflow', async t => {
  const { backend } = canned(t, { error: { status: 400, message: "This model's maximum context length is 9 tokens" } });
  const error = await t.throwsAsync(collect(backend.generate(ask('x'))), { instanceOf: AosError });
  t.is(error?.kind, 'context_overflow');
});

test('an error beside a text breaks off after the text', async t => {
  const { backend } = canned(t, { text: 'half an', error: { status: 500, message: 'gone' } });
  let text = '';
  await t.throwsAsync(async () => {
    for await (const event of backend.generate(ask('x'))) if (event.kind === 'text') text += event.text;
  });
  t.is(text, 'half an');
});

test('a delay ends at once when the caller gives up', async t => {
  const { backend } = canned(t, { text: 'late', delay_ms: 600_000 });
  const stop = new AbortController();
  const answer = collect(backend.generate(ask('x', { signal: stop.signal })));
  stop.abort();
  const error = await t.throwsAsync(answer, { instanceOf: AosError });
  t.is(error?.kind, 'interrupted');
});

for (const [what, line, message] of [
  ['is not JSON', '{"text":', /answers\.jsonl line 2: not a JSON object/],
  ['has an unknown key', { txt: 'a' }, /answers\.jsonl line 2: .*txt/],
  ['has a value of the wrong type', { delay_ms: 'soon' }, /answers\.jsonl line 2: "delay_ms"/],
  ['has a broken pattern', { match: '(' }, /answers\.jsonl line 2: "match"/],
] as const) {
  test(`a line that ${what} is named by file and number`, async t => {
    const { backend } = canned(t, { text: 'fine' }, line);
    const error = await t.throwsAsync(collect(backend.generate(ask('x'))), { instanceOf: AosError });
    t.is(error?.kind, 'invalid');
    t.regex(error?.message ?? '', message);
    t.like(backend.available(), { ok: false });
  });
}

test('no line that matches, and a missing file, say so', async t => {
  const { backend } = canned(t, { match: 'never', text: 'x' });
  const none = await t.throwsAsync(collect(backend.generate(ask('hello'))), { instanceOf: AosError });
  t.regex(none?.message ?? '', /no line of .*answers\.jsonl answers "hello"/);
  const missing = openBackend(mockBackend, { file: '/nonexistent/answers.jsonl' });
  const error = await t.throwsAsync(collect(missing.generate(ask('x'))), { instanceOf: AosError });
  t.is(error?.kind, 'not_found');
  t.regex(error?.message ?? '', /\/nonexistent\/answers\.jsonl/);
});

test('an unknown option is refused by name', t => {
  const error = t.throws(() => openBackend(mockBackend, { fiel: 'x' }), { instanceOf: AosError });
  t.regex(error?.message ?? '', /backends\.mock.*fiel/);
});
