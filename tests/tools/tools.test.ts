import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { AosError, LIMITS, parsePath } from '../../plugin-sdk/index.ts';
import { caller } from '../support/core.ts';
import { toolsWorld, user } from './world.ts';

const OPEN = { read: true, write: true, append: false, truncate: false };

test('search finds lines by words whatever their ending, those with most words first', async t => {
  const { use } = await toolsWorld(t, {
    'memory/notes.md': 'lunch is at noon\ndecided: database is PostgreSQL\n',
    'memory/deep/er/other.md': 'a database of birds\n',
    'memory/.git/config': 'database decide\n',
    'memory/image.bin': 'database\0decide',
  });
  t.deepEqual(await use('search', { query: 'decide databases' }), {
    hits: [
      { path: '/aos/memory/notes.md', line: 2, excerpt: 'decided: database is PostgreSQL' },
      { path: '/aos/memory/deep/er/other.md', line: 1, excerpt: 'a database of birds' },
    ],
    complete: true,
  });
});

test('search finds past conversations through the index, with the line in the file', async t => {
  const { use, state } = await toolsWorld(t, {
    'conversations/2026/11/23/one/transcript.md': '# user\nhello\n# assistant\nthe zebra is striped\n',
  });
  state.index.put('/aos/conversations/2026/11/23/one', 'the zebra is striped');
  state.index.put('/aos/conversations/2026/11/23/gone', 'a zebra that was removed');
  t.deepEqual(await use('search', { query: 'zebra' }), {
    hits: [{ path: '/aos/conversations/2026/11/23/one/transcript.md', line: 4, excerpt: 'the zebra is striped' }],
    complete: true,
  });
});

test('search gives nothing that its caller may not see or read', async t => {
  const { use, state } = await toolsWorld(t, {
    'memory/mine/a.md': 'zebra here\n',
    'memory/theirs/b.md': 'zebra there\n',
    'conversations/2026/11/23/one/transcript.md': 'zebra\n',
  });
  state.index.put('/aos/conversations/2026/11/23/one/transcript.md', 'zebra');
  const me = user(
    { verbs: ['stat', 'list'], path: '/aos/memory' },
    { verbs: ['stat', 'list', 'read'], path: '/aos/memory/mine/**' },
    { verbs: ['stat', 'list'], path: '/aos/memory/theirs/**' },
  );
  t.like(await use('search', { query: 'zebra' }, me), { hits: [{ path: '/aos/memory/mine/a.md' }] });
});

test('search below one path only', async t => {
  const { use } = await toolsWorld(t, { 'memory/a/x.md': 'zebra\n', 'memory/b/x.md': 'zebra\n' });
  t.like(await use('search', { query: 'zebra', path: 'memory/b' }), { hits: [{ path: '/aos/memory/b/x.md' }] });
});

test('read gives lines, from an offset, and says when there is more', async t => {
  const { use } = await toolsWorld(t, { 'memory/a.md': 'one\ntwo\nthree\n' });
  t.is(await use('read', { path: '/aos/memory/a.md' }), 'one\ntwo\nthree');
  t.is(await use('read', { path: '/aos/memory/a.md', offset: 2 }), 'two\nthree');
  t.is(await use('read', { path: '/aos/memory/a.md', limit: 1 }), 'one\n[cut: go on with offset 2]');
});

test('what read gives is bounded', async t => {
  const { use } = await toolsWorld(t, {
    'memory/long.md': `${'x'.repeat(99)}\n`.repeat(5000),
    'memory/wide.md': 'x'.repeat(1_000_000),
  });
  for (const name of ['long', 'wide']) {
    const text = await use('read', { path: `/aos/memory/${name}.md`, limit: 1_000_000 });
    t.true(typeof text === 'string' && text.length > 200_000 && text.length <= LIMITS.tool_result_bytes_max);
  }
});

test('list marks directories', async t => {
  const { use } = await toolsWorld(t, { 'memory/a.md': '', 'memory/dir/b.md': '' });
  t.like(await use('list', { path: '/aos/memory' }), { entries: ['a.md', 'dir/'], complete: true });
});

test('write makes, replaces and appends', async t => {
  const { use, home } = await toolsWorld(t);
  const path = '/aos/memory/notes.md';
  const content = () => readFileSync(join(home, 'memory/notes.md'), 'utf8');
  await use('write', { path, text: 'one\n', append: true });
  await use('write', { path, text: 'two\n', append: true });
  t.is(content(), 'one\ntwo\n');
  t.like(await use('write', { path, text: 'three\n' }), { path, bytes: 6 });
  t.is(content(), 'three\n');
});

test('a tool can do no more than its caller', async t => {
  const { use } = await toolsWorld(t, { 'memory/a.md': 'x\n' });
  const me = user({ verbs: ['stat', 'read'], path: '/aos/memory/**' });
  t.is(await use('read', { path: '/aos/memory/a.md' }, me), 'x');
  const error = await t.throwsAsync(use('write', { path: '/aos/memory/a.md', text: 'y' }, me), {
    instanceOf: AosError,
  });
  t.is(error?.errno, 'EACCES');
  const hidden = await t.throwsAsync(use('list', { path: '/aos/conversations' }, me), { instanceOf: AosError });
  t.is(hidden?.errno, 'ENOENT');
});

test('the call file takes JSON and gives JSON, and two handles never see each other', async t => {
  const { aos } = await toolsWorld(t, { 'memory/a.md': 'zebra\n' });
  const path = parsePath('/aos/tools/search/call');
  const one = await aos.open(caller(), path, OPEN);
  const two = await aos.open(caller(), path, OPEN);
  await one.write(0, Buffer.from('{"query":"zebra"}\n'));
  await two.write(0, Buffer.from('{"query":"yak"}\n'));
  const reply = async (handle: typeof one) => JSON.parse(Buffer.from(await handle.read(0, 65_536)).toString());
  t.deepEqual((await reply(two)).hits, []);
  t.is((await reply(one)).hits[0].path, '/aos/memory/a.md');
  one.close();
  two.close();
});

for (const [request, said] of [
  ['{"query":', /tools: \/aos\/tools\/search\/call: the request is not usable: .*JSON/],
  ['[]', /not a JSON object/],
  ['{}', /"query"/],
  ['{"query":"x","limt":3}', /limt/],
  ['{"query":"!!"}', /the query has no words/],
] as const) {
  test(`a malformed request is EINVAL and says what is wrong: ${request}`, async t => {
    const { use } = await toolsWorld(t);
    const error = await t.throwsAsync(use('search/call', request), { instanceOf: AosError });
    t.is(error?.errno, 'EINVAL');
    t.regex(error?.message ?? '', said);
  });
}

test('a tool that is switched off refuses, is not offered, and comes back', async t => {
  const { aos, use } = await toolsWorld(t, { 'memory/a.md': 'x\n' });
  const enabled = parsePath('/aos/tools/read/enabled');
  const specs = async () =>
    (await aos.call(caller(), parsePath('/aos/tools'), { op: 'specs', names: ['read', 'list'] })) as { name: string }[];
  t.deepEqual(
    (await specs()).map(spec => spec.name),
    ['read', 'list'],
  );
  await aos.write(caller(), enabled, Buffer.from('false\n'));
  t.is(Buffer.from(await aos.read(caller(), enabled)).toString(), 'false\n');
  t.deepEqual(
    (await specs()).map(spec => spec.name),
    ['list'],
  );
  const error = await t.throwsAsync(use('read', { path: '/aos/memory/a.md' }), { instanceOf: AosError });
  t.regex(error?.message ?? '', /switched off; .*echo true/);
  await aos.write(caller(), enabled, Buffer.from('true\n'));
  t.is(await use('read', { path: '/aos/memory/a.md' }), 'x');
  await t.throwsAsync(async () => aos.write(caller(), enabled, Buffer.from('maybe\n')), {
    message: /neither true nor false/,
  });
});

test('every tool describes itself', async t => {
  const { aos } = await toolsWorld(t);
  const read = async (path: string) => Buffer.from(await aos.read(caller(), parsePath(path))).toString();
  const tools = [...(await aos.list(caller(), parsePath('/aos/tools')))].map(entry => entry.name);
  t.deepEqual(tools, ['search', 'read', 'list', 'write']);
  for (const tool of tools) {
    t.is(JSON.parse(await read(`/aos/tools/${tool}/schema.json`)).type, 'object');
    t.regex(await read(`/aos/tools/${tool}/description`), /^[A-Z].*\.\n$/);
    t.is(await read(`/aos/tools/${tool}/cost`), '0\n');
  }
});

test('an unknown tool is refused with those there are', async t => {
  const { aos } = await toolsWorld(t);
  t.throws(() => aos.call(caller(), parsePath('/aos/tools'), { op: 'specs', names: ['serch'] }), {
    instanceOf: AosError,
    message: /there is no such tool; there are: search, read, list, write/,
  });
});
