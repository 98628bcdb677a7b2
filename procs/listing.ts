/** The process table as data: what `aos ps` prints. */

import { type Caller, type PluginApi, parsePath, type RunRow } from '../plugin-sdk/index.ts';
import { costOf, pastCostOf } from './cost.ts';
import type { Run } from './run.ts';
import type { Table } from './table.ts';

/** How many ended runs are told of. */
const PAST_MAX = 200;

export interface Listed {
  readonly pid: number;
  readonly ppid: number;
  readonly agent: string;
  readonly model: string;
  /** As in the status file; `ended` for a run that is listed there no more. */
  readonly status: string;
  /** ISO 8601. */
  readonly started: string;
  /** Null where it is not known. */
  readonly cost_usd: number | null;
  readonly conversation: string;
  /** Where it has ended. */
  readonly exit_code?: number;
  readonly reason?: string;
}

/** Those that the caller may see, oldest first. `all` adds earlier runs. */
export function listRuns(api: PluginApi, table: Table, caller: Caller, all: boolean): Listed[] {
  const listed = table.all();
  const visible = ({ pid }: Listed): boolean => api.aos.explain(caller, 'stat', parsePath(`/aos/procs/${pid}`)).allowed;
  const now = listed.map(fromRun).filter(visible);
  if (!all) return now;
  const known = new Set(listed.map(run => run.pid));
  const past = api.state.runs.recent(PAST_MAX).filter(row => !known.has(row.pid));
  return [...past.map(fromRow).reverse().filter(visible), ...now];
}

function fromRun(run: Run): Listed {
  const { pid, ppid, agent, model, conversation } = run.info;
  const { end } = run;
  return {
    pid,
    ppid,
    agent,
    model,
    status: run.status,
    started: new Date(run.started ?? run.accepted).toISOString(),
    cost_usd: costOf(run),
    conversation,
    ...(end !== undefined && { exit_code: end.code, reason: end.reason }),
  };
}

function fromRow(row: RunRow): Listed {
  const { pid, ppid, agent, model, conversation } = row;
  return {
    pid,
    ppid,
    agent,
    model,
    status: 'ended',
    started: new Date(row.started ?? row.accepted).toISOString(),
    cost_usd: pastCostOf(row),
    conversation,
    exit_code: row.code ?? 1,
    reason: row.reason ?? 'failed',
  };
}
