/**
 * Windows filled from the ledger: after a restart, and when they get another length. What was reserved and never settled counts
 * in full: nobody knows its bill. Scopes without a window have a sum each in the ledger.
 */

import type { Budgets, LedgerState, Limit, Millis, MountPoint, SpentEntry } from '../types.ts';
import { type Budget, keyOf, type Layer, type Recall, type Scope } from './budget.ts';
import { agentScopes, globalScope, isLasting, mountScope, SECOND, subtreeScopes } from './scopes.ts';
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

const OF_A_BOOT: ReadonlySet<Layer> = new Set(['pid', 'session', 'velocity']);

/** After a restart. */
export function restoreWindows(filling: Filling): void {
  const { budgets, ledger, now } = filling;
  ledger.recover(now);
  for (const [layer, per] of windowed(budgets)) fill(filling, layer, spentIn(ledger, layer, per, now));
}

/** The sums of scopes without a window are asked for one by one, when they are needed. */
export function recallFrom(ledger: LedgerState, booted: Millis): Recall {
  return scope => {
    const sum = ledger.sum(keyOf(scope));
    return sum === undefined || (OF_A_BOOT.has(scope.layer) && sum.at < booted) ? 0 : sum.micros;
  };
}

/** Other budgets than `before` are in force. Where the ledger cannot be read, nothing has changed. */
export function refillWindows(filling: Filling, before: Budgets): void {
  const { budget, budgets, ledger, now } = filling;
  const changed = windowed(budgets)
    .filter(([layer]) => JSON.stringify(limitsOf(layer, before)) !== JSON.stringify(limitsOf(layer, budgets)))
    .map(([layer, per]) => [layer, [...spentIn(ledger, layer, per, now)]] as const);
  for (const [layer, entries] of changed) {
    const named = namedScopes(layer, budgets)?.filter(scope => !isLasting(scope));
    if (named === undefined) budget.clear(layer);
    else for (const scope of named) budget.reset(scope);
    fill(filling, layer, entries);
  }
}

/** A mount's own limit is known only when the mount is made. */
export function restoreMount(budget: Budget, { path, limit }: MountPoint, ledger: LedgerState, now: Millis): void {
  if (limit === undefined) return;
  const scope = mountScope(path, limit);
  if (isLasting(scope) || budget.knows(scope)) return;
  for (const spent of spentIn(ledger, keyOf(scope), limit.per, now)) {
    // Another mount's path may begin like this one's.
    if (spent.scope === keyOf(scope)) budget.restore(scope, spent.micros, Math.min(spent.at, now));
  }
}

function fill(filling: Filling, layer: Layer, entries: Iterable<SpentEntry>): void {
  const { budget, budgets, now } = filling;
  for (const { scope: key, at, micros, operations } of entries) {
    const scope = scopeOf(key, budgets);
    if (scope === undefined || at + scope.limit.per <= now || !counts(filling, scope, at)) continue;
    budget.restore(scope, layer === 'velocity' ? operations : micros, Math.min(at, now));
  }
}

/** No finer than a window keeps it, see `Window`. */
function spentIn(ledger: LedgerState, prefix: string, per: Millis, now: Millis): Iterable<SpentEntry> {
  return ledger.since(now - per + 1, prefix, per / PARTS);
}

function counts({ booted, reset }: Filling, { layer }: Scope, at: Millis): boolean {
  return !(OF_A_BOOT.has(layer) && at < booted) && !(layer === 'global' && at < reset);
}

const LAYERS: readonly Layer[] = ['velocity', 'pid', 'session', 'uid', 'agent', 'subtree', 'global'];

/** The longest window of each layer that has windows. */
function windowed(budgets: Budgets): [Layer, Millis][] {
  const all = LAYERS.map((layer): [Layer, Millis] => [
    layer,
    Math.max(0, ...limitsOf(layer, budgets).map(({ per }) => per)),
  ]);
  return all.filter(([, per]) => per > 0);
}

function limitsOf(layer: Layer, budgets: Budgets): readonly Limit[] {
  switch (layer) {
    case 'velocity':
      return [{ usd: budgets.velocity, per: SECOND }];
    case 'pid':
    case 'session':
    case 'uid':
    case 'global':
      return [budgets[layer]];
    default:
      return namedScopes(layer, budgets)?.map(({ limit }) => limit) ?? [];
  }
}

/** The scopes of a layer that the configuration names one by one. */
function namedScopes(layer: string, budgets: Budgets): readonly Scope[] | undefined {
  if (layer === 'agent') return agentScopes(budgets);
  return layer === 'subtree' ? subtreeScopes(budgets) : undefined;
}

/** The scope that a ledger entry's key names, with its limit as it is configured now; undefined where it has none. */
function scopeOf(key: string, budgets: Budgets): Scope | undefined {
  const [layer = key] = key.split(':', 1);
  const [id = 0, born = 0] = key
    .slice(layer.length + 1)
    .split(':')
    .map(Number);
  switch (layer) {
    case 'pid':
    case 'session':
    case 'uid':
      return { layer, id, born, limit: budgets[layer] };
    case 'velocity':
      return { layer, id, born, limit: { usd: budgets.velocity, per: SECOND } };
    case 'global':
      return globalScope(budgets);
    default:
      return namedScopes(layer, budgets)?.find(scope => keyOf(scope) === key);
  }
}
