/** Clocks, medians, and programs that are started, pinned to one CPU and ended. */

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { command } from '../tests/support/command.ts';
import { type Teardown, tmpDir } from '../tests/support/dirs.ts';
import { onPath } from '../tests/support/machine.ts';

/** Every program that is compared with another one runs here. */
export const CPU = '0';

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2;
}

/** Milliseconds until a program has ended well. Throws with what it said where it did not. */
export async function timed(program: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<number> {
  const start = performance.now();
  const result = await command(program, args, { deadline: 120_000, ...(env === undefined ? {} : { env }) });
  const took = performance.now() - start;
  if (result.code !== 0) throw new Error(`${program} ${args.join(' ')}: exit ${result.code}\n${result.stderr}`);
  return took;
}

/** The words that run a program on the one CPU; none where there is no taskset. */
export const pinned: readonly string[] = onPath('taskset') ? ['taskset', '-c', CPU] : [];

/** Moves a running process with all its threads to these CPUs, as taskset(1) writes them. */
export async function pin(pid: number, cpus: string = CPU): Promise<void> {
  if (pinned.length > 0) await command('taskset', ['-a', '-p', '-c', cpus, String(pid)]);
}

/** Compiles bench/<name>.c. Gives the program, or what is missing. */
export async function compile(
  t: Teardown,
  name: string,
  library?: string,
): Promise<{ program: string } | { missing: string }> {
  if (!onPath('gcc')) return { missing: 'gcc is not installed' };
  const flags = library === undefined ? [] : await flagsOf(library);
  if (flags === undefined) return { missing: `no headers of ${library}: install lib${library}-dev and pkg-config` };
  const program = join(tmpDir(t), name);
  const built = await command('gcc', ['-O2', '-o', program, join(import.meta.dirname, `${name}.c`), ...flags]);
  return built.code === 0
    ? { program }
    : { missing: `gcc could not compile ${name}.c: ${built.stderr.split('\n')[0]}` };
}

async function flagsOf(library: string): Promise<string[] | undefined> {
  if (!onPath('pkg-config')) return undefined;
  const { code, stdout } = await command('pkg-config', ['--cflags', '--libs', library]);
  return code === 0 ? stdout.trim().split(/\s+/) : undefined;
}

/** Starts a program in the background, on the one CPU; it ends with `t`. */
export function background(t: Teardown, program: string, args: readonly string[]): ChildProcess {
  const [first = program, ...rest] = [...pinned, program, ...args];
  const child = spawn(first, rest, { stdio: ['ignore', 'ignore', 'pipe'] });
  t.teardown(() => {
    child.kill('SIGKILL');
  });
  return child;
}

/** Undone in the order opposite to how it was done, as a test's teardown is. */
export class Cleanup {
  private readonly steps: (() => Promise<void> | void)[] = [];

  teardown(step: () => Promise<void> | void): void {
    this.steps.unshift(step);
  }

  async run(): Promise<void> {
    for (const step of this.steps.splice(0)) await step();
  }
}

const BATCHES = 300;

/** Microseconds for one call, in process: the median over batches of `size` calls. */
export function perCall(size: number, op: () => unknown): number {
  return median(Array.from({ length: BATCHES }, () => batch(size, op)));
}

/** The same of two that are compared, a batch of each in turn: what the machine does meanwhile happens to both. */
export function perCallOfBoth(size: number, one: () => unknown, other: () => unknown): [one: number, other: number] {
  const times = Array.from({ length: BATCHES }, () => [batch(size, one), batch(size, other)] as const);
  return [median(times.map(([first]) => first)), median(times.map(([, second]) => second))];
}

function batch(size: number, op: () => unknown): number {
  const start = performance.now();
  for (let i = 0; i < size; i++) op();
  return ((performance.now() - start) * 1000) / size;
}
