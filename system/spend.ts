/** What was spent, by whatever the reader asks for. */

import { AosError, type LedgerKey, type LedgerState } from '../plugin-sdk/index.ts';

const KEYS: readonly LedgerKey[] = ['agent', 'model', 'mount', 'uid', 'day'];

/** `{by}` → `{total_usd, by: [{key, usd, operations}]}` (contract section 6). */
export function spendReport(ledger: LedgerState, request: unknown): object {
  const asked = typeof request === 'object' && request !== null && 'by' in request ? request.by : undefined;
  const by = KEYS.find(key => key === (asked ?? 'agent'));
  if (by === undefined) {
    throw new AosError('usage', {
      component: 'system',
      why: `spending is not kept by "${String(asked)}"`,
      remedy: `choose one of ${KEYS.join(', ')}`,
    });
  }
  const rows = ledger.report(by, 0);
  return {
    total_usd: ledger.total(0) / 1e6,
    by: rows.map(row => ({ key: row.key, usd: row.micros / 1e6, operations: row.operations })),
  };
}
