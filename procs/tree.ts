/** /aos/procs as files. */

import {
  AosError,
  type Args,
  type Attr,
  dir,
  link,
  log,
  message,
  type Node,
  type Op,
  type PluginApi,
  printUsd,
  type Route,
  type Tree,
  then,
  tree,
  value,
} from '../plugin-sdk/index.ts';
import { turnsOf } from './context.ts';
import { checkWord, control, hasRoom, mayControl, standardInput } from './control.ts';
import { costOf, costText } from './cost.ts';
import { listRuns } from './listing.ts';
import { parseRequest } from './plan.ts';
import { noProcess } from './refusals.ts';
import type { Run } from './run.ts';
import { keyOf, type Table } from './table.ts';

interface ByPid {
  readonly pid: string;
}

const NAMES = [
  'status',
  'agent',
  'ppid',
  'started',
  'cost',
  'stdin',
  'stdout',
  'stderr',
  'ctl',
  'capabilities',
  'budget',
  'context',
  'intents',
  'conversation',
];

const PID = /^[1-9]\d{0,14}$/;

export function procsTree(api: PluginApi, table: Table): Tree {
  const find = ({ pid }: ByPid): Run | undefined => (PID.test(pid) ? table.get(Number(pid)) : undefined);
  const exists = (args: ByPid): boolean => find(args) !== undefined;
  const need = (args: ByPid): Run => {
    const run = find(args);
    if (run === undefined) throw noProcess(args.pid);
    return run;
  };
  const text = (read: (run: Run) => string, mtime: (run: Run) => number = run => run.statusAt): Route<ByPid> =>
    value({ exists, read: args => `${read(need(args))}\n`, attr: args => owned(need(args), 0o444, mtime(need(args))) });
  const folder = (names: readonly string[]): Route<ByPid> =>
    dir(() => names, { exists, attr: args => owned(need(args), 0o555) });
  const forOwner = (
    name: string,
    commit: (args: Args<ByPid>, run: Run, body: string) => void,
    { accept, check }: { accept?: (run: Run) => void; check?: (run: Run, text: string, line: boolean) => void },
  ): Route<ByPid> =>
    message({
      exists,
      attr: args => owned(need(args), 0o200),
      accept: args => {
        mayControl(args, need(args), name);
        accept?.(need(args));
      },
      ...(check && { check: (args: Args<ByPid>, text: string, line: boolean) => check(need(args), text, line) }),
      commit: (args, body) => {
        const run = need(args);
        mayControl(args, run, name);
        commit(args, run, body);
      },
    });
  const born = (run: Run): number => run.accepted;

  const routes = tree({
    '/': dir(() => table.all().map(run => ({ name: String(run.pid), kind: 'dir' as const })), {
      call: (op, request) => answer(api, table, op, request),
    }),
    '/:pid': dir(args => (need(args).end === undefined ? NAMES : [...NAMES, 'exit']), {
      exists,
      attr: args => owned(need(args), 0o555),
      call: (args, request) => waitFor(table, args, Number(args.pid), request),
    }),
    '/:pid/status': text(run => run.status),
    '/:pid/agent': text(run => run.info.agent, born),
    '/:pid/ppid': text(run => String(run.info.ppid), born),
    '/:pid/started': text(run => new Date(run.started ?? run.accepted).toISOString(), born),
    '/:pid/cost': text(costText),
    '/:pid/exit': value({
      exists: args => find(args)?.end !== undefined,
      read: args => `${exitOf(need(args))}\n`,
      attr: args => owned(need(args), 0o444, need(args).ended ?? undefined),
    }),
    '/:pid/stdin': forOwner('stdin', (_args, run, body) => standardInput(run, body), { accept: hasRoom }),
    '/:pid/stdout': log(args => find(args)?.stdout),
    '/:pid/stderr': log(args => find(args)?.stderr),
    '/:pid/ctl': forOwner('ctl', (args, run, body) => control(args, run, table, body), { check: checkWord }),
    '/:pid/capabilities': text(run => JSON.stringify(run.caller.authority, null, 2), born),
    '/:pid/budget': folder(['limit', 'spent', 'remaining']),
    '/:pid/budget/limit': text(run => printUsd(run.spend.limit), born),
    '/:pid/budget/spent': text(run => printUsd(run.spend.total)),
    '/:pid/budget/remaining': text(run => printUsd(run.spend.left)),
    '/:pid/context': folder(['model', 'tokens']),
    '/:pid/context/model': text(run => run.info.model, born),
    '/:pid/context/tokens': text(run => String(run.contextTokens ?? 'unknown')),
    '/:pid/intents': folder([]),
    '/:pid/conversation': link(args => {
      const run = find(args);
      return run && `../../conversations/${run.info.conversation}`;
    }),
  });
  return {
    node(rest, op) {
      const node = routes.node(rest, op) ?? pastRun(api, table, rest, op);
      const pid = rest.split('/', 1)[0] ?? '';
      if (node === undefined && pid !== '' && find({ pid }) === undefined) throw noProcess(pid);
      return node;
    },
  };
}

/** A run that is listed no more can still be waited for. */
function pastRun(api: PluginApi, table: Table, rest: string, op: Op): Node | undefined {
  if (op.verb !== 'call' || !PID.test(rest) || api.state.runs.get(Number(rest)) === undefined) return undefined;
  return { kind: 'dir', list: () => [], call: (at, request) => waitFor(table, at, Number(rest), request) };
}

function waitFor(table: Table, op: Op, pid: number, request: unknown): unknown {
  if (typeof request === 'object' && request !== null && 'op' in request && request.op === 'wait') {
    op.told = false;
    return table.wait(pid, op.caller, op.signal);
  }
  throw new AosError('invalid', {
    component: 'procs',
    path: op.path,
    why: 'not a request it knows',
    remedy: 'ask {"op":"wait"}',
  });
}

function answer(api: PluginApi, table: Table, op: Op, request: unknown): unknown {
  const asked = parseRequest(request);
  if (asked.op === 'list') {
    op.told = false;
    return listRuns(api, table, op.caller, asked.all === true);
  }
  // The request says on whose behalf a run acts, so only the daemon's own plugins may make it.
  if (op.caller.door !== 'system') {
    throw new AosError('not_permitted', {
      component: 'procs',
      path: op.path,
      why: 'runs are started by a message to an agent',
      remedy: 'write to its inbox, /aos/agents/NAME/inbox',
    });
  }
  if (asked.op === 'spawn') return table.spawn(asked);
  if (asked.op === 'estimate') return table.estimate(asked);
  if (asked.op === 'known') return table.knows(asked.agent, keyOf(asked.caller, asked.key));
  return then(turnsOf(api, asked.caller, asked.context), turns => ({ turns: turns.length }));
}

function exitOf(run: Run): string {
  const { end } = run;
  if (end === undefined) return '';
  const { code, reason, durationMs } = end;
  return JSON.stringify({
    code,
    reason,
    // Not what it was at the end: a model that hung may have sent its bill since.
    cost_usd: costOf(run),
    duration_sec: Math.round(durationMs / 100) / 10,
  });
}

function owned(run: Run, mode: number, mtime: number = run.accepted): Attr {
  return { uid: run.info.uid, gid: run.gid, mode, mtime };
}
