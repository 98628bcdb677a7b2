import test from 'ava';
import { offlineBackend } from '../../backends/offline/index.ts';
import { keywords } from '../../backends/offline/keywords.ts';
import { AosError, type Message, type ModelEvent, type ToolCall } from '../../plugin-sdk/index.ts';
import { ask, collect, openBackend, reasonOf, textOf } from './world.ts';

const TOOLS = ['search', 'read'].map(name => ({ name, description: '', parameters: {} }));
const offline = openBackend(offlineBackend);

const NOTES = '# Notes\nlunch is at noon\ndecided: database is PostgreSQL\n';

/** Answers the backend's tool calls as the tools would, until it has answered. */
async function converse(question: string, tool: (call: ToolCall) => { text: string; ok?: boolean }) {
  const messages: Message[] = [{ role: 'user', text: question }];
  const used: ToolCall[] = [];
  for (;;) {
    const events: ModelEvent[] = await collect(offline.generate(ask('', { messages, tools: TOOLS })));
    const calls = events.flatMap(event => (event.kind === 'tool_call' ? [event.call] : []));
    if (calls.length === 0) return { answer: textOf(events), events, used };
    used.push(...calls);
    messages.push({ role: 'assistant', text: '', toolCalls: calls });
    for (const call of calls) {
      const { text, ok = true } = tool(call);
      messages.push({ role: 'tool', id: call.id, name: call.name, text, ok });
    }
  }
}

const found = (call: ToolCall) =>
  call.name === 'search'
    ? {
        text: JSON.stringify({
          hits: [{ path: '/aos/memory/notes.md', line: 3, excerpt: 'decided: database is PostgreSQL' }],
        }),
      }
    : { text: NOTES };

test('a question is answered by quoting what search and read found, with path and line', async t => {
  const { answer, used, events } = await converse('What did we decide about the database?', found);
  t.deepEqual(
    used.map(({ name, args }) => [name, args.query ?? args.path]),
    [
      ['search', 'decide database'],
      ['read', '/aos/memory/notes.md'],
    ],
  );
  t.true(answer.includes('> decided: database is PostgreSQL\n/aos/memory/notes.md:3'), answer);
  t.false(answer.includes('lunch'));
  t.is(reasonOf(events), 'stop');
  t.true(events.filter(event => event.kind === 'text').length > 10);
});

test('it says what it is and how to have a language model', async t => {
  const { answer } = await converse('Where is the database?', found);
  t.regex(answer, /^No language model is involved/);
  t.regex(answer, /OPENAI_API_KEY/);
  t.regex(answer, /backends\.openai\.base_url/);
});

test('finding nothing says so, and how memory is filled', async t => {
  const { answer, used } = await converse('Tell me about zebras', () => ({ text: '{"hits":[]}' }));
  t.is(used.length, 1);
  t.regex(answer, /Nothing was found for "zebras"/);
  t.regex(answer, /echo "\.\.\." > \/aos\/memory\/notes\.md/);
});

test('a search that fails is told, not hidden', async t => {
  const { answer } = await converse('Tell me about zebras', () => ({ text: 'the tool is switched off', ok: false }));
  t.regex(answer, /The search failed: the tool is switched off/);
});

test('the question itself and earlier answers of its own are not quoted', async t => {
  const lines = [
    'What about the database?',
    '> No language model is involved in this answer about the database',
    '> call `search` {"query":"database"}',
    'Found for "database":',
    'the database is blue',
  ];
  const hits = lines.map((excerpt, index) => ({ path: `/aos/conversations/${index}`, line: null, excerpt }));
  const { answer } = await converse('What about the database?', () => ({ text: JSON.stringify({ hits }) }));
  t.deepEqual(answer.match(/^> .*$/gm), ['> the database is blue']);
});

test('without a search tool it says so', async t => {
  const events = await collect(offline.generate(ask('Where is the database?')));
  t.regex(textOf(events), /no search tool/);
});

test('the words of a question are those that mean something', t => {
  t.deepEqual(keywords('What did we decide about the database?'), ['decide', 'database']);
  t.deepEqual(keywords("Who's Ada, and what's in v2.1 of node.js?"), ['ada', 'v2.1', 'node.js']);
  t.deepEqual(keywords('what is it?'), []);
  t.is(keywords(Array.from({ length: 50 }, (_, i) => `word${i}`).join(' ')).length, 8);
});

test('it stops when the caller gives up', async t => {
  const stop = new AbortController();
  const error = await t.throwsAsync(
    async () => {
      for await (const event of offline.generate(ask('x', { signal: stop.signal })))
        if (event.kind === 'text') stop.abort();
    },
    { instanceOf: AosError },
  );
  t.is(error?.kind, 'interrupted');
});
