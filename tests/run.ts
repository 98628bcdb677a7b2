/**
 * `npm test`: lint and format, types, build, then every test. Each stage runs whatever became of the one before, shows all it
 * has to say, and counts as one test; the last line is `N passed, N failed, N skipped`. What follows `--` goes to AVA.
 */

import { spawn } from 'node:child_process';
import { availableParallelism, constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { countOutcome, type Outcome, outcomeLine } from './support/outcome.ts';

const ROOT = dirname(import.meta.dirname);
const MAJOR_MIN = 24;

/** The Node that runs the stages: this one, or the one that the dependencies bring where this one is too old. */
function nodePath(): string {
  const major = Number(process.versions.node.split('.')[0]);
  return major >= MAJOR_MIN ? process.execPath : join(ROOT, 'node_modules/node/bin/node');
}

const node = nodePath();
const env = {
  ...process.env,
  PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`,
  NO_COLOR: '1',
  FORCE_COLOR: '0',
};

/** Runs one of the tools in node_modules/.bin, shows what it prints as it prints it, and gives that back. */
function run(tool: string, args: readonly string[]): Promise<{ ok: boolean; report: string }> {
  return new Promise(resolve => {
    const child = spawn(node, [join(ROOT, 'node_modules/.bin', tool), ...args], {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const chunks: Buffer[] = [];
    for (const [from, to] of [[child.stdout, process.stdout] as const, [child.stderr, process.stderr] as const]) {
      from.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        to.write(chunk);
      });
    }
    child.on('error', error => {
      process.stderr.write(`tests: ${tool} could not be started: ${error.message}; run npm ci\n`);
      resolve({ ok: false, report: '' });
    });
    child.on('close', (code, signal) => {
      if (signal !== null) process.stderr.write(`tests: ${tool} was ended by ${signal}\n`);
      resolve({ ok: code === 0, report: Buffer.concat(chunks).toString() });
    });
    forward(child.pid);
  });
}

/** Ctrl-C ends the stage that runs, which then ends the rest. */
function forward(pid: number | undefined): void {
  process.removeAllListeners('SIGINT').removeAllListeners('SIGTERM');
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      if (pid !== undefined) process.kill(pid, name);
      process.exitCode = 128 + constants.signals[name];
      stopped = true;
    });
  }
}
let stopped = false;

const total: Outcome = { passed: 0, failed: 0, skipped: 0 };

async function stage(name: string, tool: string, args: readonly string[]): Promise<void> {
  if (stopped) return;
  const { ok } = await run(tool, args);
  process.stdout.write(`${ok ? 'ok  ' : 'FAIL'}  ${name}\n`);
  if (ok) total.passed++;
  else total.failed++;
}

const separator = process.argv.indexOf('--');
const forAva = process.argv.slice(separator === -1 ? 2 : separator + 1);

await stage('lint and format', 'biome', ['check', '--colors=off', '--error-on-warnings', '--max-diagnostics=100', '.']);
await stage('types', 'tsc', ['-p', 'tsconfig.json', '--pretty', 'false']);
// bin/aos runs what was built, wherever something was.
await stage('build', 'tsc', ['-p', 'tsconfig.build.json', '--pretty', 'false']);
if (!stopped) {
  const { ok, report } = await run('ava', [`--concurrency=${Math.min(2, availableParallelism())}`, ...forAva]);
  const counted = countOutcome(report, ok);
  process.stdout.write(`${ok ? 'ok  ' : 'FAIL'}  tests\n`);
  total.passed += counted.passed;
  total.failed += counted.failed;
  total.skipped += counted.skipped;
}
process.stdout.write(`${outcomeLine(total)}\n`);
if (total.failed > 0) process.exitCode ||= 1;
