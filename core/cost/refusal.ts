/** What a budget's refusal says: the layer, the limit, what was spent, when it resets, and the one command that raises it. */

import { printDuration } from '../duration.ts';
import { AosError, type ErrorParts } from '../errors.ts';
import type { Micros, Millis } from '../types.ts';
import type { Layer, Scope } from './budget.ts';
import { printUsd } from './money.ts';

/** A scope that has no room. */
export interface Refusing {
  readonly scope: Scope;
  /** Spent and reserved there. */
  readonly used: Micros;
  /** When there is room again; infinite where waiting does not help. */
  readonly until: Millis;
  /** Spent already; held by operations under way; or one operation of this price never fits. */
  readonly because: 'spent' | 'reserved' | 'never';
}

/** A budget's refusal. */
export class OverBudget extends AosError {
  /** The machine's own limit is spent, and nothing more may be spent until somebody looks. */
  readonly trips: boolean;
  /** Operations under way hold what is missing: there may be room when they are over. */
  readonly held: boolean;

  constructor(parts: ErrorParts, { scope, because }: Refusing) {
    super('budget', parts);
    this.trips = scope.layer === 'global' && because === 'spent';
    this.held = because === 'reserved';
  }
}

export function refusal(refusing: Refusing, max: Micros, now: Millis, path: string): AosError {
  const { scope, used } = refusing;
  if (scope.layer === 'velocity') {
    return new AosError('velocity', {
      component: 'cost',
      path,
      why: `this process may do ${scope.limit.usd} paid operations a second`,
      remedy: `slow down and try again; or raise budgets.velocity in the configuration`,
    });
  }
  const per = scope.limit.per === 0 ? '' : ` in ${printDuration(scope.limit.per)}`;
  const limit = `$${printUsd(scope.limit.usd)}${per}`;
  const resets = whenOf(refusing, now);
  const why = `the ${scope.layer} budget of ${limit} has $${printUsd(used)} spent, and this could cost $${printUsd(max)}; ${resets}`;
  return new OverBudget({ component: 'cost', path, why, remedy: REMEDY[scope.layer](path) }, refusing);
}

function whenOf({ scope, until, because }: Refusing, now: Millis): string {
  if (because === 'never') return 'one operation of this price never fits';
  if (because === 'reserved') return 'try again when the operations under way are over';
  if (until === Number.POSITIVE_INFINITY) return ENDS_WITH[scope.layer] ?? 'it does not reset by itself';
  // Rounded up: at that moment there is room.
  return `resets in ${printDuration(Math.max(1000, Math.ceil((until - now) / 1000) * 1000))}`;
}

const ENDS_WITH: Partial<Record<Layer, string>> = {
  session: 'it resets with the session',
  lease: 'it resets with the lease',
  run: 'it resets with the run',
};

const REMEDY: Readonly<Record<Layer, (path: string) => string>> = {
  pid: path => unlock('pid', path),
  session: path => unlock('session', path),
  uid: path => unlock('uid', path),
  agent: () => 'raise it with budgets.agents in the configuration',
  subtree: () => 'raise it with budgets.subtree in the configuration, or mount again with a larger --limit',
  lease: path => unlock('lease', path),
  run: () => 'invoke again with a larger --budget',
  global: () => 'see it with: aos breaker status; start over with: aos breaker reset',
  velocity: () => 'slow down',
};

/** A lease with a budget stands in for these layers, below what can be unlocked: the external mounts. */
function unlock(layer: Layer, path: string): string {
  const mount = /^\/aos\/mnt\/[^/]+/.exec(path)?.[0];
  if (mount !== undefined) return `raise it with: aos unlock ${mount} --duration=30m --budget=USD`;
  return `raise it with budgets.${layer} in the configuration, which counts at once`;
}
