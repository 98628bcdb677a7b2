/** What was spent, by whatever the reader asks for. */

import { AosError, type LedgerKey, type LedgerState, type Millis } from '../plugin-sdk/index.ts';
import { wrong } from './asked.ts';

const KEYS: readonly LedgerKey[] = ['agent', 'model', 'mount', 'uid', 'day'];

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
    total_usd: ledger.total(since) / 1e6,
    by: rows.map(row => ({ key: row.key, usd: row.micros / 1e6, operations: row.operations })),
  };
}

function sinceOf(request: unknown, now: Millis): Millis {
  if (typeof request !== 'object' || request === null || !('last_ms' in request)) return 0;
  const { last_ms: last } = request;
  if (typeof last === 'number' && last > 0) return Math.max(0, now - last);
  throw wrong('/aos/system/spend', '"last_ms" is not a number above 0', 'leave it out for all that was ever spent');
}
