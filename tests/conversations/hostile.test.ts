/** What somebody who may write below /aos/conversations puts there, and where it must not lead the daemon. */

import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { conversationsPlugin } from '../../conversations/index.ts';
import type { RunInfo } from '../../core/types.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { needs } from '../support/need.ts';
import { newHome, type World, world } from './world.ts';

const TOP = '/aos/conversations';
const OWN = '2020/01/01/x';
const SECRET = 'a line of somebody else\n';
const UID = 1001;

const open = (t: ExecutionContext, home?: string): Promise<World> => world(t, [conversationsPlugin], home);

/** A directory that says it is a turn; `change` to what it says. */
function claim(dir: string, change: object = {}): void {
  mkdirSync(dir, { recursive: true });
  const said = { id: 'x', agent: 'researcher', session: 's1', prompt: 'Why?', pid: 1, outcome: 'running', ...change };
  writeFileSync(join(dir, 'meta.json'), JSON.stringify(said));
}

/** A file outside that nothing may write to. */
function secret(t: ExecutionContext): { file: string; intact(): void } {
  const file = join(newHome(t), 'secret');
  writeFileSync(file, SECRET);
  return { file, intact: () => t.is(readFileSync(file, 'utf8'), SECRET) };
}

/** A pipe that nobody else opens, for so long that who waits for it is found out, and then does not wait for ever. */
function pipe(t: ExecutionContext, file: string): { unopened(): void } {
  execFileSync('mkfifo', [file]);
  const from = Date.now();
  const rescue = spawn('/bin/sh', ['-c', 'sleep 10; while sleep 0.1; do : <> "$0"; done', file], {
    stdio: 'ignore',
    detached: true,
  });
  t.teardown(() => process.kill(-(rescue.pid ?? t.fail()), 'SIGKILL'));
  return { unopened: () => t.true(Date.now() - from < 9_000, 'the daemon waited for the other end of a pipe') };
}

/** A run that died with its daemon, in the home of the next one; `prepare` what is in its directory by then, and `change` its row. */
async function interrupted(
  t: ExecutionContext,
  prepare: (dir: string) => void,
  change: Parameters<World['state']['runs']['update']>[1] = {},
): Promise<{ w: World; run: RunInfo; dir: string }> {
  const home = newHome(t);
  const first = await open(t, home);
  const run = first.accept();
  first.begin(run);
  first.text(run, 'Half of it');
  first.state.runs.update(run.pid, change);
  first.crash();
  const dir = join(home, 'conversations', run.conversation);
  prepare(dir);
  return { w: await open(t, home), run, dir };
}

async function views(w: World): Promise<string[]> {
  const groups = await w.names(`${TOP}/by-agent`);
  const shown = await Promise.all(groups.map(group => w.names(`${TOP}/by-agent/${group}`)));
  return [...shown.flat(), ...(await w.names(`${TOP}/active`))];
}

const outcome = (dir: string): unknown => JSON.parse(readFileSync(join(dir, 'meta.json'), 'utf8')).outcome;

test('a directory that only says of itself that it is a running turn is left alone, and no view shows it', async t => {
  const { file, intact } = secret(t);
  const home = newHome(t);
  const dir = join(home, 'conversations', OWN);
  claim(dir);
  symlinkSync(file, join(dir, 'transcript.jsonl'));
  const w = await open(t, home);
  w.accept();
  t.false((await w.stat(`${TOP}/${OWN}`)).fixed);
  await w.write(`${TOP}/${OWN}/notes`, 'mine');
  t.deepEqual(await views(w), []);
  t.is(outcome(dir), 'running');
  t.deepEqual(w.said, []);
  intact();
});

test('nor does it help to take the name of a run that is yet to start', async t => {
  const w = await open(t);
  const run = w.accept();
  const dir = join(w.home, 'conversations', run.conversation);
  claim(dir, { pid: run.pid });
  t.false((await w.stat(`${TOP}/${run.conversation}`)).fixed);
  t.is(outcome(dir), 'running');
});

test('a turn that the process table forgot stays as it is', async t => {
  const { w, run, dir } = await interrupted(t, dir => {
    for (const name of ['aos.db', 'aos.db-wal', 'aos.db-shm'])
      rmSync(join(dir, '../../../../..', name), { force: true });
  });
  t.regex(await w.read(`${TOP}/${run.conversation}/transcript.md`), /Half of it$/);
  t.is(outcome(dir), 'running');
  t.deepEqual(await views(w), []);
});

for (const name of ['transcript.jsonl', 'transcript.md']) {
  for (const how of [symlinkSync, linkSync]) {
    test(`nothing is added to what ${name} is another name of: ${how.name}`, async t => {
      const { file, intact } = secret(t);
      const { w, run, dir } = await interrupted(t, dir => {
        rmSync(join(dir, name));
        how(file, join(dir, name));
      });
      const other = join(dir, name === 'transcript.md' ? 'transcript.jsonl' : 'transcript.md');
      const before = readFileSync(other, 'utf8');
      t.false((await w.stat(`${TOP}/${run.conversation}`)).fixed);
      t.regex(w.said[0] ?? '', /the interrupted .* could not be ended/);
      t.is(readFileSync(other, 'utf8'), before, 'a record is ended in all its files or in none');
      intact();
    });
  }
}

test('a link, or what a crash left, in the place of a file that is about to be written is taken away', async t => {
  const { file, intact } = secret(t);
  const { dir, w, run } = await interrupted(t, dir => {
    for (const name of ['.meta.json.tmp', '.summary.md.tmp', 'cost.json']) {
      rmSync(join(dir, name), { force: true });
      symlinkSync(file, join(dir, name));
    }
    writeFileSync(join(dir, '.cost.json.tmp'), 'half of');
  });
  t.true((await w.stat(`${TOP}/${run.conversation}`)).fixed);
  t.is(outcome(dir), 'interrupted');
  t.is(await w.read(`${TOP}/${run.conversation}/summary.md`), 'Half of it\n');
  t.like(JSON.parse(await w.read(`${TOP}/${run.conversation}/cost.json`)), { cost_usd: 0 });
  t.false((await w.names(`${TOP}/${run.conversation}`)).some(name => name.endsWith('.tmp')));
  intact();
});

test('no link is followed on the way to a turn', async t => {
  const outside = newHome(t);
  const move = (dir: string): void => {
    const day = dirname(dir);
    renameSync(day, join(outside, '23'));
    symlinkSync(join(outside, '23'), day);
  };
  // What has ended by its row is ended on the disk as the daemon starts.
  const { w, run } = await interrupted(t, move, { state: 'ended', ended: 0, code: 0, reason: 'completed' });
  await t.throwsAsync(() => w.stat(`${TOP}/${run.conversation}/meta.json`), { message: /symbolic link/ });
  t.is(outcome(join(outside, run.conversation.slice('2026/11/'.length))), 'running');
  t.deepEqual(await views(w), []);
});

test('a link to a finished turn is a link, and no turn', async t => {
  const home = newHome(t);
  const outside = newHome(t);
  claim(outside, { outcome: 'completed' });
  mkdirSync(join(home, 'conversations', dirname(OWN)), { recursive: true });
  symlinkSync(outside, join(home, 'conversations', OWN));
  const w = await open(t, home);
  t.like(await w.stat(`${TOP}/${OWN}`), { kind: 'link', fixed: false });
  t.deepEqual(await views(w), []);
});

test('nobody waits for a pipe, neither at a look nor when all turns are looked through', async t => {
  const home = newHome(t);
  const dir = join(home, 'conversations', OWN);
  mkdirSync(dir, { recursive: true });
  const { unopened } = pipe(t, join(dir, 'meta.json'));
  const w = await open(t, home);
  await w.write(`${TOP}/${OWN}/notes`, 'mine');
  t.deepEqual(await views(w), []);
  unopened();
});

test('nobody waits for a pipe in the place of a transcript', async t => {
  let unopened = (): void => {};
  const { w, run } = await interrupted(t, dir => {
    rmSync(join(dir, 'transcript.jsonl'));
    ({ unopened } = pipe(t, join(dir, 'transcript.jsonl')));
  });
  t.false((await w.stat(`${TOP}/${run.conversation}`)).fixed);
  unopened();
});

test('a meta.json that is a directory, or larger than one can be, makes no turn and takes no memory', async t => {
  const home = newHome(t);
  const [first, second] = ['1', '2'].map(id => join(home, 'conversations', dirname(OWN), id));
  if (first === undefined || second === undefined) return t.fail();
  mkdirSync(join(first, 'meta.json'), { recursive: true });
  claim(second, { outcome: 'completed' });
  truncateSync(join(second, 'meta.json'), 1024 ** 3);
  const before = process.resourceUsage().maxRSS;
  const w = await open(t, home);
  for (const id of ['1', '2']) t.false((await w.stat(`${TOP}/${dirname(OWN)}/${id}`)).fixed);
  t.deepEqual(await views(w), []);
  t.true(process.resourceUsage().maxRSS - before < 256 * 1024, 'in KiB');
  t.deepEqual(w.said, []);
});

test('what no view could show as a name, and what is of another type, makes no turn', async t => {
  const home = newHome(t);
  const wrong = [{ id: 'a/b' }, { id: '..' }, { id: 'x'.repeat(256) }, { tags: 5 }, { pid: {}, outcome: 'running' }];
  for (const [i, change] of wrong.entries()) {
    claim(join(home, 'conversations', dirname(OWN), String(i)), { outcome: 'completed', ...change });
  }
  const w = await open(t, home);
  t.deepEqual(await views(w), []);
  t.deepEqual(w.said, []);
});

const MAY_ALL = { grants: { [UID]: [{ verbs: ['all'], path: `${TOP}/**` }] } };
const RUNNING = JSON.stringify({ id: 'x', agent: 'a', session: 's', prompt: 'p', pid: 1, outcome: 'running' });

/** As the other user, in a directory of its own below the mount; then the daemon is asked whether it still answers. */
async function does(t: ExecutionContext, daemon: Daemon, script: string, env: Record<string, string>): Promise<void> {
  const at = `set -e; cd "$AOS_MOUNT/conversations"; mkdir -p ${dirname(OWN)}; cd ${dirname(OWN)}; ${script}`;
  const done = await daemon.sh(at, { uid: UID, env, deadline: 8_000 });
  t.is(done.code, 0, `${script}\n${done.stdout}${done.stderr}`);
  t.is((await daemon.sh('aos status', { deadline: 8_000 })).code, 0);
}

needs(test.serial, { fuse: true, user: true, command: 'mkfifo' })(
  'another user at the mount makes the daemon write nowhere and wait for nothing',
  async t => {
    const { file, intact } = secret(t);
    chmodSync(file, 0o600);
    const shared = newHome(t);
    chmodSync(shared, 0o777);
    const daemon = await startDaemon(t, { args: ['--allow-other'], config: MAY_ALL, fuse: true });
    await daemon.sh('chmod 1777 "$AOS_MOUNT/conversations"');
    const env = { SECRET: file, PIPE: join(shared, 'pipe'), RUNNING };
    await does(t, daemon, 'mkdir x; ln -s "$SECRET" x/transcript.jsonl; echo "$RUNNING" > x/meta.json; touch x/y', env);
    await does(t, daemon, 'ln -s "$SECRET" x/.meta.json.tmp; touch x/z; rm x/y', env);
    await does(t, daemon, 'mkdir f; mkfifo "$PIPE"; ln -s "$PIPE" f/meta.json; touch f/y', env);
    await does(t, daemon, 'ln -s "$AOS_MOUNT/memory" own; ls -ld own > /dev/null; ls own/ > /dev/null || true', env);
    intact();
    await daemon.stop();
    await daemon.start();
    const listed = await daemon.sh('ls "$AOS_MOUNT/conversations/by-agent" "$AOS_MOUNT/conversations/active"', {
      deadline: 8_000,
    });
    t.is(listed.code, 0, listed.stderr);
    t.is((await daemon.sh('aos status', { deadline: 8_000 })).code, 0);
    intact();
  },
);
