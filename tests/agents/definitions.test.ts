import { mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { AosError } from '../../core/errors.ts';
import { parsePath } from '../../core/path.ts';
import { field, makeHome, saying, until, type World, worldFor } from '../procs/world.ts';

function world(t: ExecutionContext, home?: string): Promise<World> {
  return worldFor(t, { model: saying('hello') }, home);
}

function define(w: World, name: string, text: string): void {
  writeFileSync(join(w.home, 'etc/agents.d', `${name}.yaml`), text, { mode: 0o600 });
}

async function refused(t: ExecutionContext, act: () => Promise<unknown>): Promise<AosError> {
  return t.throwsAsync(act, { instanceOf: AosError });
}

test('three agents are there from the start, their definitions for the operator only', async t => {
  const w = await world(t);
  t.deepEqual(await w.list('/aos/agents'), ['coder', 'researcher', 'summarizer']);
  for (const file of readdirSync(join(w.home, 'etc/agents.d'))) {
    t.is(statSync(join(w.home, 'etc/agents.d', file)).mode & 0o777, 0o600);
  }
  const listed = await w.call('/aos/agents', { op: 'list' });
  t.like(listed, [
    { name: 'coder', status: 'idle', waiting: 0 },
    { name: 'researcher', status: 'idle', waiting: 0 },
    { name: 'summarizer', status: 'idle', waiting: 0 },
  ]);
});

test('a new definition is an agent at once, with defaults for what it leaves out', async t => {
  const w = await world(t);
  define(w, 'poet', 'persona: You rhyme.\n');
  t.true((await w.list('/aos/agents')).includes('poet'));
  t.is((await w.wait(await w.send('poet', 'Moon?'))).output, 'hello');
  t.regex(w.asked[0]?.messages[0]?.text ?? '', /^You rhyme\./);
  const config = await w.read('/aos/agents/poet/config.yaml');
  t.regex(config, /persona: You rhyme\./);
  t.regex(config, /limits: \{ max_cost_usd: 1, timeout_sec: 600, max_turns: 20 \}/);
  t.regex(config, /queue: \{ depth: 100, parallel: 1 \}/);
});

test('an edit takes effect for the next run', async t => {
  const w = await world(t);
  define(w, 'poet', 'persona: You rhyme.\n');
  await w.wait(await w.send('poet', 'Moon?'));
  define(w, 'poet', 'persona: You never rhyme.\n');
  await w.wait(await w.send('poet', 'Moon?'));
  t.regex(w.asked[1]?.messages[0]?.text ?? '', /^You never rhyme\./);
});

test('an invalid edit keeps the last good definition and says what is wrong, even after a restart', async t => {
  const home = makeHome();
  const w = await world(t, home);
  define(w, 'poet', 'persona: You rhyme.\n');
  await w.read('/aos/agents/poet/config.yaml');
  define(w, 'poet', 'persona: You rhyme.\nlimits:\n  timeout_sec: soon\n');
  const check = async (now: World): Promise<void> => {
    const error = await now.read('/aos/agents/poet/.error');
    t.regex(error, /agents\.d\/poet\.yaml/);
    t.regex(error, /line 3: "limits\.timeout_sec" is "soon"/);
    t.true((await now.read('/aos/agents/poet/log')).includes('line 3'));
    t.is(await now.read('/aos/agents/poet/status'), 'idle\n');
    t.is((await now.wait(await now.send('poet', 'Moon?'))).output, 'hello');
  };
  await check(w);
  t.true((await w.list('/aos/agents/poet')).includes('.error'));
  w.crash();
  const again = await world(t, home);
  await check(again);
  define(again, 'poet', 'persona: You rhyme again.\n');
  await refused(t, () => again.read('/aos/agents/poet/.error'));
  t.false((await again.list('/aos/agents/poet')).includes('.error'));
});

test('an agent whose definition was never valid is listed, says why and takes no messages', async t => {
  const w = await world(t);
  define(w, 'poet', 'personality: rhyming\n');
  t.is(await w.read('/aos/agents/poet/status'), 'error\n');
  t.regex(await w.read('/aos/agents/poet/.error'), /line 1: "personality" is "rhyming": there is no such key/);
  const error = await refused(t, () => w.send('poet', 'Moon?'));
  t.is(error.errno, 'EINVAL');
  t.regex(error.message, /personality/);
});

for (const [what, text, said] of [
  ['an empty file', '', /it is empty/],
  ['a list', '- a\n', /no keys/],
  ['broken YAML', 'persona: "a\n', /not YAML/],
  [
    'a pattern outside the tree',
    'capabilities:\n  - {verbs: [read], path: /etc/**}\n',
    /line 2.*capabilities\.0\.path/,
  ],
  ['an unknown verb', 'capabilities:\n  - verbs: [reed]\n    path: /aos/x\n', /line 2.*reed/],
  ['another name', 'name: other\n', /line 1: "name" is "other"/],
  ['too many turns', 'limits: {max_turns: 5000}\n', /max_turns" is 5000/],
] as const) {
  test(`${what} is no definition, and the error says where`, async t => {
    const w = await world(t);
    define(w, 'poet', text);
    t.regex(await w.read('/aos/agents/poet/.error'), said);
  });
}

test('a link is not followed, so nothing else can be quoted in an error', async t => {
  const w = await world(t);
  writeFileSync(join(w.home, 'secret'), 'token-123: x\n');
  symlinkSync(join(w.home, 'secret'), join(w.home, 'etc/agents.d/poet.yaml'));
  const error = await w.read('/aos/agents/poet/.error');
  t.regex(error, /a link/);
  t.notRegex(error, /token-123/);
  mkdirSync(join(w.home, 'etc/agents.d/folder.yaml'));
  t.regex(await w.read('/aos/agents/folder/.error'), /not a file/);
});

test('a removed definition takes the agent away', async t => {
  const w = await world(t);
  await w.read('/aos/agents/coder/status');
  rmSync(join(w.home, 'etc/agents.d/coder.yaml'));
  t.deepEqual(await w.list('/aos/agents'), ['researcher', 'summarizer']);
  await refused(t, () => w.send('coder', 'x'));
});

test('the ready-made agents do not come back once they were removed', async t => {
  const home = makeHome();
  const w = await world(t, home);
  for (const file of readdirSync(join(home, 'etc/agents.d'))) rmSync(join(home, 'etc/agents.d', file));
  w.crash();
  const again = await world(t, home);
  t.deepEqual(await again.list('/aos/agents'), []);
});

test('an unknown agent is not found, and the nearest is named', async t => {
  const w = await world(t);
  const error = await refused(t, () => w.send('reseacher', 'x'));
  t.is(error.errno, 'ENOENT');
  t.regex(error.message, /did you mean researcher/);
  const far = await refused(t, () => w.read('/aos/agents/zzzzzz/status'));
  t.notRegex(far.message, /did you mean/);
});

test('a name that the caller may not see is not suggested', async t => {
  const w = await world(t);
  const set = { name: 'uid 5', grants: [{ verbs: ['write', 'list'] as const, path: '/aos/agents/reseacher/**' }] };
  const error = await refused(t, () => w.send('reseacher', 'x', w.as(5, set)));
  t.notRegex(error.message, /researcher/);
});

test('the list of agents holds what the caller sees in the directory', async t => {
  const w = await world(t);
  const grants = [
    { verbs: ['call', 'list'] as const, path: '/aos/agents' },
    { verbs: ['stat'] as const, path: '/aos/agents/coder' },
  ];
  const narrow = w.as(5, { name: 'one agent', grants });
  const listed = (await w.call('/aos/agents', { op: 'list' }, narrow)) as { name: string }[];
  const shown = await w.core.aos.list(narrow, parsePath('/aos/agents'));
  t.deepEqual(
    listed.map(({ name }) => name),
    ['coder'],
  );
  t.deepEqual(
    shown.map(({ name }) => name),
    ['coder'],
  );
});

test('the projection of the definition is read-only', async t => {
  const w = await world(t);
  const error = await refused(t, () => w.write('/aos/agents/coder/config.yaml', 'persona: mine\n'));
  t.is(error.errno, 'EROFS');
});

test('preferences take style and nothing else, and reach the model', async t => {
  const w = await world(t);
  await w.write('/aos/agents/coder/prefs.yaml', '# mine\nverbosity: low\nresponse_length: 3\n');
  t.is(await w.read('/aos/agents/coder/prefs.yaml'), '# mine\nverbosity: low\nresponse_length: 3\n');
  const error = await refused(t, () => w.write('/aos/agents/coder/prefs.yaml', 'persona: evil\n'));
  t.is(error.errno, 'EPERM');
  t.regex(error.message, /"persona"/);
  const broken = await refused(t, () => w.write('/aos/agents/coder/prefs.yaml', 'verbosity: [a]\n'));
  t.is(broken.errno, 'EINVAL');
  await w.wait(await w.send('coder', 'x'));
  t.regex(w.asked[0]?.messages[0]?.text ?? '', /verbosity: low\n- response length: 3/);
});

test('a definition that says which models may be called is held to it', async t => {
  const w = await world(t);
  define(w, 'poet', 'capabilities:\n  - {verbs: [call], path: /aos/models/other/**}\n');
  const pid = Number(field(await w.write('/aos/agents/poet/inbox', 'x'), 'pid'));
  const end = await w.wait(pid);
  t.is(end.reason, 'failed');
  t.is(w.asked.length, 0);
  await until('it is idle', async () => (await w.read('/aos/agents/poet/status')) === 'idle\n');
});
