/** Counters in the Prometheus text format (prometheus.io, exposition formats, 0.0.4). */

import { type Millis, type PluginApi, type Settled, usdFromMicros } from '../plugin-sdk/index.ts';
import type { Spent } from './spend.ts';

/** Operations that changed something, cost money or were refused, by verb and outcome. */
export class Operations {
  readonly by = new Map<string, number>();

  count(record: Settled): void {
    const key = `verb="${record.verb}",outcome="${record.error ?? 'done'}"`;
    this.by.set(key, (this.by.get(key) ?? 0) + 1);
  }
}

export function metricsText(operations: Operations, spent: Spent, api: PluginApi, started: Millis): string {
  const memory = process.memoryUsage();
  return [
    ...metric('aos_uptime_seconds', 'gauge', [['', Math.round((api.now() - started) / 1000)]]),
    ...metric('aos_resident_memory_bytes', 'gauge', [['', memory.rss]]),
    ...metric('aos_runs_running', 'gauge', [['', api.state.runs.list(['running']).length]]),
    ...metric('aos_spent_usd_total', 'counter', [['', usdFromMicros(spent.total(api.now()))]]),
    ...metric('aos_operations_total', 'counter', [...operations.by]),
  ].join('\n');
}

function metric(name: string, type: string, samples: readonly (readonly [string, number])[]): string[] {
  return [
    `# TYPE ${name} ${type}`,
    ...samples.map(([labels, n]) => `${name}${labels === '' ? '' : `{${labels}}`} ${n}`),
  ];
}
