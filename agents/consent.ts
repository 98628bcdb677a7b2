/** What costs much has to be meant, and what has no known price has to be allowed. */

import { AosError, type Maybe, type Micros, microsFromUsd, then } from '../plugin-sdk/index.ts';
import { type Estimate, estimateLine } from './estimate.ts';
import type { Message } from './message.ts';
import type { Model } from './model.ts';

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

function known(path: string, model: Model, message: Message): void {
  if (message.allow_unknown_cost) return;
  throw new AosError('unpriced', {
    component: 'agents',
    path,
    why: `the price of ${model.name} is not known, so its cost cannot be bounded`,
    remedy: `set backends.${model.name.split('/')[0]}.pricing, or give --allow-unknown-cost; in a message: "allow_unknown_cost": true`,
  });
}
