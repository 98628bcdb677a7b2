/**
 * What policy costs: a decision among many grants, money through six budgets while many others live, what one of those takes
 * up, and the whole gate on a read through the mount, next to a gate that lets everything through.
 */

import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Decisions, decide } from '../core/capabilities/decide.ts';
import { VERBS } from '../core/capabilities/grant.ts';
import { DEFAULT_CONFIG } from '../core/config.ts';
import { Budget } from '../core/cost/budget.ts';
import { scopesBy } from '../core/cost/scopes.ts';
import { parsePath } from '../core/path.ts';
import type { Authority, Budgets, Caller, Limit, MountPoint } from '../core/types.ts';
import { type Teardown, tmpDir } from '../tests/support/dirs.ts';
import { missing } from '../tests/support/machine.ts';
import { clientProgram, rounds, type Server, serve } from './fuse.ts';
import { perCall, perCallOfBoth } from './measure.ts';
import type { Row } from './table.ts';

const NOW = 1_764_000_000_000;
const MINUTE = 60_000;

const GRANTS = 1_000;
const SCOPES = 100_000;
const ENTRIES = 1_000_000;

export async function benchPolicy(t: Teardown): Promise<Row[]> {
  return [...decisions(), ...money(), ...(await mount(t))];
}

/** Half of the grants lead elsewhere in the same directory, as a team's folders do; the one that matters comes last. */
function decisions(): Row[] {
  const grants = Array.from({ length: GRANTS }, (_, i) => ({
    verbs: ['list', 'read'] as const,
    path: i % 2 === 0 ? `/aos/memory/team${i}/**` : `/aos/conversations/2026/*/${i}/**`,
  }));
  const authority: Authority = [
    { name: 'uid 1000', grants: [...grants.slice(1), { verbs: VERBS, path: '/aos/memory/mine/**' }] },
  ];
  const paths = Array.from({ length: 1000 }, (_, i) => parsePath(`/aos/memory/mine/notes/${i}.md`));
  const kept = new Decisions();
  let at = 0;
  const next = () => paths[at++ % paths.length] ?? '';
  const now = () => NOW;
  return [
    row(
      'decide, 1,000 grants, cached',
      'µs',
      perCall(1000, () => kept.decide(authority, 'read', next(), now)),
      1,
    ),
    row(
      'decide, 1,000 grants, not cached',
      'µs',
      perCall(50, () => decide(authority, 'read', next(), NOW)),
      20,
    ),
  ];
}

function money(): Row[] {
  const small = crowd(SCOPES, ENTRIES);
  const busy = bytesOf(SCOPES, 10 * SCOPES, MINUTE);
  const large = crowd(10 * SCOPES, 10 * ENTRIES);
  const [time, timeOfLarge] = perCallOfBoth(500, small.pay, large.pay);
  return [
    row('reserve + settle, 6 scopes, 100,000 live, 1,000,000 entries', 'µs', time, 5),
    {
      measure: 'the same with ten times as many of both',
      unit: 'µs',
      ours: timeOfLarge,
      against: 'before',
      reference: time,
      goal: { kind: 'at most', ratio: 1.3 },
    },
    row('memory of a live scope', 'bytes', small.bytes, 300),
    row('memory of a scope with 10 entries in its window', 'bytes', busy),
  ];
}

interface Crowd {
  /** Memory of each scope. */
  readonly bytes: number;
  /** One operation of the next of many callers. */
  readonly pay: () => void;
}

/** Scopes that each spent something within the last minute, and before that over ten minutes all of `entries`. */
function crowd(scopes: number, entries: number): Crowd {
  const budget = new Budget();
  const bytes = measured(scopes, () => fill(budget, scopes, entries, 10 * MINUTE));
  const scopesOf = scopesBy(UNLIMITED);
  const point: MountPoint = { path: parsePath('/aos/mnt/api'), component: 'bench', tree: { node: () => undefined } };
  const path = parsePath('/aos/mnt/api/items');
  const callers = Array.from({ length: 1000 }, (_, i) => callerOf(Math.floor((i * scopes) / 1000)));
  let at = 0;
  let now = NOW;
  const pay = (): void => {
    const caller = callers[at++ % callers.length] ?? callerOf(0);
    // A hundred operations in a millisecond: the windows move on while they are measured.
    if (at % 100 === 0) now++;
    const held = budget.reserve(scopesOf(caller, path, point, undefined), 2, now, { path });
    held.spend(1);
    budget.settle(held, now);
  };
  // Compiled before it is timed, and nothing left over to be collected meanwhile.
  for (let i = 0; i < 10 * callers.length; i++) pay();
  collect();
  return { bytes, pay };
}

const ENOUGH: Limit = { usd: 1e12, per: MINUTE };

/** All that is asked is asked, and nothing is refused: velocity, pid, session, uid, subtree and the machine. */
const UNLIMITED: Budgets = {
  ...DEFAULT_CONFIG.budgets,
  pid: ENOUGH,
  session: { ...ENOUGH, per: 0 },
  uid: ENOUGH,
  global: ENOUGH,
  velocity: 1e12,
  subtree: { '/aos/mnt/**': ENOUGH },
};

function fill(budget: Budget, scopes: number, entries: number, span: number): void {
  for (let i = 0; i < entries; i++) {
    const who = i % scopes;
    const at = NOW - span + Math.floor((i * span) / entries);
    budget.restore({ layer: 'pid', id: who, born: 7 * who, limit: DEFAULT_CONFIG.budgets.pid }, 1, at);
  }
}

function callerOf(pid: number): Caller {
  const identity = { pid, startTime: pid * 7, sid: pid >> 3, tty: 0, comm: 'bench' };
  return { uid: 1000, gid: 1000, door: 'kernel', authority: [], identity: () => identity };
}

function bytesOf(scopes: number, entries: number, span: number): number {
  const budget = new Budget();
  return measured(scopes, () => fill(budget, scopes, entries, span));
}

/** Bytes of heap for each of `count` things that `make` makes and that live on. */
function measured(count: number, make: () => void): number {
  collect();
  const before = process.memoryUsage().heapUsed;
  make();
  collect();
  return (process.memoryUsage().heapUsed - before) / count;
}

/** Node's own garbage collection, which only a context that is made after the flag can see. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  if (typeof gc === 'function') gc();
}

async function mount(t: Teardown): Promise<Row[]> {
  const lacking = missing({ fuse: true });
  if (lacking !== undefined)
    return [{ ...row('policy on a pread', 'µs', Number.NaN), ours: undefined, missing: lacking }];
  const home = tmpDir(t);
  const words = [process.execPath, join(import.meta.dirname, 'policy-server.ts')];
  const servers: Server[] = [];
  for (const gate of ['policy', 'stub'] as const) {
    const served = await serve(t, gate, { words }, [home, gate], 'bench');
    if ('missing' in served) throw new Error(served.missing);
    servers.push(served);
  }
  const times = await rounds(await clientProgram(t), servers);
  const [policy, stub] = [times.get('policy'), times.get('stub')];
  return (['pread', 'stat', 'open_read_close'] as const).map(pattern => ({
    measure: `free ${pattern.replaceAll('_', '+')} through the mount`,
    unit: 'µs',
    ours: policy?.[pattern],
    against: 'without policy',
    reference: stub?.[pattern],
    goal: pattern === 'pread' ? { kind: 'at most', ratio: 1.15 } : { kind: 'none' },
  }));
}

function row(measure: string, unit: string, ours: number, goal?: number): Row {
  return { measure, unit, ours, goal: goal === undefined ? { kind: 'none' } : { kind: 'below', value: goal } };
}
