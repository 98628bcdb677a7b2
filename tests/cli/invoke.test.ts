import { spawn } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import { AosError } from '../../core/errors.ts';
import { until } from '../support/until.ts';
import { ROOT, startShell } from './aos.ts';

const CONVERSATION = '2026/11/23/000000-echo-00007';

test('prints the pid and the conversation and returns at once', async t => {
  const { aos, fake } = await startShell(t);
  const flags = ['--model', 'm', '--budget', '0.5', '--timeout=30', '--session', 'new', '--idempotency-key', 'k'];
  t.like(await aos('invoke', 'echo', 'hi there', ...flags), { code: 0, stdout: `7 ${CONVERSATION}\n`, stderr: '' });
  t.deepEqual(fake.inbox[0], {
    prompt: 'hi there',
    session: 'new',
    idempotency_key: 'k',
    override: { model: 'm', max_cost_usd: 0.5, timeout_sec: 30 },
  });
  const { stdout } = await aos('invoke', '/aos/agents/echo', 'hi', '--json');
  t.deepEqual(JSON.parse(stdout), { pid: 7, conversation: CONVERSATION });
  t.deepEqual(fake.inbox[1], { prompt: 'hi' });
});

test('takes the prompt from stdin, and a file along with it', async t => {
  const { sh, fake } = await startShell(t);
  await sh('echo one | aos invoke echo -');
  await sh('echo two | aos invoke echo');
  await sh('echo body > notes.txt; aos invoke echo three --attach notes.txt');
  await sh('aos invoke echo four --attach /aos/memory/x --context /aos/conversations/last.ctx');
  t.deepEqual(
    fake.inbox.map(message => message.prompt),
    ['one', 'two', 'three\n\n--- notes.txt ---\nbody\n', 'four'],
  );
  t.like(fake.inbox[3], { attach: ['/aos/memory/x'], context: '/aos/conversations/last.ctx' });
  t.like(await sh('aos invoke echo - < /dev/null'), { code: 2 });
  t.like(await sh('aos invoke echo hi --attach nowhere.txt'), { code: 1 });
  t.is(fake.inbox.length, 4);
});

test('with --wait streams the answer and exits as the run did', async t => {
  const { aos, fake } = await startShell(t);
  const waiting = aos('invoke', 'echo', 'hi', '--wait');
  await until('the message came', () => fake.inbox.length === 1);
  fake.stdout.append('Hel');
  fake.stdout.append('lo');
  fake.end({ output: 'Hello', exit_code: 64, reason: 'budget', message: 'the budget is used up' });
  t.like(await waiting, { code: 64, stdout: 'Hello\n', stderr: 'aos: run 7 ended: the budget is used up\n' });
  const { stdout, code } = await aos('invoke', 'echo', 'hi', '--wait', '--json');
  t.like(JSON.parse(stdout), { pid: 7, conversation: CONVERSATION, output: 'Hello', exit_code: 64, cost_usd: 0.25 });
  t.is(code, 64);
});

test('wait prints the answer of a run, and waits for an agent', async t => {
  const { aos, fake } = await startShell(t);
  fake.end({ output: 'done', exit_code: 0 });
  t.like(await aos('wait', '7'), { code: 0, stdout: 'done\n', stderr: '' });
  t.like(JSON.parse((await aos('wait', '7', '--json')).stdout), { output: 'done', exit_code: 0 });
  t.like(await aos('wait', 'echo'), { code: 0, stdout: '' });
  t.like(await aos('wait', 'nobody'), { code: 1 });
});

test('Ctrl-C leaves the run alone, says how to get back to it, and exits 130', async t => {
  const { fake, env } = await startShell(t);
  const child = spawn(join(ROOT, 'bin/aos'), ['invoke', 'echo', 'hi', '--wait'], { env });
  let [out, err] = ['', ''];
  child.stdout.on('data', (text: Buffer) => {
    out += text;
  });
  child.stderr.on('data', (text: Buffer) => {
    err += text;
  });
  const ended = new Promise<number | null>(resolve => child.once('close', resolve));
  fake.stdout.append('so far');
  await until('the answer begins', () => out === 'so far');
  child.kill('SIGINT');
  t.is(await ended, 130);
  t.regex(err, /run 7 goes on: `aos wait 7`.*`aos kill 7`/);
  t.deepEqual(fake.ctl, []);
});

test('a full queue is 67, an unknown agent 1', async t => {
  const { aos } = await startShell(t);
  t.like(await aos('invoke', 'busy', 'hi'), { code: 67, stderr: 'agents: the queue holds 100 already\n' });
  t.like(await aos('invoke', 'nobody', 'hi'), { code: 1 });
});

test('--dry-run prints the estimate and sends nothing', async t => {
  const { aos, fake } = await startShell(t);
  fake.estimate = { estimate_usd: 0.6, low_usd: 0.45, high_usd: 0.75, basis: 'b' };
  const { stdout, code } = await aos('invoke', 'echo', 'hi', '--dry-run');
  t.like({ stdout, code }, { stdout: 'Estimated cost: $0.60 (range: 0.45-0.75)\n', code: 0 });
  t.deepEqual(JSON.parse((await aos('invoke', 'echo', 'hi', '--dry-run', '--json')).stdout), fake.estimate);
  t.is(fake.inbox.length, 0);
});

test('what the agent refuses as too dear is said, and --force, --budget, --ceiling and --allow-unknown-cost reach it', async t => {
  const { aos, fake } = await startShell(t);
  const why = 'Estimated cost: $0.60 (range: 0.45-0.75), above $0.10';
  fake.refusal = new AosError('costly', { component: 'agents', why, remedy: 'give --budget=USD, or --force' });
  const { code, stderr } = await aos('invoke', 'echo', 'hi');
  t.is(code, 1);
  t.regex(stderr, /Estimated cost: \$0\.60 \(range: 0\.45-0\.75\).*--budget=USD.*--force/);
  t.is((await aos('invoke', 'echo', 'hi', '--force')).code, 0);
  fake.refusal = undefined;
  const rules = ['--ceiling', 'read,list:/aos/memory/**', '--ceiling=call:/aos/models/**'];
  t.is((await aos('invoke', 'echo', 'hi', '--budget', '1', '--allow-unknown-cost', ...rules)).code, 0);
  t.deepEqual(fake.inbox, [
    { prompt: 'hi', force: true },
    {
      prompt: 'hi',
      override: { max_cost_usd: 1 },
      allow_unknown_cost: true,
      ceiling: [
        { verbs: ['read', 'list'], path: '/aos/memory/**' },
        { verbs: ['call'], path: '/aos/models/**' },
      ],
    },
  ]);
});

test('a ceiling without verbs, and budgets that are no amount, are mistakes', async t => {
  const { aos, fake } = await startShell(t);
  t.like(await aos('invoke', 'echo', 'hi', '--ceiling', '/aos/memory/**'), { code: 2 });
  for (const budget of ['-1', 'NaN', '1e309', 'much', '']) {
    t.like(await aos('invoke', 'echo', 'hi', `--budget=${budget}`), { code: 2 }, budget);
  }
  t.is(fake.inbox.length, 0);
});

test('an unknown price is said to be unknown', async t => {
  const { aos, fake } = await startShell(t);
  fake.estimate = { estimate_usd: null, low_usd: null, high_usd: null, basis: 'nobody knows' };
  t.is((await aos('invoke', 'echo', 'hi', '--dry-run')).stdout, 'Estimated cost: unknown\n');
});
