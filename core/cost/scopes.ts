/** Which budgets an operation counts against. */

import { compilePattern, type Pattern, subtreePattern, topOf, wildcard } from '../capabilities/grant.ts';
import { parsePath } from '../path.ts';
import type { Budgets, Caller, Lease, Limit, Millis, MountPoint, Path } from '../types.ts';
import type { Layer, Scope } from './budget.ts';

export const SECOND: Millis = 1000;

/** Without a window: as long as the scope lives. */
const LASTING: Millis = 0;

/** Counted for as long as the scope lives. */
export function isLasting({ limit }: Scope): boolean {
  return limit.per === LASTING;
}

const SUMMED: ReadonlySet<Layer> = new Set(['uid', 'subtree', 'global']);

/**
 * What has no window, or may be configured without one some day: then all counts that was ever spent. Of agents and configured
 * subtrees the ledger's rows say that.
 */
export function isSummed(scope: Scope): boolean {
  if (scope.layer === 'agent' || isPattern(scope)) return false;
  return isLasting(scope) || SUMMED.has(scope.layer);
}

export function globalScope(budgets: Budgets): Scope {
  return { layer: 'global', id: 'global', born: 0, limit: budgets.global };
}

/** An agent's own budget; undefined where it has none. */
export type AgentScope = (agent: string) => Scope | undefined;

/** Each agent that a key with a `*` matches has a budget of its own. Its exact name stands first, then the keys as written. */
export function agentScopesBy({ agents }: Budgets): AgentScope {
  const globs = Object.entries(agents)
    .filter(([key]) => key.includes('*'))
    .map(([key, limit]) => ({ key, limit, matches: wildcard(key) }));
  const made = new Map<string, Scope | undefined>();
  const make = (id: string): Scope | undefined => {
    const limit = Object.hasOwn(agents, id) ? agents[id] : undefined;
    if (limit !== undefined) return { layer: 'agent', id, born: 0, limit };
    const glob = globs.find(({ matches }) => matches(id));
    return glob && { layer: 'agent', id, born: 0, limit: glob.limit, key: glob.key };
  };
  return agent => {
    if (!made.has(agent)) made.set(agent, make(agent));
    return made.get(agent);
  };
}

/** What the configuration, or whoever made the mount, calls it. */
export function nameOf({ id, key }: Scope): string {
  return key ?? String(id);
}

/** Of which agent, subtree or mount it is the budget; undefined for the other layers. */
export function subjectOf(scope: Scope): string | undefined {
  if (scope.layer === 'agent') return String(scope.id);
  return scope.layer === 'subtree' ? nameOf(scope) : undefined;
}

/** A configured subtree, and not the path of a mount. */
export function isPattern({ layer, id }: Scope): boolean {
  return layer === 'subtree' && String(id).endsWith('/**');
}

/** A mount's own limit. */
export function mountScope(path: Path, limit: Limit): Scope {
  return { layer: 'subtree', id: path, born: 0, limit };
}

/** The configured subtrees, by their pattern, which is never just the path of a mount. */
export function subtreeScopes({ subtree }: Budgets): { readonly scope: Scope; readonly pattern: Pattern }[] {
  return Object.entries(subtree).map(([key, limit]) => {
    const id = subtreePattern(key);
    return { pattern: compilePattern(id), scope: { layer: 'subtree', id, born: 0, limit, ...(id !== key && { key }) } };
  });
}

/**
 * What many share, each with a path to know it by: that of the agent or the mount; of a subtree its pattern, taken as a name, so
 * that nobody learns from one what is withheld.
 */
export function sharedScopes(
  budgets: Budgets,
  agents: readonly string[],
  mounts: Iterable<MountPoint>,
): { readonly scope: Scope; readonly path: Path }[] {
  const scopeOfAgent = agentScopesBy(budgets);
  const named = Object.keys(budgets.agents).filter(key => !key.includes('*'));
  const ofAgents = [...new Set([...named, ...agents])].flatMap(name => {
    const scope = scopeOfAgent(name);
    return scope === undefined ? [] : [{ scope, path: parsePath(`/aos/agents/${name}`) }];
  });
  const ofSubtrees = subtreeScopes(budgets).map(({ scope }) => ({
    scope,
    path: parsePath(topOf(String(scope.id))),
  }));
  const ofMounts = [...mounts].flatMap(({ path, limit }) => (limit ? [{ scope: mountScope(path, limit), path }] : []));
  return [...ofAgents, ...ofSubtrees, ...ofMounts];
}

export type ScopesOf = (caller: Caller, path: Path, mount: MountPoint, lease: Lease | undefined) => Scope[];

export function scopesBy(budgets: Budgets): ScopesOf {
  const subtrees = subtreeScopes(budgets);
  const agentScope = agentScopesBy(budgets);
  const global = globalScope(budgets);
  const pace: Limit = { usd: budgets.velocity, per: SECOND };
  return (caller, path, mount, lease) => {
    const scopes = person(budgets, pace, caller, lease);
    const agent = caller.agent === undefined ? undefined : agentScope(caller.agent);
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
