/** What a run has cost, as it is shown: of a model without a known price that is unknown, and not nothing. */

import { printUsd, type RunRow, usdFromMicros } from '../plugin-sdk/index.ts';
import type { Plan } from './plan.ts';
import type { Run } from './run.ts';

/** Dollars; null where they are not known. */
export function costOf(run: Run): number | null {
  return isUnpriced(run.plan.model) ? null : usdFromMicros(run.spend.own);
}

export function costText(run: Run): string {
  return isUnpriced(run.plan.model) ? 'unknown' : printUsd(run.spend.own);
}

/** Of a run that may have been planned by an earlier version. */
export function pastCostOf({ body, cost }: RunRow): number | null {
  try {
    const { model }: { model?: Plan['model'] } = JSON.parse(body);
    return model !== undefined && isUnpriced(model) ? null : usdFromMicros(cost);
  } catch {
    return usdFromMicros(cost);
  }
}

export function isUnpriced({ local, inputPrice, outputPrice }: Plan['model']): boolean {
  return !local && (inputPrice === null || outputPrice === null);
}
