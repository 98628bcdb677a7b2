/** What a lease might cost, before it is taken: from what was spent there lately, and what the budgets allow. */

import {
  type BudgetState,
  type Caller,
  type Micros,
  type Millis,
  type Path,
  printDuration,
  usdFromMicros,
} from '../plugin-sdk/index.ts';
import type { Keeper } from './keeper.ts';

const DAY: Millis = 24 * 3_600_000;
/** Of one process, and begun anew by the next: they bound no length of time. */
const OF_A_PROCESS = ['pid', 'velocity'];
/** What a lease's own budget stands in for, or takes the place of. */
const OF_A_PERSON = ['session', 'uid', 'lease'];

/** `{estimate_usd, low_usd, high_usd, basis}` (contract section 6). */
export function forecast(
  { api, policy }: Keeper,
  caller: Caller,
  path: Path,
  duration: Millis,
  budget: Micros | undefined,
): object {
  const mount = policy.mountAt(path);
  const lately = api.state.ledger.report('mount', api.now() - DAY).find(row => row.key === mount.path)?.micros ?? 0;
  const most = atMost(policy.budgets(caller, path), duration, budget);
  const likely = Math.min(most ?? Number.POSITIVE_INFINITY, Math.ceil((lately * duration) / DAY));
  const past = lately === 0 ? 'nothing was spent there in the last 24h' : 'as much as in the last 24h, for this long';
  const ceiling = most === undefined ? 'no budget bounds it' : 'at most what the budgets allow';
  return {
    estimate_usd: usdFromMicros(likely),
    low_usd: 0,
    high_usd: usdFromMicros(most ?? likely),
    basis: `unlocking is free; use for ${printDuration(duration)}: ${past}; ${ceiling}`,
  };
}

/** The least of what each budget lets through in that time; undefined where none bounds it. */
function atMost(layers: readonly BudgetState[], duration: Millis, budget: Micros | undefined): Micros | undefined {
  const bounds = layers
    .filter(({ layer }) => !OF_A_PROCESS.includes(layer))
    .filter(({ layer }) => budget === undefined || !OF_A_PERSON.includes(layer))
    .filter(({ limit }) => limit.usd > 0)
    .map(({ limit }) => (limit.per === 0 ? limit.usd : limit.usd * Math.max(1, Math.ceil(duration / limit.per))));
  const least = Math.min(...bounds, budget ?? Number.POSITIVE_INFINITY);
  return Number.isFinite(least) ? least : undefined;
}
