/** Lists the runs, as ps does. */

import { dollars } from '../../agents/estimate.ts';
import { json, line, table } from '../output.ts';
import { type Fields, fields, items, number, text } from '../shape.ts';
import type { Context, Verb } from '../verb.ts';

const HEAD = ['PID', 'PPID', 'AGENT', 'STATUS', 'AGE', 'COST', 'MODEL', 'CONVERSATION'];
const RIGHT = ['PID', 'PPID', 'AGE', 'COST'];

export const verb: Verb = {
  name: 'ps',
  summary: 'List the runs',
  flags: [
    { flags: '-a, --all', help: 'with the ones that have ended' },
    { flags: '--tree', help: 'put each run below the one that started it' },
  ],
  notes:
    'JSON: a list of {pid, ppid, agent, model, status, started, cost_usd, conversation}; cost_usd is null\nwhere the price of the model is not known.',
  async run(context: Context) {
    const { client, flags } = context;
    const runs = items(await client.call('/aos/procs', { op: 'list', all: flags.on('all') })).map(fields);
    if (context.json) return void json(runs);
    const shown = flags.on('tree') ? asTree(runs) : runs.map(run => ({ run, depth: 0 }));
    const now = Date.now();
    line(
      table(
        HEAD,
        shown.map(({ run, depth }) => row(run, depth, now)),
        RIGHT,
      ),
    );
  },
};

interface Shown {
  readonly run: Fields;
  readonly depth: number;
}

function row(run: Fields, depth: number, now: number): string[] {
  return [
    text(run, 'pid'),
    text(run, 'ppid'),
    `${'  '.repeat(depth)}${text(run, 'agent')}`,
    text(run, 'status'),
    since(run.started, now),
    run.cost_usd === null ? 'unknown' : dollars(number(run, 'cost_usd')),
    text(run, 'model'),
    text(run, 'conversation'),
  ];
}

/** Time since the start, as ps prints times: `1:05`, `2:00:09`; a dash for a run that has not started. */
function since(started: unknown, now: number): string {
  const at = typeof started === 'number' ? started : typeof started === 'string' ? Date.parse(started) : Number.NaN;
  if (Number.isNaN(at)) return '-';
  const seconds = Math.max(0, Math.floor((now - at) / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  return hours > 0 ? `${hours}:${two(minutes % 60)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** Parents before their children. A run whose parent is not listed stands on its own. */
function asTree(runs: readonly Fields[]): Shown[] {
  const listed = new Set(runs.map(run => run.pid));
  const below = (parent: unknown, depth: number): Shown[] =>
    runs
      .filter(run => run.pid !== run.ppid && run.ppid === parent)
      .flatMap(run => [{ run, depth }, ...below(run.pid, depth + 1)]);
  const roots = runs.filter(run => run.pid === run.ppid || !listed.has(run.ppid));
  return roots.flatMap(run => [{ run, depth: 0 }, ...below(run.pid, 1)]);
}
