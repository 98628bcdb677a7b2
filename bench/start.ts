/** What a user waits for: a process table next to an empty Node, the daemon's start, and the memory it keeps while idle. */

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { command } from '../tests/support/command.ts';
import { prepareDaemon } from '../tests/support/daemon.ts';
import type { Teardown } from '../tests/support/dirs.ts';
import { median, pinned, timed } from './measure.ts';
import type { Row } from './table.ts';
import { daemon } from './target.ts';

const RUNS = 20;
const STARTS = 5;
const BIN = join(dirname(import.meta.dirname), 'bin');

export async function benchPs(t: Teardown): Promise<Row[]> {
  const { env } = await daemon(t, { fuse: false });
  const ps = [...pinned, join(BIN, 'aos'), 'ps'];
  const empty = [...pinned, process.execPath, '-e', '0'];
  const times = { ps: [] as number[], empty: [] as number[] };
  for (let i = 0; i <= RUNS; i++) {
    const [took, base] = [await time(ps, env), await time(empty, env)];
    // The first of each fills the caches.
    if (i === 0) continue;
    times.ps.push(took);
    times.empty.push(base);
  }
  return [
    {
      measure: 'aos ps',
      unit: 'ms',
      ours: median(times.ps),
      against: 'node -e 0',
      reference: median(times.empty),
      goal: { kind: 'at most', ratio: 1.6 },
    },
  ];
}

function time([first = '', ...args]: readonly string[], env: Readonly<NodeJS.ProcessEnv>): Promise<number> {
  return timed(first, args, env);
}

export async function benchStart(t: Teardown): Promise<Row[]> {
  const times: number[] = [];
  let idle = 0;
  for (let i = 0; i <= STARTS; i++) {
    const started = prepareDaemon(t, { mock: [{ match: '.*', text: 'A short answer.' }] });
    const begin = performance.now();
    const flags = ['--mock', join(dirname(started.home), 'mock.jsonl'), ...(started.fuse ? [] : ['--no-fuse'])];
    const { code, stderr } = await command(join(BIN, 'aos-mount'), [started.mount, ...flags], { env: started.env });
    if (code !== 0) throw new Error(`aos-mount: ${stderr}`);
    const answered = await command('stat', [join(started.fuse ? started.mount : started.home, '.')]);
    if (answered.code !== 0) throw new Error(`the mount does not answer: ${answered.stderr}`);
    if (i > 0) times.push(performance.now() - begin);
    const status = await started.aos('status', '--json');
    idle = rss(pidIn(status.stdout));
    await started.stop();
  }
  const start: Row = {
    measure: 'aos-mount until the mount answers',
    unit: 'ms',
    ours: median(times),
    goal: { kind: 'below', value: 400 },
  };
  return [start, { measure: 'memory when idle (RSS)', unit: 'MB', ours: idle, goal: { kind: 'below', value: 110 } }];
}

function pidIn(status: string): number {
  return Number(/"pid":\s*(\d+)/.exec(status)?.[1] ?? 0);
}

/** Megabytes; proc(5) counts in KiB. */
function rss(pid: number): number {
  const line = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return (Number(line?.[1] ?? Number.NaN) * 1024) / 1e6;
}
