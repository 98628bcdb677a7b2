/** What a budget's refusal says: the layer, the limit, what was spent, when it resets, and the one command that raises it. */

import { printDuration } from '../duration.ts';
import { AosError, type ErrorParts } from '../errors.ts';
import type { Micros, Millis } from '../types.ts';
import type { Layer, Scope } from './budget.ts';
import { printUsd } from './money.ts';
import { isPattern, nameOf } from './scopes.ts';

/** A scope that has no room. */
export interface Refusing {
  readonly scope: Scope;
  /** Spent and reserved there. */
  readonly used: Micros;
  /** When there is room again; infinite where waiting does not help. */
  readonly until: Millis;
  /** When what was spent counts no more, as far as it is in the way; undefined where the clock does not reset it. */
  readonly resets: Millis | undefined;
  /** Spent already; held by operations under way; or one operation of this price never fits. */
  readonly because: 'spent' | 'reserved' | 'never';
}

/** Who is refused. */
export interface Asking {
  readonly path: string;
  /** The agent whose run it is. */
  readonly agent?: string | undefined;
  /** What the price is that of, as a clause begins; `this could cost` where not said. */
  readonly costs?: string;
}

/** A budget's refusal. */
export class OverBudget extends AosError {
  /** What the machine's own limit says where it is spent: nothing more may be spent until somebody looks. */
  readonly tripped: string | undefined;
  /** Operations under way hold what is missing: there may be room when they are over. */
  readonly held: boolean;

  constructor(parts: ErrorParts, because: Refusing['because'], tripped: string | undefined) {
    super('budget', parts);
    this.held = because === 'reserved';
    this.tripped = tripped;
  }

  get trips(): boolean {
    return this.tripped !== undefined;
  }
}

/** `tripping` is the machine's own limit, where it is spent, whatever else refuses for longer. */
export function refusal(refusing: Refusing, max: Micros, now: Millis, asking: Asking, tripping?: Refusing): AosError {
  const why = whyOf(refusing, max, now, asking);
  const parts = { component: 'cost', path: asking.path, remedy: remedyOf(refusing, asking), why };
  if (refusing.scope.layer === 'velocity') return new AosError('velocity', parts);
  return new OverBudget(parts, refusing.because, tripping && whyOf(tripping, max, now, asking));
}

function whyOf(refusing: Refusing, max: Micros, now: Millis, { costs = 'this could cost' }: Asking): string {
  const { layer, limit } = refusing.scope;
  const per = limit.per === 0 ? '' : ` in ${printDuration(limit.per)}`;
  const resets = whenOf(refusing, now);
  if (layer === 'velocity') {
    return `the velocity budget of ${limit.usd} paid operations${per} has ${refusing.used} spent, and this is one more; ${resets}`;
  }
  const [most, used, price] = [limit.usd, refusing.used, max].map(micros => `$${printUsd(micros)}`);
  const dear = max > limit.usd && limit.usd > 0 && refusing.because === 'spent' ? ', more than all of it' : '';
  return `the ${layer} budget of ${most}${per} has ${used} spent, and ${costs} ${price}${dear}; ${resets}`;
}

function whenOf({ scope, resets, because }: Refusing, now: Millis): string {
  if (because === 'never') return 'one operation of this price never fits';
  if (because === 'reserved') return 'try again when the operations under way are over';
  if (resets === undefined) return ENDS_WITH[scope.layer] ?? 'it does not reset by itself';
  // Rounded up: at that moment there is room.
  return `resets in ${printDuration(Math.max(1000, Math.ceil((resets - now) / 1000) * 1000))}`;
}

const ENDS_WITH: Partial<Record<Layer, string>> = {
  session: 'it resets with the session',
  lease: 'it resets with the lease',
  run: 'it resets with the run',
};

/** The one thing to do about it. */
function remedyOf({ scope, because }: Refusing, asking: Asking): string {
  switch (scope.layer) {
    case 'pid':
    case 'session':
    case 'uid':
    case 'lease':
      return unlock(scope.layer, asking);
    case 'agent':
      return configure(/^\w+$/.test(nameOf(scope)) ? `budgets.agents.${nameOf(scope)}` : keyed('agents', scope));
    case 'subtree':
      if (isPattern(scope)) return configure(keyed('subtree', scope));
      return `mount ${scope.id} again with a larger --limit`;
    case 'run':
      return 'invoke again with a larger --budget';
    case 'global':
      if (because === 'never') return configure('budgets.global');
      return 'see it with: aos breaker status; start over with: aos breaker reset';
    case 'velocity':
      return `slow down and try again, or ${configure('budgets.velocity')}`;
  }
}

function keyed(section: string, scope: Scope): string {
  return `budgets.${section}[${JSON.stringify(nameOf(scope))}]`;
}

function configure(what: string): string {
  return `raise ${what} in the configuration, which counts at once`;
}

/**
 * A lease with a budget stands in for these layers, below what can be unlocked: the external mounts. A run is served by its
 * agent's leases alone.
 */
function unlock(layer: Layer, { path, agent }: Asking): string {
  const mount = /^\/aos\/mnt\/[^/]+/.exec(path)?.[0];
  if (mount === undefined) return configure(`budgets.${layer}`);
  const scope = agent === undefined ? '' : ` --scope=agent:${agent}`;
  return `raise it with: aos unlock ${mount} --duration=30m --budget=USD${scope}`;
}
