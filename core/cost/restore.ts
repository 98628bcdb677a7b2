/**
 * Windows filled from the ledger: after a restart, and when they get another length. What was reserved and never settled counts
 * in full: nobody knows its bill. Scopes without a window have a sum each in the ledger; but agents and subtrees are filled from
 * its rows, which say who spent where, so that what was spent before anybody gave them a budget counts as well.
 */

import type { Budgets, LedgerState, Limit, Millis, MountPoint, SpentEntry } from '../types.ts';
import { type Budget, keyOf, type Layer, type Recall, type Scope } from './budget.ts';
import type { Asking } from './refusal.ts';
import { agentScopesBy, globalScope, isLasting, isPattern, mountScope, SECOND, subtreeScopes } from './scopes.ts';
import { PARTS } from './window.ts';

/** What is filled, and from where. */
export interface Filling {
  readonly budget: Budget;
  readonly budgets: Budgets;
  readonly ledger: LedgerState;
  readonly now: Millis;
  /** The machine started: process and session ids from before name somebody else. */
  readonly booted: Millis;
  /** The breaker was reset: what the machine had spent before no longer counts. */
  readonly reset: Millis;
}

/** What was spent in one scope at one moment. */
type Spent = readonly [Scope, SpentEntry];

const OF_A_BOOT: ReadonlySet<Layer> = new Set(['pid', 'session', 'velocity']);
const LAYERS = ['velocity', 'pid', 'session', 'uid', 'agent', 'global'] as const;
/** All but subtrees, which are filled one by one. */
type Filled = (typeof LAYERS)[number];

/** After a restart. */
export function restoreWindows(filling: Filling): void {
  filling.ledger.recover(filling.now);
  for (const layer of LAYERS) fill(filling, spentIn(filling, layer));
  fill(filling, spentBelow(filling, subtrees(filling.budgets)));
}

/** The sums of scopes without a window are asked for one by one, when they are needed. */
export function recallFrom(ledger: LedgerState, booted: Millis): Recall {
  return scope => {
    if (scope.layer === 'agent' || isPattern(scope)) return 0;
    const sum = ledger.sum(keyOf(scope));
    return sum === undefined || (OF_A_BOOT.has(scope.layer) && sum.at < booted) ? 0 : sum.micros;
  };
}

/** Other budgets than `before` are in force. Where the ledger cannot be read, nothing has changed. */
export function refillWindows(filling: Filling, before: Budgets): void {
  const { budget, budgets } = filling;
  const changed = LAYERS.filter(layer => lengths(layer, before) !== lengths(layer, budgets))
    .filter(layer => layer === 'agent' || limitOf(layer, budgets).per > 0)
    .map(layer => [layer, [...spentIn(filling, layer)]] as const);
  const known = new Map(subtrees(before).map(({ id, limit }) => [id, limit.per]));
  // The limits of mounts are in the same layer, and not in the configuration.
  const below = subtrees(budgets).filter(({ id, limit }) => known.get(id) !== limit.per);
  const spent = [...spentBelow(filling, below)];
  for (const [layer, entries] of changed) {
    budget.clear(layer);
    fill(filling, entries);
  }
  for (const scope of below) budget.reset(scope);
  fill(filling, spent);
  budget.hold(namedBy(budgets), filling.now);
}

/** The budgets of agents and subtrees that an operation counts against. */
function namedBy(budgets: Budgets): (who: Asking) => Scope[] {
  const scopeOfAgent = agentScopesBy(budgets);
  const below = subtreeScopes(budgets);
  return ({ path, agent }) => {
    const own = agent === undefined ? undefined : scopeOfAgent(agent);
    const found = below.filter(({ pattern }) => pattern.matches(path)).map(({ scope }) => scope);
    return own === undefined ? found : [own, ...found];
  };
}

/** A mount's own limit is known only when the mount is made. */
export function restoreMount(budget: Budget, { path, limit }: MountPoint, ledger: LedgerState, now: Millis): void {
  if (limit === undefined) return;
  const scope = mountScope(path, limit);
  if (isLasting(scope) || budget.knows(scope)) return;
  for (const spent of since(ledger, now, keyOf(scope), limit.per)) {
    // Another mount's path may begin like this one's.
    if (spent.scope === keyOf(scope)) budget.restore(scope, spent.micros, Math.min(spent.at, now));
  }
}

function fill({ budget, now }: Filling, entries: Iterable<Spent>): void {
  for (const [scope, { at, micros, operations }] of entries) {
    budget.restore(scope, scope.layer === 'velocity' ? operations : micros, Math.min(at, now));
  }
}

/** What counts in the windows of a layer, in each scope the oldest first. */
function spentIn(filling: Filling, layer: Filled): Iterable<Spent> {
  return layer === 'agent' ? spentByAgents(filling) : spentByKey(filling, layer);
}

function* spentByKey(filling: Filling, layer: Exclude<Filled, 'agent'>): Iterable<Spent> {
  const { budgets, ledger, now } = filling;
  const limit = limitOf(layer, budgets);
  if (limit.per === 0) return;
  for (const entry of since(ledger, now, layer, limit.per)) {
    const scope = layer === 'global' ? globalScope(budgets) : scopeOf(layer, entry.scope, limit);
    if (counts(filling, scope, entry.at)) yield [scope, entry];
  }
}

/** Agents with windows of one length are asked for together: no window is filled more coarsely than it counts. */
function* spentByAgents({ budgets, ledger, now }: Filling): Iterable<Spent> {
  const scopeOfAgent = agentScopesBy(budgets);
  for (const per of new Set(Object.values(budgets.agents).map(limit => limit.per))) {
    for (const entry of since(ledger, now, AGENTS, per)) {
      const scope = scopeOfAgent(entry.scope.slice(AGENTS.length));
      if (scope?.limit.per === per) yield [scope, entry];
    }
  }
}

/** Subtrees with windows of one length are asked for together, too. */
function* spentBelow({ ledger, now }: Filling, scopes: readonly Scope[]): Iterable<Spent> {
  for (const per of new Set(scopes.map(({ limit }) => limit.per))) {
    const byKey = new Map(scopes.filter(({ limit }) => limit.per === per).map(scope => [`${PATHS}${scope.id}`, scope]));
    const patterns = [...byKey.values()].map(({ id }) => id).join('\n');
    for (const entry of since(ledger, now, PATHS + patterns, per)) {
      const scope = byKey.get(entry.scope);
      if (scope !== undefined) yield [scope, entry];
    }
  }
}

function subtrees(budgets: Budgets): Scope[] {
  return subtreeScopes(budgets).map(({ scope }) => scope);
}

/** Scopes that the ledger has for every row, whatever was configured when it was written; several patterns have a line each. */
const AGENTS = 'agent:';
const PATHS = 'path:';

/** No finer than a window keeps it, see `Window`; of scopes without a window all that there ever was. */
function since(ledger: LedgerState, now: Millis, prefix: string, per: Millis): Iterable<SpentEntry> {
  if (per === 0) return ledger.since(0, prefix, Number.MAX_VALUE);
  return ledger.since(now - per + 1, prefix, per / PARTS);
}

function counts({ booted, reset }: Filling, { layer }: Scope, at: Millis): boolean {
  return !(OF_A_BOOT.has(layer) && at < booted) && !(layer === 'global' && at < reset);
}

function limitOf(layer: Exclude<Filled, 'agent'>, budgets: Budgets): Limit {
  return layer === 'velocity' ? { usd: budgets.velocity, per: SECOND } : budgets[layer];
}

/** How long the windows of a layer are, to be compared: another amount changes nothing of what is counted. */
function lengths(layer: Filled, budgets: Budgets): string {
  if (layer !== 'agent') return String(limitOf(layer, budgets).per);
  // In their order, by which an agent finds its pattern.
  return JSON.stringify(Object.entries(budgets.agents).map(([key, { per }]) => [key, per]));
}

/** The scope that a ledger entry's key names, with its limit as it is configured now. */
function scopeOf(layer: Layer, key: string, limit: Limit): Scope {
  const [id = 0, born = 0] = key
    .slice(layer.length + 1)
    .split(':')
    .map(Number);
  return { layer, id, born, limit };
}
