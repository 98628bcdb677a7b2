/** Money before a message is taken: what costs much has to be meant, what has no known price allowed, and some can never pay. */

import {
  AosError,
  type Caller,
  type Maybe,
  type Micros,
  microsFromUsd,
  type PluginApi,
  parsePath,
  printUsd,
  then,
} from '../plugin-sdk/index.ts';
import { type Estimate, estimateLine } from './estimate.ts';
import type { Message } from './message.ts';
import { MODELS, type Model } from './model.ts';

/** Contract section 5: a dearer operation has to be meant. */
const UNASKED: Micros = 100_000;

/**
 * Throws `costly` for a message that names no budget, is not forced and will probably cost more than $0.10; `unpriced` where
 * the price is unknown. `ask` gives the estimate, and is asked only where it matters.
 */
export function consented(path: string, model: Model, message: Message, ask: () => Maybe<Estimate>): Maybe<void> {
  if (model.local) return undefined;
  if (model.inputPrice === null || model.outputPrice === null) return known(path, model, message);
  if (message.force || message.override.max_cost_usd !== undefined) return undefined;
  return then(ask(), estimate => {
    if (estimate.estimate_usd === null || microsFromUsd(estimate.estimate_usd) <= UNASKED) return;
    throw new AosError('costly', {
      component: 'agents',
      path,
      why: `${estimateLine(estimate)}, above $0.10`,
      remedy:
        'give --budget=USD as the most it may cost, or --force; in a message: "override": {"max_cost_usd": USD}, or "force": true',
    });
  });
}

/** Throws `invalid` for a budget of nothing with a model that costs something: nothing could be asked of it. */
export function funded(path: string, model: Model, budget: Micros): void {
  if (budget > 0 || !costs(model)) return;
  throw new AosError('invalid', {
    component: 'agents',
    path,
    why: `a budget of $${printUsd(budget)} pays for no call on ${model.name}, which costs money`,
    remedy: 'give a budget above 0, or choose a model that costs nothing',
  });
}

/** Whether nothing that costs money is let through, as the gate says of any call on a model. */
function isTripped({ aos, self }: Pick<PluginApi, 'aos' | 'self'>): boolean {
  const { steps } = aos.explain(self, 'call', MODELS);
  return steps.some(({ step, by, allowed }) => step === 'reserve' && by === 'breaker' && !allowed);
}

function flowing(api: Pick<PluginApi, 'aos' | 'self'>, path: string, model: Model): void {
  if (!isTripped(api)) return;
  throw new AosError('budget', {
    component: 'agents',
    path,
    why: `the breaker of the global budget is tripped, and ${model.name} costs money`,
    remedy: 'see why with: aos breaker status; let money flow again with: aos breaker reset',
  });
}

/**
 * Throws `budget` while the machine's breaker is tripped, and where a budget that a run of the agent for this caller counts
 * against has not a token's worth left; never for a model that costs nothing.
 */
export function solvent(
  api: Pick<PluginApi, 'aos' | 'self'>,
  path: string,
  model: Model,
  caller: Caller,
  agent: string,
): void {
  if (!costs(model)) return;
  flowing(api, path, model);
  const run: Caller = { ...caller, door: 'run', run: caller.run ?? 0, agent };
  const least = Math.ceil((model.inputPrice ?? 0) + (model.outputPrice ?? 0));
  const over = api.aos.unaffordable(run, parsePath(model.path), least, 'one token in and one out cost');
  if (over instanceof AosError) {
    throw new AosError('budget', { component: over.component, path, why: over.why, remedy: over.remedy, cause: over });
  }
}

/** What has no known price is not held for, so no budget speaks of it. */
function costs({ inputPrice, outputPrice }: Model): boolean {
  return (inputPrice ?? 0) > 0 || (outputPrice ?? 0) > 0;
}

function known(path: string, model: Model, message: Message): void {
  if (message.allow_unknown_cost) return;
  throw new AosError('unpriced', {
    component: 'agents',
    path,
    why: `the price of ${model.name} is not known, so its cost cannot be bounded`,
    remedy: `set backends.${model.name.split('/')[0]}.pricing, or give --allow-unknown-cost; in a message: "allow_unknown_cost": true`,
  });
}
