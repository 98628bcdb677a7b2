/** Unlocking: a lease on a locked path, for a while, for somebody. */

import {
  AosError,
  type Caller,
  checkName,
  type Lease,
  type LeaseScope,
  type Maybe,
  type Micros,
  type Millis,
  microsFromUsd,
  type Op,
  type Path,
  type PolicyControl,
  parentOf,
  parseDuration,
  parsePath,
  printDuration,
  printUsd,
  then,
  usdFromMicros,
} from '../plugin-sdk/index.ts';
import { pathOf, type Request, requestOf, wrong } from './asked.ts';
import { forecast } from './forecast.ts';
import type { Keeper } from './keeper.ts';

/** Contract section 4. */
const DURATION_MAX_MS: Millis = 24 * 3_600_000;
const AT = '/aos/system/unlock';
const SCOPES = 'use session, uid or agent:NAME';
const KEYS = ['path', 'duration', 'duration_ms', 'budget_usd', 'scope', 'pid', 'dry_run'];

/** Whom a lease would serve, and why just those. */
interface Chosen {
  readonly scope: LeaseScope;
  readonly why: string;
}

/**
 * `{path, duration | duration_ms, budget_usd?, scope?, pid?, dry_run?}` → `{path, until, budget_usd, scope, id, why}`; with `dry_run` the
 * estimate of contract section 6. Refuses what does not exist, is not locked, or is not asked for in full.
 */
export function unlock(keeper: Keeper, op: Op, request: unknown): Maybe<object> {
  const { caller } = op;
  const terms = termsOf(request);
  const { path, duration, budget, dry } = terms;
  const atMost = budget === undefined ? '' : `, at most $${printUsd(budget)}`;
  op.told = dry ? false : `${path} for ${printDuration(duration)}${atMost}`;
  return then(agreed(keeper, caller, terms), ({ scope, why }) => {
    if (op.told) op.told += `, scope ${scopeText(scope)}`;
    if (dry) return forecast(keeper, caller, path, duration, budget);
    const until = keeper.api.now() + duration;
    const lease = take(keeper.policy, {
      path,
      until,
      uid: caller.uid,
      scope,
      ...(budget !== undefined && { budget }),
    });
    return { ...shapeOf(lease), why };
  });
}

/** Refuses what `unlock` would refuse, and takes no lease. */
export function mayUnlock(keeper: Keeper, caller: Caller, request: unknown): Maybe<void> {
  return then(agreed(keeper, caller, termsOf(request)), () => undefined);
}

/** What is asked for, as far as it says so itself. */
interface LeaseTerms {
  readonly asked: Request;
  readonly path: Path;
  readonly duration: Millis;
  readonly budget: Micros | undefined;
  readonly dry: boolean;
}

function termsOf(request: unknown): LeaseTerms {
  const asked = requestOf(request, KEYS, AT);
  const path = pathOf(asked, AT);
  return { asked, path, duration: durationOf(asked), budget: budgetOf(asked), dry: asked.dry_run === true };
}

function agreed(keeper: Keeper, caller: Caller, { asked, path }: LeaseTerms): Maybe<Chosen> {
  return then(lockedPath(keeper, caller, path), () => chosenFor(keeper, caller, asked));
}

/** The shape of contract section 6. */
export function shapeOf({ id, path, until, budget, scope }: Lease): object {
  return {
    path,
    until: new Date(until).toISOString(),
    budget_usd: budget === undefined ? null : usdFromMicros(budget),
    scope: scopeText(scope),
    id,
  };
}

export function scopeText(scope: LeaseScope): string {
  switch (scope.kind) {
    case 'agent':
      return `agent:${scope.agent}`;
    case 'process':
      return `process:${scope.pid}`;
    default:
      return scope.kind;
  }
}

/** A lease for the same path and the same people takes the place of the one before: its budget and its end are what counts. */
function take(policy: PolicyControl, wanted: Omit<Lease, 'id'>): Lease {
  const before = policy.leases.list().filter(lease => isSame(lease, wanted));
  const made = policy.leases.add(wanted);
  for (const lease of before) policy.leases.end(lease.id);
  return made;
}

function isSame(lease: Lease, wanted: Omit<Lease, 'id'>): boolean {
  if (lease.path !== wanted.path || lease.uid !== wanted.uid) return false;
  return JSON.stringify(lease.scope) === JSON.stringify(wanted.scope);
}

/** A path whose lock is to be opened. */
function lockedPath(keeper: Keeper, caller: Caller, path: Path): Maybe<void> {
  return then(lockable(keeper, caller, path), locked => {
    if (!locked) throw wrong(path, 'it is not locked', 'use it as it is; what is locked is said by: aos mount --list');
  });
}

/** Whether a path lies under a lock. Refuses what does not exist. Nothing below a lock is looked at: that would be the outside. */
export function lockable({ api, policy }: Keeper, caller: Caller, path: Path): Maybe<boolean> {
  const seen = api.aos
    .explain(caller, 'stat', path)
    .steps.filter(step => step.step === 'authorise')
    .every(step => step.allowed);
  if (!seen) {
    const remedy = `see: aos ls ${parentOf(path)}`;
    throw new AosError('not_found', { component: 'system', path, why: 'no such file or directory', remedy });
  }
  if (policy.mountAt(path).locked === true) return true;
  return then(api.aos.stat(caller, path), () => false);
}

/** As text, such as `30m`, or in milliseconds. */
function durationOf({ duration, duration_ms }: Request): Millis {
  const remedy = 'say how long, such as "duration": "30m"; at most 24h';
  if (duration !== undefined && duration_ms !== undefined) throw wrong(AT, 'it is said twice how long', remedy);
  if (duration !== undefined && typeof duration !== 'string') throw wrong(AT, '"duration" is not text', remedy);
  const ms = duration === undefined ? duration_ms : parseDuration(duration);
  if (ms === undefined) throw wrong(AT, 'it is not said how long', remedy);
  if (typeof ms !== 'number' || !Number.isFinite(ms)) throw wrong(AT, '"duration_ms" is not a number', remedy);
  // Time is counted in whole milliseconds.
  if (ms < 1) throw wrong(AT, 'a lease of less than a millisecond is over at once', remedy);
  if (ms > DURATION_MAX_MS)
    throw wrong(AT, 'a lease lasts 24h at most', 'ask for 24h or less, and again when it is over');
  return Math.ceil(ms);
}

function budgetOf({ budget_usd: usd }: Request): Micros | undefined {
  if (usd === undefined || usd === null) return undefined;
  if (typeof usd !== 'number') throw wrong(AT, '"budget_usd" is not a number', 'give dollars, such as 0.50');
  const budget = microsFromUsd(usd, 'a budget');
  // Rounded up, as amounts are, the least there is would become a micro-dollar.
  if (usd >= usdFromMicros(1)) return budget;
  throw wrong(
    AT,
    `a budget of ${usd === 0 ? '0' : 'less than a micro-dollar'} pays for nothing`,
    'give dollars above 0, or leave it out: the usual budgets then count',
  );
}

function chosenFor(keeper: Keeper, caller: Caller, { scope, pid }: Request): Maybe<Chosen> {
  if (pid !== undefined && scope !== 'process') throw wrong(AT, '"pid" goes with the scope process', 'leave one out');
  if (caller.agent !== undefined) return forRun(caller.agent, scope);
  if (scope === undefined) return byDefault(caller);
  if (scope === 'session') {
    return { scope: sessionOf(caller), why: 'asked for: this session, and your processes on any terminal' };
  }
  if (scope === 'uid') return { scope: { kind: 'uid' }, why: `asked for: all processes of uid ${caller.uid}` };
  if (scope === 'process') return { scope: processOf(caller, pid), why: 'asked for: one process and its children' };
  if (typeof scope === 'string' && scope.startsWith('agent:')) return forAgent(keeper, caller, scope.slice(6));
  throw wrong(AT, `"${String(scope)}" is not a scope`, SCOPES);
}

/** A run may open a lock for its own agent alone, whatever it was granted: anything else would serve others than itself. */
function forRun(agent: string, scope: unknown): Chosen {
  if (scope === undefined || scope === `agent:${agent}`) {
    return { scope: { kind: 'agent', agent }, why: `asked by a run of ${agent}, it serves that agent's runs` };
  }
  throw new AosError('not_permitted', {
    component: 'system',
    path: AT,
    why: 'a run may unlock for its own agent only',
    remedy: `leave the scope out, or ask for agent:${agent}`,
  });
}

function byDefault(caller: Caller): Chosen {
  if (caller.identity(true).tty !== 0) {
    const why = 'asked from a terminal, it serves your interactive processes and this session';
    return { scope: sessionOf(caller), why };
  }
  const why = `asked from a script, without a terminal, it serves all processes of uid ${caller.uid}`;
  return { scope: { kind: 'uid' }, why };
}

function sessionOf(caller: Caller): LeaseScope {
  const { sid, leaderStart = 0 } = caller.identity(true);
  if (sid !== 0) return { kind: 'session', sid, leaderStart };
  throw wrong(AT, 'the session of this process is not known', 'ask for the scope uid');
}

/** The asking process, or one above it: whoever may not be known to live on is not named by its number. */
function processOf(caller: Caller, pid: unknown): LeaseScope {
  const own = caller.identity(true);
  const near = [own, ...(caller.ancestors?.() ?? [])];
  const found = pid === undefined ? own : near.find(one => one.pid === pid);
  if (found !== undefined && found.pid !== 0 && found.startTime !== 0) {
    return { kind: 'process', pid: found.pid, startTime: found.startTime };
  }
  throw wrong(AT, `process ${String(pid ?? own.pid)} is not the one that asks, nor above it`, 'leave "pid" out');
}

function forAgent({ api }: Keeper, caller: Caller, agent: string): Maybe<Chosen> {
  if (agent === '') throw wrong(AT, '"agent:" names no agent', 'name one: agent:NAME');
  checkName(agent);
  return then(api.aos.stat(caller, parsePath(`/aos/agents/${agent}`)), () => ({
    scope: { kind: 'agent', agent },
    why: `asked for: the runs of ${agent}`,
  }));
}
