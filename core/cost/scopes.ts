/** Which budgets an operation counts against. */

import { compilePattern } from '../capabilities/grant.ts';
import type { Budgets, Caller, Lease, LedgerState, Limit, Millis, MountPoint, Path } from '../types.ts';
import type { Budget, Layer, Scope } from './budget.ts';

const SECOND: Millis = 1000;

/** Without a window: as long as the scope lives. */
const LASTING: Millis = 0;

export type ScopesOf = (caller: Caller, path: Path, mount: MountPoint, lease: Lease | undefined) => Scope[];

export function scopesBy(budgets: Budgets): ScopesOf {
  const subtrees = Object.entries(budgets.subtree).map(([text, limit]) => ({
    pattern: compilePattern(text),
    scope: { key: `subtree:${text}`, layer: 'subtree', limit } as const,
  }));
  const global: Scope = { key: 'global', layer: 'global', limit: budgets.global };
  return (caller, path, mount, lease) => {
    const scopes = person(budgets, caller, lease);
    const agent = caller.agent === undefined ? undefined : budgets.agents[caller.agent];
    if (agent !== undefined) scopes.push({ key: `agent:${caller.agent}`, layer: 'agent', limit: agent });
    for (const subtree of subtrees) if (subtree.pattern.matches(path)) scopes.push(subtree.scope);
    if (mount.limit !== undefined) scopes.push({ key: `subtree:${mount.path}`, layer: 'subtree', limit: mount.limit });
    for (const { run, limit } of caller.purses ?? []) {
      scopes.push({ key: `run:${run}`, layer: 'run', limit: { usd: limit, per: LASTING } });
    }
    scopes.push(global);
    return scopes;
  };
}

/** Pid, session and uid; or the lease that stands in for them. A run is no POSIX process: it has a budget of its own. */
function person(budgets: Budgets, caller: Caller, lease: Lease | undefined): Scope[] {
  const who = caller.run === undefined ? caller.identity() : undefined;
  const scopes: Scope[] = [];
  if (who !== undefined) {
    const limit = { usd: budgets.velocity, per: SECOND };
    scopes.push({ key: `velocity:${who.pid}:${who.startTime}`, layer: 'velocity', limit });
  }
  if (lease?.budget !== undefined) {
    scopes.push({ key: `lease:${lease.id}`, layer: 'lease', limit: { usd: lease.budget, per: LASTING } });
    return scopes;
  }
  if (who !== undefined) {
    scopes.push({ key: `pid:${who.pid}:${who.startTime}`, layer: 'pid', limit: budgets.pid });
    scopes.push({ key: `session:${who.sid}`, layer: 'session', limit: budgets.session });
  }
  scopes.push({ key: `uid:${caller.uid}`, layer: 'uid', limit: budgets.uid });
  return scopes;
}

/** How far back scopes without a window are counted again after a restart. */
const MEMORY_MS: Millis = 7 * 24 * 3600 * SECOND;

/** The ids behind these begin anew with the machine: a number from before names somebody else. */
const OF_A_BOOT: ReadonlySet<Layer> = new Set(['pid', 'session', 'velocity']);

/** Money spent before a restart still counts, and in full what was reserved and never settled: nobody knows its bill. */
export function restoreWindows(
  budget: Budget,
  budgets: Budgets,
  ledger: LedgerState,
  now: Millis,
  booted: Millis,
): void {
  ledger.recover();
  for (const entry of ledger.since(now - Math.max(MEMORY_MS, longest(budgets)))) {
    for (const key of entry.scopes) {
      const scope = scopeOf(key, budgets);
      if (scope === undefined || (OF_A_BOOT.has(scope.layer) && entry.at < booted)) continue;
      if (scope.limit.per !== LASTING && entry.at + scope.limit.per <= now) continue;
      budget.restore(scope, scope.layer === 'velocity' ? 1 : entry.micros, entry.at);
    }
  }
}

function longest({ pid, session, uid, global, agents, subtree }: Budgets): Millis {
  const limits = [pid, session, uid, global, ...Object.values(agents), ...Object.values(subtree)];
  return Math.max(...limits.map(({ per }) => per));
}

/** The scope that a ledger entry's key names, with its limit as it is configured now. */
function scopeOf(key: string, budgets: Budgets): Scope | undefined {
  const colon = key.indexOf(':');
  const layer = colon === -1 ? key : key.slice(0, colon);
  const rest = key.slice(colon + 1);
  const limit = limitOf(layer, rest, budgets);
  return limit === undefined ? undefined : { key, layer: layer as Layer, limit };
}

function limitOf(layer: string, rest: string, budgets: Budgets): Limit | undefined {
  switch (layer) {
    case 'pid':
    case 'session':
    case 'uid':
    case 'global':
      return budgets[layer];
    case 'agent':
      return budgets.agents[rest];
    case 'subtree':
      // A mount's own limit comes with the mount. Until then every moment is kept that it could ask for.
      return budgets.subtree[rest] ?? { usd: 0, per: MEMORY_MS };
    case 'lease':
    case 'run':
      // The limit itself comes with the lease or the run; the window has none.
      return { usd: 0, per: LASTING };
    case 'velocity':
      return { usd: budgets.velocity, per: SECOND };
    default:
      return undefined;
  }
}
