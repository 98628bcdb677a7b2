/** What is used of the reader's own budgets, and the breaker over all of them. */

import {
  AosError,
  type BudgetState,
  type Caller,
  type Op,
  type PolicyControl,
  parsePath,
  printDuration,
  printUsd,
  ROOT,
  usdFromMicros,
} from '../plugin-sdk/index.ts';
import { pathOf, requestOf, wrong } from './asked.ts';

const AT = '/aos/system/breaker';

/** The layers that count what the caller does at the top of the tree: those of the person and of the machine. */
export function budgetsOf(policy: PolicyControl, caller: Caller, path = parsePath(ROOT)): readonly BudgetState[] {
  return policy.budgets(caller, path);
}

/** `{path?}` → each budget that an operation there counts against. */
export function budgetReport(policy: PolicyControl, caller: Caller, request: unknown): object[] {
  const asked = requestOf(request ?? {}, ['path'], '/aos/system/budget');
  const path = asked.path === undefined ? undefined : pathOf(asked, '/aos/system/budget');
  if (path !== undefined && !policy.sees(caller, path)) throw noSuch(path);
  return budgetsOf(policy, caller, path).map(state => ({
    layer: state.layer,
    key: state.key,
    ...(state.layer === 'velocity'
      ? { used: state.used, limit: state.limit.usd }
      : { used_usd: usdFromMicros(state.used), limit_usd: usdFromMicros(state.limit.usd) }),
    per_sec: state.limit.per === 0 ? null : state.limit.per / 1000,
    resets: state.resets === undefined ? null : new Date(state.resets).toISOString(),
  }));
}

export function budgetText(state: BudgetState): string {
  const amount = (n: number): string => (state.layer === 'velocity' ? `${n} operations` : `$${printUsd(n)}`);
  const { usd, per } = state.limit;
  return [
    `used: ${amount(state.used)}`,
    `limit: ${usd === 0 ? 'none' : amount(usd)}`,
    `per: ${per === 0 ? state.layer : printDuration(per)}`,
    `resets: ${state.resets === undefined ? '-' : new Date(state.resets).toISOString()}`,
  ].join('\n');
}

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
  const rest = global === undefined ? [] : [budgetText(global)];
  if (tripped === undefined) return ['status: ok', ...rest].join('\n');
  const at = new Date(tripped.at).toISOString();
  const where = sees(policy, caller, tripped.path) ? [`path: ${tripped.path}`] : [];
  return ['status: tripped', `at: ${at}`, ...where, `why: ${tripped.why}`, ...rest].join('\n');
}

/** The only word that can be written. */
export function breakerWrite(policy: PolicyControl, text: string): void {
  if (text.trim() !== 'reset') throw wrong(AT, `"${text.slice(0, 40)}" is not known`, 'write reset');
  policy.breaker.reset();
}

function globalOf(policy: PolicyControl, caller: Caller): BudgetState | undefined {
  return budgetsOf(policy, caller).find(state => state.layer === 'global');
}
