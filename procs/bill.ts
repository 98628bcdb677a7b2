/** What a run has cost that died with its daemon. */

import type { Micros, PluginApi, RunRow } from '../plugin-sdk/index.ts';

/** Ended runs among which those that it started are looked for. */
const RECENT_MAX = 1_000;

/**
 * As the ledger has it, where what was held for an answer under way counts in full: the run may never have heard of it. A run's
 * budget counts the runs it started too, so what these cost is taken off. Never less than what is stored of the run itself.
 */
export function billAfterCrash({ runs, ledger }: PluginApi['state'], row: RunRow): Micros {
  const counted = (pid: number): Micros => ledger.sum(`run:${pid}`)?.micros ?? 0;
  const total = counted(row.pid);
  if (total <= row.cost) return row.cost;
  const others = [...runs.list(['running', 'queued']), ...runs.recent(RECENT_MAX)];
  const below = others.filter(({ ppid }) => ppid === row.pid).reduce((sum, { pid }) => sum + counted(pid), 0);
  return Math.max(row.cost, total - below);
}
