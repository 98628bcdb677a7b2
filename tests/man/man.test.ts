import test from 'ava';
import { manPlugin } from '../../man/index.ts';
import { AosError, dir, file, parsePath, tree } from '../../plugin-sdk/index.ts';
import { caller, testCore } from '../support/core.ts';

const SCOUT = `model: mock/default
persona: |
  You look for things. You say where they are.
tools: [search, read]
capabilities:
  - {verbs: [read, list], path: /aos/memory/**}
limits: {max_cost_usd: 0.5}
`;

async function world() {
  const core = await testCore();
  const sources: Record<string, string> = {
    'scout.yaml': SCOUT,
    'broken.yaml': 'a: [',
    'memory.yaml': 'persona: I remember.',
  };
  const sourceTree = tree({
    '/agents.d': dir(() => Object.keys(sources)),
    '/agents.d/:name': file({ exists: ({ name }) => name in sources, read: ({ name }) => sources[name] ?? '' }),
  });
  core.mount('/aos/etc', sourceTree);
  core.mount('/aos/memory', tree({ '/': dir(() => []) }));
  await core.plugins.admit([manPlugin]);
  const read = async (name: string) =>
    Buffer.from(await core.aos.read(caller(), parsePath(`/aos/man/${name}`))).toString();
  return { ...core, read };
}

test('there is a page for each directory that is there and for each agent', async t => {
  const { aos } = await world();
  const names = [...(await aos.list(caller(), parsePath('/aos/man')))].map(entry => entry.name);
  t.deepEqual(names, ['broken', 'etc', 'man', 'memory', 'scout']);
});

test("an agent's page says what its source says, within 80 columns", async t => {
  const { read } = await world();
  const page = await read('scout');
  t.regex(page, /NAME\n {7}scout - You look for things\n/);
  t.regex(page, /MODEL\n {7}mock\/default\n/);
  t.regex(page, /TOOLS\n {7}search, read\n/);
  t.regex(page, /CAPABILITIES\n {7}read list {2}\/aos\/memory\/\*\*\n/);
  t.regex(page, /LIMITS\n {7}max_cost_usd: 0\.5\n/);
  t.true(page.split('\n').every(line => line.length <= 80));
});

test('an agent that is called as a directory shares its page; a broken source still has one', async t => {
  const { read } = await world();
  const page = await read('memory');
  t.regex(page, /memory - files that agents and people keep/);
  t.regex(page, /memory - I remember/);
  t.regex(await read('broken'), /\/aos\/etc\/agents\.d\/broken\.yaml/);
});

test('no page for what is not there', async t => {
  const { read } = await world();
  t.is((await t.throwsAsync(read('procs'), { instanceOf: AosError }))?.kind, 'not_found');
});
