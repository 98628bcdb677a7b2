/** A core without doors, store or disk: trees in memory, for tests that ask the gate itself. */

import { everything } from '../../core/capabilities/grant.ts';
import { DEFAULT_CONFIG } from '../../core/config.ts';
import { type Core, createCore } from '../../core/core.ts';
import { parsePath } from '../../core/path.ts';
import type {
  Authority,
  Caller,
  Config,
  Grant,
  KeyState,
  LedgerEntry,
  LedgerState,
  Log,
  MountPoint,
  PluginApi,
  State,
} from '../../core/types.ts';

export const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** A ledger in memory that keeps what it was told. */
export class MemoryLedger implements LedgerState {
  readonly entries: (LedgerEntry & { settled: number | undefined })[] = [];

  reserve(entry: LedgerEntry): number {
    return this.entries.push({ ...entry, settled: undefined }) - 1;
  }
  settle(id: number, spent: number): void {
    const entry = this.entries[id];
    if (entry !== undefined) entry.settled = spent;
  }
  recover(): number {
    return 0;
  }
  total(): number {
    return this.entries.reduce((sum, entry) => sum + (entry.settled ?? entry.micros), 0);
  }
  report(): [] {
    return [];
  }
  since: LedgerState['since'] = () => [];
  sum: LedgerState['sum'] = () => undefined;
  clear(): void {}
}

export interface TestCore extends Core {
  readonly ledger: MemoryLedger;
  readonly api: PluginApi;
  mount(path: string, tree: MountPoint['tree'], more?: Partial<MountPoint>): () => void;
}

export async function testCore(config: Config = DEFAULT_CONFIG, now: () => number = Date.now): Promise<TestCore> {
  const ledger = new MemoryLedger();
  // Only the ledger and the keys are used by the core itself; anything else fails loudly.
  const missing = new Proxy<Partial<State>>(
    {},
    {
      get: (_target, name) => () => {
        throw new Error(`this test's core has no ${String(name)}`);
      },
    },
  );
  const kept = new Map<string, string>();
  const keys: KeyState = {
    get: (space, key) => kept.get(`${space}/${key}`),
    set: (space, key, value) => void kept.set(`${space}/${key}`, value),
    remove: (space, key) => void kept.delete(`${space}/${key}`),
    list: space =>
      [...kept]
        .filter(([key]) => key.startsWith(`${space}/`))
        .map(([key, value]) => ({ key: key.slice(space.length + 1), value })),
  };
  const state = Object.assign(Object.create(missing), { ledger, keys }) as State;
  const core = createCore({
    owner: { uid: 1000, gid: 1000 },
    state,
    config,
    now,
    log: () => SILENT,
    dir: name => name,
  });
  const apis: PluginApi[] = [];
  await core.plugins.admit([{ name: 'test', setup: api => void apis.push(api) }]);
  const api = apis[0];
  if (api === undefined) throw new Error('the plugin was not set up');
  return {
    ...core,
    ledger,
    api,
    mount: (path, tree, more = {}) => api.mount({ path: parsePath(path), tree, ...more }),
  };
}

export function caller(authority: Authority = [everything('test')], uid = 1000): Caller {
  const identity = { pid: 42, startTime: 7, sid: 40, tty: 0, comm: 'test' };
  return { uid, gid: uid, door: 'socket', authority, identity: () => identity };
}

/** A caller who has just these grants. */
export function granted(...grants: Grant[]): Caller {
  return caller([{ name: 'granted', grants }]);
}
