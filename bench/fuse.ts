/**
 * A value file that can change and a small directory, over three servers in one run: ours with its whole stack, libfuse 3 in
 * C (reference.c), and npm fuse-native (native.ts). Servers and client share one CPU; the rounds go round the servers.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '../tests/support/command.ts';
import { mountsBelow, type Teardown, tmpDir } from '../tests/support/dirs.ts';
import { missing, onPath } from '../tests/support/machine.ts';
import { until } from '../tests/support/until.ts';
import { background, compile, median, pinned } from './measure.ts';
import type { Goal, Row } from './table.ts';
import { pinnedDaemon } from './target.ts';

const ROUNDS = 7;
const CALLS = 3000;

const PATTERNS = ['pread', 'stat', 'open_read_close', 'listdir', 'stat_full_path'] as const;
type Pattern = (typeof PATTERNS)[number];
type Times = Record<Pattern, number>;

export interface Server {
  readonly name: string;
  readonly file: string;
  readonly dir: string;
}

/** At most so many times C, and at least so many times faster than fuse-native. */
const GOALS: Readonly<Record<Pattern, { readonly title: string; readonly c: Goal; readonly native: Goal }>> = {
  pread: { title: 'pread 4 KiB', c: atMost(1.5), native: fasterBy(1.8) },
  stat: { title: 'stat', c: atMost(1.8), native: fasterBy(1.8) },
  open_read_close: { title: 'open+read+close', c: atMost(1.7), native: fasterBy(1.8) },
  listdir: { title: 'listdir', c: atMost(1.6), native: fasterBy(1.4) },
  stat_full_path: { title: 'stat by full path', c: { kind: 'none' }, native: { kind: 'none' } },
};

/** The references let the kernel believe attributes for no time at all, as ours does for what can change. */
const VALIDITY = '0';

interface Reference {
  readonly against: string;
  readonly goalOf: (pattern: Pattern) => Goal;
  readonly server: Server | { readonly missing: string };
}

export async function benchFuse(t: Teardown): Promise<Row[]> {
  const lacking = missing({ fuse: true });
  if (lacking !== undefined) {
    return [{ measure: 'kernel mount', unit: 'µs', ours: undefined, goal: { kind: 'none' }, missing: lacking }];
  }
  const daemon = await pinnedDaemon(t);
  const dir = join(daemon.mount, 'agents/researcher');
  const ours: Server = { name: 'ours', file: join(dir, 'status'), dir };
  const client = await clientProgram(t);
  const { entries } = await round(client, ours, 10);
  const references = await startReferences(t, entries);
  const servers = [ours, ...references.map(({ server }) => server).filter(server => 'file' in server)];
  const times = await rounds(client, servers);
  return PATTERNS.flatMap(pattern =>
    references.map(({ against, goalOf, server }) => ({
      measure: pattern === 'listdir' ? `listdir of ${entries}` : GOALS[pattern].title,
      unit: 'µs',
      ours: times.get('ours')?.[pattern],
      against,
      reference: 'file' in server ? times.get(server.name)?.[pattern] : undefined,
      goal: goalOf(pattern),
      missing: 'file' in server ? undefined : server.missing,
    })),
  );
}

async function startReferences(t: Teardown, entries: number): Promise<Reference[]> {
  const args = [String(entries), VALIDITY];
  const c = await serve(t, 'C libfuse3 -s', await cProgram(t), args);
  const native = await serve(t, 'fuse-native', nativeProgram(), args);
  return [
    { against: 'C libfuse3 -s', goalOf: pattern => GOALS[pattern].c, server: c },
    { against: 'fuse-native', goalOf: pattern => GOALS[pattern].native, server: native },
  ];
}

/** Medians by server, in microseconds. The servers take turns, so that a busy moment hits all of them. */
export async function rounds(client: readonly string[], servers: readonly Server[]): Promise<Map<string, Times>> {
  const all = new Map<string, Times[]>(servers.map(({ name }) => [name, []]));
  for (let i = 0; i < ROUNDS; i++) {
    for (const server of servers) all.get(server.name)?.push((await round(client, server, CALLS)).times);
  }
  const middle = (times: readonly Times[], pattern: Pattern) => median(times.map(one => one[pattern] / 1000));
  return new Map(
    [...all].map(([name, times]) => [
      name,
      {
        pread: middle(times, 'pread'),
        stat: middle(times, 'stat'),
        open_read_close: middle(times, 'open_read_close'),
        listdir: middle(times, 'listdir'),
        stat_full_path: middle(times, 'stat_full_path'),
      },
    ]),
  );
}

async function round(
  client: readonly string[],
  { file, dir, name }: Server,
  calls: number,
): Promise<{ times: Times; entries: number }> {
  const [first = '', ...args] = [...pinned, ...client, file, dir, String(calls)];
  const { code, stdout, stderr } = await command(first, args, { deadline: 60_000 });
  if (code !== 0) throw new Error(`the client failed on ${name}: ${stderr}`);
  // The client is ours: it prints these numbers and no others.
  const times = JSON.parse(stdout) as Times & { entries: number };
  return { times, entries: times.entries };
}

export async function clientProgram(t: Teardown): Promise<string[]> {
  const built = await compile(t, 'client');
  return 'program' in built ? [built.program] : [process.execPath, join(import.meta.dirname, 'client.ts')];
}

type Program = { readonly words: readonly string[] } | { readonly missing: string };

async function cProgram(t: Teardown): Promise<Program> {
  const built = await compile(t, 'reference', 'fuse3');
  return 'missing' in built ? built : { words: [built.program] };
}

function nativeProgram(): Program {
  const lacking = missing({ module: 'fuse-native' });
  if (lacking !== undefined) return { missing: lacking };
  return { words: [process.execPath, join(import.meta.dirname, 'native.ts')] };
}

/** Starts a server on a mountpoint of its own and waits until it answers. What it serves is below `at`. */
export async function serve(
  t: Teardown,
  name: string,
  program: Program,
  args: readonly string[],
  at = '.',
): Promise<Server | { readonly missing: string }> {
  if ('missing' in program) return program;
  const mount = join(tmpDir(t), 'mount');
  mkdirSync(mount);
  t.teardown(() => unmount(mount));
  const [first = '', ...words] = program.words;
  const child = background(t, first, [...words, mount, ...args]);
  let said = '';
  child.stderr?.on('data', chunk => {
    said += String(chunk);
  });
  try {
    await until(`${name} mounts`, () => child.exitCode !== null || mountsBelow(mount).length > 0, 10_000);
    if (child.exitCode !== null) throw new Error('it ended');
    await until(`${name} answers`, async () => (await command('stat', [join(mount, at, 'value')])).code === 0);
  } catch (error) {
    const why = said.trim().split('\n')[0] || (error instanceof Error ? error.message : String(error));
    return { missing: `${name} does not start: ${why}` };
  }
  return { name, file: join(mount, at, 'value'), dir: join(mount, at, 'dir') };
}

function unmount(mount: string): void {
  if (mountsBelow(mount).length === 0) return;
  const tool = process.geteuid?.() === 0 || !onPath('fusermount3') ? ['umount', '-l'] : ['fusermount3', '-u', '-z'];
  spawnSync(tool[0] ?? '', [...tool.slice(1), mount], { timeout: 5000 });
}

function atMost(ratio: number): Goal {
  return { kind: 'at most', ratio };
}

function fasterBy(ratio: number): Goal {
  return { kind: 'faster by', ratio };
}
