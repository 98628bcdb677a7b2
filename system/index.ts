/** /aos/system: what the daemon is doing, and the files at the top of the tree. */

import {
  type Config,
  definePlugin,
  log,
  type Plugin,
  type PluginApi,
  type PolicyControl,
  parsePath,
  printUsd,
  ROOT,
  tree,
  value,
  yaml,
} from '../plugin-sdk/index.ts';
import { looking } from './asked.ts';
import { openAudit } from './audit.ts';
import { Failures } from './failures.ts';
import { healthOf } from './health.ts';
import { metricsText, Operations } from './metrics.ts';
import { leaseRoutes, moneyRoutes } from './policy.ts';
import { rootRoutes } from './root.ts';
import { Spent, spendReport } from './spend.ts';

/** What only the composition root knows. */
export interface Daemon {
  readonly pid: number;
  readonly version: string;
  readonly home: string;
  /** Where the kernel door is; empty without one. */
  mount(): string;
  /** The kernel door's driver; `none` without one. */
  driver(): string;
  /** The configuration in force. */
  config(): Config;
  /** The same as a user would write it, without its secrets. */
  written(): object;
  readonly policy: PolicyControl;
}

export function systemPlugin(daemon: Daemon): Plugin {
  return definePlugin({
    name: 'system',
    after: ['models'],
    setup(api) {
      const started = api.now();
      const failures = new Failures();
      const operations = new Operations();
      const spent = new Spent(api.state.ledger);
      const audit = openAudit(api.dir('audit'), {
        bytesMax: () => daemon.config().audit.file_bytes_max,
        now: api.now,
        log: api.log,
      });
      api.signal.addEventListener('abort', () => audit.close(), { once: true });
      api.tap.settled(record => {
        failures.add(record);
        operations.count(record);
        // Last: on a full disk it throws, and the refusal still has to be told.
        audit.append(record);
      });
      const status = () => statusOf(api, daemon, started);
      api.mount({ path: ROOT, tree: tree(rootRoutes) });
      api.mount({
        path: parsePath(`${ROOT}/system`),
        tree: tree({
          '/status': value({ read: async () => lines(await status()), call: looking(status) }),
          '/health': value({ read: () => healthOf(daemon.home) }),
          '/version': value({ read: () => daemon.version }),
          '/spend': value({
            read: () => printUsd(spent.total(api.now())),
            call: looking((_args, request) => spendReport(api.state.ledger, request, api.now())),
          }),
          '/errors': value({
            read: args => failures.text(args.caller),
            call: looking(args => failures.of(args.caller)),
          }),
          '/audit.jsonl': log(() => audit.source),
          '/metrics': value({ read: () => metricsText(operations, spent, api, started) }),
          '/config.yaml': value({ read: () => yaml().stringify(daemon.written()) }),
          ...leaseRoutes(api, daemon.policy),
          ...moneyRoutes(api, daemon.policy, failures),
        }),
      });
    },
  });
}

/** The shape of `aos status --json` (contract section 6). */
async function statusOf(api: PluginApi, daemon: Daemon, started: number): Promise<Record<string, unknown>> {
  return {
    pid: daemon.pid,
    version: daemon.version,
    home: daemon.home,
    mount: daemon.mount(),
    driver: daemon.driver(),
    uptime_sec: Math.round((api.now() - started) / 1000),
    model: await modelName(api),
    runs: api.state.runs.list(['running']).length,
  };
}

async function modelName(api: PluginApi): Promise<string> {
  try {
    const found = await api.aos.call(api.self, parsePath(`${ROOT}/models`), { op: 'resolve' });
    return typeof found === 'object' && found !== null && 'name' in found ? String(found.name) : 'unknown';
  } catch (error) {
    return `none (${error instanceof Error ? error.message : String(error)})`;
  }
}

function lines(fields: Record<string, unknown>): string {
  return Object.entries(fields)
    .map(([name, text]) => `${name}: ${text}`)
    .join('\n');
}
