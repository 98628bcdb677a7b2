/** What is used of the reader's own budgets, and the breaker over all of them. */

import {
  AosError,
  type BudgetState,
  type Caller,
  isPromise,
  type Maybe,
  type Op,
  type PluginApi,
  type PolicyControl,
  parsePath,
  printDuration,
  printUsd,
  ROOT,
  then,
  usdFromMicros,
} from '../plugin-sdk/index.ts';
import { pathOf, requestOf, wrong } from './asked.ts';
import type { Keeper } from './keeper.ts';

const AT = '/aos/system/breaker';

/** The layers that count what the caller does at the top of the tree: those of the person and of the machine. */
export function budgetsOf(policy: PolicyControl, caller: Caller, path = parsePath(ROOT)): readonly BudgetState[] {
  return policy.budgets(caller, path);
}

/** The caller's own, then those that many share and that the caller may know of: each once. */
export function budgetsFor({ api, policy }: Keeper, caller: Caller): Maybe<readonly BudgetState[]> {
  return then(agentsOf(api), agents => {
    const own = budgetsOf(policy, caller);
    const known = new Set(own.map(({ key }) => key));
    return [...own, ...policy.sharedBudgets(caller, agents).filter(({ key }) => !known.has(key))];
  });
}

/** Every agent there is: whom the caller may know of is for the policy to say. */
function agentsOf({ aos, self }: PluginApi): Maybe<readonly string[]> {
  const none = (): string[] => [];
  try {
    const entries = then(aos.list(self, parsePath('/aos/agents')), all => all.map(({ name }) => name));
    return isPromise(entries) ? entries.catch(none) : entries;
  } catch {
    return none();
  }
}

/** `{path?}` → each budget that an operation there counts against; without a path all that the caller may know of. */
export function budgetReport(keeper: Keeper, caller: Caller, request: unknown): Maybe<object[]> {
  const { policy } = keeper;
  const asked = requestOf(request ?? {}, ['path'], '/aos/system/budget');
  if (asked.path === undefined) return then(budgetsFor(keeper, caller), states => states.map(shapeOf));
  const path = pathOf(asked, '/aos/system/budget');
  if (!policy.sees(caller, path)) throw noSuch(path);
  return budgetsOf(policy, caller, path).map(shapeOf);
}

function shapeOf({ layer, key, of, off, used, limit, resets }: BudgetState): object {
  return {
    layer,
    key,
    of: of ?? null,
    ...(layer === 'velocity'
      ? { used, limit: limit.usd }
      : { used_usd: usdFromMicros(used), limit_usd: usdFromMicros(limit.usd) }),
    off,
    per_sec: limit.per === 0 ? null : limit.per / 1000,
    resets: off || resets === undefined ? null : new Date(resets).toISOString(),
  };
}

export function budgetText({ layer, of, off, used, limit, resets }: BudgetState): string {
  const amount = (n: number): string => (layer === 'velocity' ? `${n} operations` : `$${printUsd(n)}`);
  const subject = of === undefined ? [] : [`of: ${of}`];
  if (off) return [...subject, 'used: -', 'limit: off', 'per: -', 'resets: -'].join('\n');
  return [
    ...subject,
    `used: ${amount(used)}`,
    `limit: ${amount(limit.usd)}`,
    `per: ${limit.per === 0 ? (LASTS[layer] ?? 'all time') : printDuration(limit.per)}`,
    `resets: ${resets === undefined ? '-' : new Date(resets).toISOString()}`,
  ].join('\n');
}

/** What a layer without a window counts for as long as. */
const LASTS: Readonly<Record<string, string>> = { pid: 'pid', session: 'session', lease: 'lease', run: 'run' };

/** `{tripped, at, path, why, used_usd, limit_usd, per_sec}`; after `reset` as it is then. */
export function breakerCall(policy: PolicyControl, args: Op, request: unknown): object {
  const { op = 'status' } = requestOf(request ?? {}, ['op'], AT);
  if (op !== 'status' && op !== 'reset') throw wrong(AT, `"${String(op)}" is not known`, 'use status or reset');
  args.told = op === 'reset' ? 'reset' : false;
  if (op === 'reset') policy.breaker.reset();
  const { tripped } = policy.breaker;
  const global = globalOf(policy, args.caller);
  return {
    tripped: tripped !== undefined,
    at: tripped === undefined ? null : new Date(tripped.at).toISOString(),
    path: tripped !== undefined && sees(policy, args.caller, tripped.path) ? tripped.path : null,
    why: tripped?.why ?? null,
    used_usd: usdFromMicros(global?.used ?? 0),
    limit_usd: usdFromMicros(global?.limit.usd ?? 0),
    per_sec: (global?.limit.per ?? 0) / 1000,
  };
}

function sees(policy: PolicyControl, caller: Caller, path: string): boolean {
  return policy.sees(caller, parsePath(path));
}

function noSuch(path: string): AosError {
  return new AosError('not_found', { component: 'system', path, why: 'no such file or directory' });
}

export function breakerText(policy: PolicyControl, caller: Caller): string {
  const { tripped } = policy.breaker;
  const global = globalOf(policy, caller);
  if (tripped === undefined) return ['status: ok', ...(global ? [budgetText(global)] : [])].join('\n');
  // Not by the clock, whatever its window says.
  const rest = global ? [budgetText(global).replace(/^resets: .*$/m, 'resets: with aos breaker reset')] : [];
  const at = new Date(tripped.at).toISOString();
  const where = sees(policy, caller, tripped.path) ? [`path: ${tripped.path}`] : [];
  return ['status: tripped', `at: ${at}`, ...where, `why: ${tripped.why}`, ...rest].join('\n');
}

/** The only word that can be written; nothing is none yet. */
export function breakerCheck(text: string): void {
  if (text.trim() !== '') breakerWord(text);
}

function breakerWord(text: string): void {
  if (text.trim() !== 'reset') throw wrong(AT, `"${text.slice(0, 40)}" is not known`, 'write reset');
}

export function breakerWrite(policy: PolicyControl, text: string): void {
  breakerWord(text);
  policy.breaker.reset();
}

function globalOf(policy: PolicyControl, caller: Caller): BudgetState | undefined {
  return budgetsOf(policy, caller).find(state => state.layer === 'global');
}
