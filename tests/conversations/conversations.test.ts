import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { conversationsPlugin } from '../../conversations/index.ts';
import { AosError } from '../../core/errors.ts';
import { parsePath } from '../../core/path.ts';
import type { RunInfo } from '../../core/types.ts';
import { newHome, type World, world } from './world.ts';

const TOP = '/aos/conversations';
const open = (t: ExecutionContext, home?: string): Promise<World> => world(t, [conversationsPlugin], home);
const pathOf = (run: RunInfo): string => `${TOP}/${run.conversation}`;

async function refused(t: ExecutionContext, kind: AosError['kind'], work: () => unknown): Promise<AosError> {
  const error = await t.throwsAsync(async () => work(), { instanceOf: AosError });
  t.is(error?.kind, kind, error?.message);
  return error ?? t.fail();
}

test('a finished turn is a directory with all its files', async t => {
  const w = await open(t);
  const run = w.accept();
  w.begin(run);
  w.trace(run, 'tool_call', { id: 'c1', tool: 'fs.read', args: { path: '/aos/memory/sky' } });
  w.trace(run, 'tool_result', { id: 'c1', status: 'ok', bytes: 12, result: 'scattering' });
  w.trace(run, 'approval', { id: 'i1', approved: true, by: 'uid 1000' });
  w.text(run, 'Because of ');
  w.text(run, 'scattering.\n\nMore below.');
  w.end(run, { output: 'Because of scattering.\n\nMore below.' });

  t.regex(run.conversation, /^2026\/11\/23\/142233-researcher-00001$/);
  t.deepEqual(await w.names(pathOf(run)), [
    'artifacts',
    'context.ctx',
    'cost.json',
    'decisions.jsonl',
    'manifest.json',
    'meta.json',
    'summary.md',
    'tools',
    'transcript.jsonl',
    'transcript.md',
  ]);
  const meta = JSON.parse(await w.read(`${pathOf(run)}/meta.json`));
  t.deepEqual(meta, {
    id: '142233-researcher-00001',
    path: pathOf(run),
    agent: 'researcher',
    model: 'mock/one',
    session: 's1',
    prompt: 'Why is the sky blue?',
    pid: 1,
    ppid: 0,
    uid: run.uid,
    lineage: { parent: null, forked_from: null, children: [] },
    tokens: { input: 10, cache_read: null, cache_write: null, output: 20 },
    cost_usd: 0.47,
    outcome: 'completed',
    started: '2026-11-23T14:22:33.000Z',
    ended: '2026-11-23T14:23:18.000Z',
  });
  const transcript = await w.read(`${pathOf(run)}/transcript.md`);
  t.regex(
    transcript,
    /Why is the sky blue\?[\s\S]*call `fs\.read`[\s\S]*tools\/001_fs\.read\.json[\s\S]*Because of scattering\.\n\nMore below\./,
  );
  t.regex(transcript, /completed \(exit 0, 0\.47 USD, 45 s\)\n$/);
  const events = (await w.read(`${pathOf(run)}/transcript.jsonl`))
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line));
  t.deepEqual(
    events.map(event => event.type),
    ['prompt', 'tool_call', 'tool_result', 'approval', 'text', 'text'],
  );
  t.is(await w.read(`${pathOf(run)}/summary.md`), 'Because of scattering.\n');
  t.like(JSON.parse(await w.read(`${pathOf(run)}/tools/001_fs.read.json`)), {
    id: 'c1',
    tool: 'fs.read',
    args: { path: '/aos/memory/sky' },
    status: 'ok',
    result: 'scattering',
  });
  t.regex(await w.read(`${pathOf(run)}/decisions.jsonl`), /"approved":true,"by":"uid 1000"/);
  const context = JSON.parse(await w.read(`${pathOf(run)}/context.ctx`));
  t.like(context, { prompt: run.prompt, chain: [] });
  t.like(JSON.parse(await w.read(`${pathOf(run)}/cost.json`)), {
    cost_usd: 0.47,
    cost_micros: 470_000,
    duration_sec: 45,
  });
  const manifest = JSON.parse(await w.read(`${pathOf(run)}/manifest.json`));
  t.is(manifest.tools[0].path, 'tools/001_fs.read.json');
  t.is(manifest.transcript.sha256.length, 64);
  t.deepEqual(w.said, []);
});

test('a turn is on the disk as it goes, and nobody else may write in it', async t => {
  const w = await open(t);
  const run = w.accept();
  w.begin(run);
  w.text(run, 'Beca');
  const dir = join(w.home, 'conversations', run.conversation);
  t.true(readFileSync(join(dir, 'transcript.md'), 'utf8').endsWith('Beca'));
  t.true((await w.read(`${pathOf(run)}/transcript.md`)).endsWith('Beca'));
  t.is(JSON.parse(readFileSync(join(dir, 'meta.json'), 'utf8')).outcome, 'running');
  t.deepEqual(await w.names(`${TOP}/active`), [run.conversation.slice(11)]);
  t.false((await w.stat(`${pathOf(run)}/meta.json`)).fixed);
  const error = await refused(t, 'read_only', () => w.write(`${pathOf(run)}/notes`, 'x'));
  t.regex(error.message, /its run is still writing it; wait until the run has ended/);
  w.text(run, 'use.');
  w.end(run);
  t.deepEqual(await w.names(`${TOP}/active`), []);
  t.regex(readFileSync(join(dir, 'transcript.md'), 'utf8'), /Because\.\n\n---/);
});

test('an answer that never streamed is in the transcript all the same', async t => {
  const w = await open(t);
  const run = w.accept();
  w.begin(run);
  w.end(run, { output: 'All at once.' });
  t.regex(await w.read(`${pathOf(run)}/transcript.md`), /## Answer\n\nAll at once\.\n\n---/);
  const failed = w.accept();
  w.end(failed, { reason: 'budget', code: 64, output: '', message: 'the budget is used up' });
  t.regex(await w.read(`${pathOf(failed)}/transcript.md`), /budget: the budget is used up \(exit 64/);
  t.is(JSON.parse(await w.read(`${pathOf(failed)}/meta.json`)).outcome, 'budget', 'even where it never started');
});

test('a finished turn never changes', async t => {
  const w = await open(t);
  const run = w.accept();
  w.begin(run);
  w.end(run);
  const { aos, self } = w.core;
  const at = (name: string) => parsePath(`${pathOf(run)}/${name}`);
  const how = { noReplace: false, exchange: false };
  t.true((await w.stat(`${pathOf(run)}/meta.json`)).fixed);
  t.true((await w.stat(pathOf(run))).fixed);
  t.false((await w.stat(`${TOP}/2026/11/23`)).fixed);
  const changes = [
    () => w.write(`${pathOf(run)}/meta.json`, '{}'),
    () => w.write(`${pathOf(run)}/artifacts/new`, 'x'),
    () => aos.remove(self, at('meta.json')),
    () => aos.removeDir(self, at('artifacts')),
    () => aos.rename(self, parsePath(pathOf(run)), parsePath(`${TOP}/elsewhere`), how),
    () => aos.rename(self, parsePath(`${TOP}/2026`), parsePath(`${TOP}/2027`), how),
    () => aos.makeHardLink(self, parsePath(`${TOP}/way-around`), at('meta.json')),
    () => aos.change(self, at('meta.json'), { mtime: 0 }),
  ];
  for (const change of changes) {
    const error = await refused(t, 'read_only', change);
    t.regex(error.message, /^conversations: .+; /);
  }
});

test('everything else there is ordinary disk', async t => {
  const w = await open(t);
  const run = w.accept();
  w.begin(run);
  w.end(run);
  await w.write(`${TOP}/notes.md`, 'mine');
  await w.core.aos.makeDir(w.core.self, parsePath(`${TOP}/2026/11/23/own`), 0o755);
  await w.write(`${TOP}/2026/11/23/own/list`, 'x');
  t.is(await w.read(`${TOP}/2026/11/23/own/list`), 'x');
  t.is(readFileSync(join(w.home, 'conversations/notes.md'), 'utf8'), 'mine');
  await refused(t, 'exists', () => w.core.aos.makeDir(w.core.self, parsePath(`${TOP}/sessions`), 0o755));
});

test('views link to the turns by session and agent, after a restart too', async t => {
  const home = newHome(t);
  const first = await open(t, home);
  const one = first.accept();
  const two = first.accept({ agent: 'coder', session: 'a/b' });
  for (const run of [one, two]) {
    first.begin(run);
    first.end(run);
  }
  const check = async (w: World): Promise<void> => {
    t.deepEqual(await w.names(TOP), ['2026', 'active', 'by-agent', 'by-tag', 'sessions']);
    t.deepEqual(await w.names(`${TOP}/sessions`), ['a-b', 's1']);
    t.deepEqual(await w.names(`${TOP}/by-agent`), ['coder', 'researcher']);
    const link = await w.stat(`${TOP}/sessions/s1/142233-researcher-00001`);
    t.is(link.target, `../../${one.conversation}`);
    t.is(link.size, (link.target ?? '').length);
    t.is((await w.stat(`${TOP}/by-agent/coder/142233-coder-00002`)).target, `../../${two.conversation}`);
    await refused(t, 'not_found', () => w.stat(`${TOP}/by-agent/nobody`));
    const error = await refused(t, 'link_loop', () => w.read(`${TOP}/sessions/s1/142233-researcher-00001/meta.json`));
    t.true(error.message.includes(`use ${pathOf(one)}/meta.json`));
  };
  await check(first);
  first.crash();
  await check(await open(t, home));
});

test('a running turn is in its views, and its link in active is one up', async t => {
  const w = await open(t);
  const run = w.accept();
  w.begin(run);
  t.is((await w.stat(`${TOP}/active/142233-researcher-00001`)).target, `../${run.conversation}`);
  t.deepEqual(await w.names(`${TOP}/sessions/s1`), ['142233-researcher-00001']);
});

test('a sub-run names its parent, and the parent its children', async t => {
  const w = await open(t);
  const parent = w.accept();
  w.begin(parent);
  const child = w.accept({ ppid: parent.pid, agent: 'coder' });
  w.begin(child);
  w.end(child);
  w.end(parent);
  const lineage = async (run: RunInfo) => JSON.parse(await w.read(`${pathOf(run)}/meta.json`)).lineage;
  t.is((await lineage(child)).parent, pathOf(parent));
  t.deepEqual((await lineage(parent)).children, [pathOf(child)]);
});

test('a turn that a dead daemon left running becomes interrupted, with what it had said', async t => {
  const home = newHome(t);
  const first = await open(t, home);
  const run = first.accept();
  first.begin(run);
  first.text(run, 'Half of the ans');
  first.crash();
  const lines = join(home, 'conversations', run.conversation, 'transcript.jsonl');
  writeFileSync(lines, `${readFileSync(lines, 'utf8')}{"v":1,"ts":"cut he`);

  const w = await open(t, home);
  const meta = JSON.parse(await w.read(`${pathOf(run)}/meta.json`));
  t.is(meta.outcome, 'interrupted');
  t.is(meta.prompt, 'Why is the sky blue?');
  t.regex(
    await w.read(`${pathOf(run)}/transcript.md`),
    /Half of the ans\n\n---\n\ninterrupted: the daemon stopped before this run ended\n$/,
  );
  const last = (await w.read(`${pathOf(run)}/transcript.jsonl`)).trimEnd().split('\n').at(-1) ?? '';
  t.like(JSON.parse(last), { type: 'exit', code: 130, reason: 'interrupted' });
  t.is(await w.read(`${pathOf(run)}/summary.md`), 'Half of the ans\n');
  t.true((await w.stat(`${pathOf(run)}/meta.json`)).fixed);
  t.deepEqual(
    w.state.index.search('half', 5).map(hit => hit.path),
    [pathOf(run)],
  );
});

test('being told of the end of a run of an earlier daemon changes nothing, and spend does not go down', async t => {
  const home = newHome(t);
  const first = await open(t, home);
  const run = first.accept();
  first.begin(run);
  first.trace(run, 'budget', { spent_usd: 0.2, remaining_usd: null, cost_micros: 200_000 });
  first.crash();
  const w = await open(t, home);
  const before = await w.read(`${pathOf(run)}/meta.json`);
  t.like(JSON.parse(before), { outcome: 'interrupted', cost_usd: 0.2 });
  w.end(run, { reason: 'interrupted', code: 130, output: '' });
  t.is(await w.read(`${pathOf(run)}/meta.json`), before);
  t.deepEqual(w.said, []);
});

test('a turn whose end was known but not written down keeps that end', async t => {
  const home = newHome(t);
  const first = await open(t, home);
  const run = first.accept();
  first.begin(run);
  first.text(run, 'Done.');
  first.state.runs.update(run.pid, { state: 'ended', ended: 1_795_443_798_000, code: 64, reason: 'budget', cost: 9 });
  first.crash();
  const w = await open(t, home);
  t.like(JSON.parse(await w.read(`${pathOf(run)}/meta.json`)), { outcome: 'budget', cost_usd: 0.000009 });
});

test('what a run on a model of unknown price has cost is not known while it goes, and not after a crash', async t => {
  const home = newHome(t);
  const first = await open(t, home);
  const run: RunInfo = { ...first.accept(), unpriced: true };
  first.begin(run);
  t.is(JSON.parse(await first.read(`${pathOf(run)}/cost.json`)).cost_usd, null);
  first.crash();
  const w = await open(t, home);
  for (const file of ['meta.json', 'cost.json']) {
    t.is(JSON.parse(await w.read(`${pathOf(run)}/${file}`)).cost_usd, null, file);
  }
});

test('prompt and answer are found by their words, and the index is rebuilt from the files', async t => {
  const home = newHome(t);
  const first = await open(t, home);
  const run = first.accept({ prompt: 'Tell me of Rayleigh' });
  first.begin(run);
  first.text(run, 'He explained scattering.');
  first.end(run, { output: 'He explained scattering.' });
  t.deepEqual(
    first.state.index.search('rayleigh', 5).map(hit => hit.path),
    [pathOf(run)],
  );
  first.crash();
  for (const name of readdirSync(home)) if (name.startsWith('aos.db')) rmSync(join(home, name));
  const w = await open(t, home);
  t.is(w.state.index.count(), 0);
  await w.names(`${TOP}/sessions`);
  t.deepEqual(
    w.state.index.search('scattering', 5).map(hit => hit.path),
    [pathOf(run)],
  );
});

test('a disk that cannot be written stops no run, and is said once', async t => {
  const w = await open(t);
  mkdirSync(join(w.home, 'conversations/2026/11'), { recursive: true });
  writeFileSync(join(w.home, 'conversations/2026/11/23'), 'in the way');
  const run = w.accept();
  t.notThrows(() => {
    w.begin(run);
    w.text(run, 'x');
  });
  t.is(w.said.length, 1);
  t.regex(w.said[0] ?? '', /^conversations: the record of .* is incomplete: .*; see that the disk/);
  t.false(existsSync(join(w.home, 'conversations', run.conversation)));
});

test('a directory or a link put where a turn will be leads no record elsewhere', async t => {
  const w = await open(t);
  const outside = newHome(t);
  const day = join(w.home, 'conversations/2026/11/23');
  mkdirSync(day, { recursive: true });
  symlinkSync(outside, join(day, '142233-researcher-00001'));
  w.begin(w.accept());
  t.regex(w.said[0] ?? '', /is incomplete/);
  await refused(t, 'read_only', () => w.core.aos.makeLink(w.core.self, parsePath(`${TOP}/2027`), outside));
  rmSync(join(w.home, 'conversations/2026/11'), { recursive: true });
  symlinkSync(outside, join(w.home, 'conversations/2026/11'));
  w.begin(w.accept());
  t.is(w.said.length, 2);
  t.deepEqual(
    readdirSync(outside).filter(name => name !== '23'),
    [],
  );
});
