/** Which budgets an operation counts against. */

import { compilePattern, subtreePattern } from '../capabilities/grant.ts';
import type { Budgets, Caller, Lease, Limit, Millis, MountPoint, Path } from '../types.ts';
import type { Layer, Scope } from './budget.ts';

export const SECOND: Millis = 1000;

/** Without a window: as long as the scope lives. */
const LASTING: Millis = 0;

/** Counted for as long as the scope lives. */
export function isLasting({ limit }: Scope): boolean {
  return limit.per === LASTING;
}

const SUMMED: ReadonlySet<Layer> = new Set(['uid', 'agent', 'subtree', 'global']);

/** What has no window, or may be configured without one some day: then all counts that was ever spent. */
export function isSummed(scope: Scope): boolean {
  return isLasting(scope) || SUMMED.has(scope.layer);
}

export function globalScope(budgets: Budgets): Scope {
  return { layer: 'global', id: 'global', born: 0, limit: budgets.global };
}

export function agentScopes({ agents }: Budgets): Scope[] {
  return Object.entries(agents).map(([id, limit]) => ({ layer: 'agent', id, born: 0, limit }));
}

/** A mount's own limit. */
export function mountScope(path: Path, limit: Limit): Scope {
  return { layer: 'subtree', id: path, born: 0, limit };
}

/** The configured subtrees, by their pattern, which is never just the path of a mount. */
export function subtreeScopes({ subtree }: Budgets): Scope[] {
  return Object.entries(subtree).map(([text, limit]) => ({
    layer: 'subtree',
    id: subtreePattern(text),
    born: 0,
    limit,
  }));
}

export type ScopesOf = (caller: Caller, path: Path, mount: MountPoint, lease: Lease | undefined) => Scope[];

export function scopesBy(budgets: Budgets): ScopesOf {
  const subtrees = subtreeScopes(budgets).map(scope => ({ pattern: compilePattern(String(scope.id)), scope }));
  const agents = new Map(agentScopes(budgets).map(scope => [scope.id, scope]));
  const global = globalScope(budgets);
  const pace: Limit = { usd: budgets.velocity, per: SECOND };
  return (caller, path, mount, lease) => {
    const scopes = person(budgets, pace, caller, lease);
    const agent = caller.agent === undefined ? undefined : agents.get(caller.agent);
    if (agent !== undefined) scopes.push(agent);
    for (const subtree of subtrees) if (subtree.pattern.matches(path)) scopes.push(subtree.scope);
    if (mount.limit !== undefined) scopes.push(mountScope(mount.path, mount.limit));
    for (const { run, limit } of caller.purses ?? []) {
      scopes.push({ layer: 'run', id: run, born: 0, limit: { usd: limit, per: LASTING } });
    }
    scopes.push(global);
    return scopes;
  };
}

/** Pid, session and uid; or the lease that stands in for them. A run is no POSIX process: it has a budget of its own. */
function person(budgets: Budgets, pace: Limit, caller: Caller, lease: Lease | undefined): Scope[] {
  const who = caller.run === undefined ? caller.identity() : undefined;
  const scopes: Scope[] = [];
  if (who !== undefined) scopes.push({ layer: 'velocity', id: who.pid, born: who.startTime, limit: pace });
  if (lease?.budget !== undefined) {
    scopes.push({ layer: 'lease', id: lease.id, born: 0, limit: { usd: lease.budget, per: LASTING } });
    return scopes;
  }
  if (who !== undefined) {
    scopes.push({ layer: 'pid', id: who.pid, born: who.startTime, limit: budgets.pid });
    scopes.push({ layer: 'session', id: who.sid, born: who.leaderStart ?? 0, limit: budgets.session });
  }
  scopes.push({ layer: 'uid', id: caller.uid, born: 0, limit: budgets.uid });
  return scopes;
}
