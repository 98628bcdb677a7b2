/** `grep -r` over the files of finished conversations, through the mount and directly on the disk they lie on. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { command } from '../tests/support/command.ts';
import type { Teardown } from '../tests/support/dirs.ts';
import { missing } from '../tests/support/machine.ts';
import { median, pin, pinned, timed } from './measure.ts';
import type { Goal, Row } from './table.ts';
import { daemon } from './target.ts';

const TURNS = 5000;
const FILES = TURNS * 4;
const WARMUPS = 2;
const ROUNDS = 3;
/** In one file only, so that printing costs nothing and a wrong answer is noticed. */
const NEEDLE = 'hapax legomenon';

export async function benchGrep(t: Teardown): Promise<Row[]> {
  const measure = `grep -r over ${FILES} files`;
  const lacking = missing({ fuse: true });
  if (lacking !== undefined) return [{ measure, unit: 's', ours: undefined, goal: { kind: 'none' }, missing: lacking }];
  const { pid, home, mount } = await daemon(t, { prepare: writeConversations });
  const [disk, tree] = [join(home, 'conversations'), join(mount, 'conversations')];
  const rows: Row[] = [];
  for (const { title, words, cpus, goal } of variants()) {
    await pin(pid, cpus);
    const reference = await search(words, disk);
    const ours = await search(words, tree);
    rows.push({ measure: `${measure}, ${title}`, unit: 's', ours, against: 'on disk', reference, goal });
  }
  return rows;
}

function variants(): { title: string; words: readonly string[]; cpus: string; goal: Goal }[] {
  return [
    { title: 'one CPU', words: pinned, cpus: '0', goal: { kind: 'at most', ratio: 8 } },
    { title: 'all CPUs', words: [], cpus: `0-${availableParallelism() - 1}`, goal: { kind: 'none' } },
  ];
}

/** Seconds, warm. */
async function search(words: readonly string[], dir: string): Promise<number> {
  const [first = 'grep', ...args] = [...words, 'grep', '-r', '-l', NEEDLE, `${dir}/2026`];
  const found = await command(first, args, { deadline: 120_000 });
  if (found.stdout.trim().split('\n').length !== 1 || found.code !== 0) {
    throw new Error(`grep found in ${dir}: ${found.stdout || found.stderr || 'nothing'}`);
  }
  for (let i = 1; i < WARMUPS; i++) await timed(first, args);
  const times: number[] = [];
  for (let i = 0; i < ROUNDS; i++) times.push(await timed(first, args));
  return median(times) / 1000;
}

/** Finished turns as the daemon leaves them, a hundred a day. */
function writeConversations(home: string): void {
  for (let turn = 0; turn < TURNS; turn++) {
    const day = new Date(Date.UTC(2026, 0, 1 + Math.floor(turn / 100), 9, 0, turn % 100));
    const date = day.toISOString().slice(0, 10).replaceAll('-', '/');
    const id = `${day.toISOString().slice(11, 19).replaceAll(':', '')}-researcher-${String(turn + 1).padStart(5, '0')}`;
    const dir = join(home, 'conversations', date, id);
    mkdirSync(dir, { recursive: true });
    const text = `Question ${turn}: what do the notes say about subject ${turn % 37}?`;
    writeFileSync(join(dir, 'meta.json'), `${JSON.stringify(meta(id, date, turn, day, text), null, 2)}\n`);
    writeFileSync(
      join(dir, 'transcript.md'),
      `# researcher\n\n## user\n\n${text}\n\n## assistant\n\n${'They say little. '.repeat(20)}\n`,
    );
    writeFileSync(
      join(dir, 'summary.md'),
      `They say little about subject ${turn % 37}${turn === 1234 ? `: a ${NEEDLE}` : ''}.\n`,
    );
    writeFileSync(join(dir, 'cost.json'), `${JSON.stringify({ total_usd: 0.0012, input: 400, output: 80 })}\n`);
  }
}

function meta(id: string, date: string, turn: number, day: Date, prompt: string): object {
  return {
    id,
    agent: 'researcher',
    model: 'mock/default',
    session: `s-${Math.floor(turn / 20)}`,
    prompt,
    pid: turn + 1,
    ppid: 0,
    uid: 0,
    lineage: { parent: null, forked_from: null, children: [] },
    tokens: { input: 400, cache_read: null, cache_write: null, output: 80 },
    cost_usd: 0.0012,
    outcome: 'completed',
    started: day.toISOString(),
    ended: new Date(day.getTime() + 900).toISOString(),
    path: `${date}/${id}`,
  };
}
