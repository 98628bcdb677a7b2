/** What was spent, by whatever the reader asks for. */

import {
  AosError,
  type LedgerKey,
  type LedgerState,
  type Micros,
  type Millis,
  usdFromMicros,
} from '../plugin-sdk/index.ts';
import { wrong } from './asked.ts';

const KEYS: readonly LedgerKey[] = ['agent', 'model', 'mount', 'uid', 'day'];

/** Longer ago than this nothing is added to the ledger any more: a bill is written down at the moment it is settled. */
const SETTLED_MS: Millis = 60_000;

/** All that was ever spent, as the ledger says, without adding up its past each time. */
export class Spent {
  private readonly ledger: LedgerState;
  /** What was spent before the moment from which on the ledger is asked. */
  private before: Micros = 0;
  private from: Millis = 0;

  constructor(ledger: LedgerState) {
    this.ledger = ledger;
  }

  total(now: Millis): Micros {
    // A clock that jumped back: what is spent now may lie before the moment.
    if (now < this.from) {
      this.before = 0;
      this.from = 0;
    }
    const since = this.ledger.total(this.from);
    if (now - this.from < 2 * SETTLED_MS) return this.before + since;
    const next = now - SETTLED_MS;
    const late = this.ledger.total(next);
    this.before += since - late;
    this.from = next;
    return this.before + late;
  }
}

/** `{by, last_ms?}` → `{total_usd, by: [{key, usd, operations}]}` (contract section 6). */
export function spendReport(ledger: LedgerState, request: unknown, now: Millis): object {
  const asked = typeof request === 'object' && request !== null && 'by' in request ? request.by : undefined;
  const by = KEYS.find(key => key === (asked ?? 'agent'));
  if (by === undefined) {
    throw new AosError('usage', {
      component: 'system',
      why: `spending is not kept by "${String(asked)}"`,
      remedy: `choose one of ${KEYS.join(', ')}`,
    });
  }
  const since = sinceOf(request, now);
  const rows = ledger.report(by, since);
  return {
    total_usd: usdFromMicros(ledger.total(since)),
    by: rows.map(row => ({ key: row.key, usd: usdFromMicros(row.micros), operations: row.operations })),
  };
}

function sinceOf(request: unknown, now: Millis): Millis {
  if (typeof request !== 'object' || request === null || !('last_ms' in request)) return 0;
  const { last_ms: last } = request;
  if (typeof last === 'number' && last > 0) return Math.max(0, now - last);
  throw wrong('/aos/system/spend', '"last_ms" is not a number above 0', 'leave it out for all that was ever spent');
}
