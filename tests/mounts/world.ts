/** A mount over a core without doors, made as the mounts plugin makes it, with a lease for whoever asks. */

import type { ExecutionContext } from 'ava';
import { DEFAULT_CONFIG } from '../../core/config.ts';
import { AosError } from '../../core/errors.ts';
import { parsePath } from '../../core/path.ts';
import type { Caller, Config, Maybe } from '../../core/types.ts';
import { httpMount } from '../../mounts/http/index.ts';
import type { Given, MountType } from '../../plugin-sdk/index.ts';
import { caller, type TestCore, testCore } from '../support/core.ts';
import { type Answer, type CountingServer, countingServer, type Seen } from '../support/counting-server.ts';

export interface World {
  readonly core: TestCore;
  readonly server: CountingServer;
  readonly who: Caller;
  /** Moves the clock of the core. */
  later(ms: number): void;
  read(path: string, who?: Caller): Promise<string>;
  list(path: string, cursor?: string): Promise<string[]>;
  write(path: string, text: string): Promise<unknown>;
  remove(path: string): Promise<void>;
  /** What was paid, in calls at the mount's price. */
  paid(): number;
}

const HOUR = 3_600_000;
const PRICE = 1000;

export interface WorldOptions {
  readonly given?: Given;
  readonly type?: MountType;
  readonly config?: Partial<Config>;
  /** Without a lease. */
  readonly locked?: true;
  readonly answer?: (request: Seen) => Answer | Promise<Answer>;
}

/** An http mount at /aos/mnt/api of a server that counts, loopback allowed and a cent for ten calls. */
export async function world(t: ExecutionContext, options: WorldOptions = {}): Promise<World> {
  const server = await countingServer(t, options.answer);
  let offset = 0;
  const core = await testCore({ ...DEFAULT_CONFIG, ...options.config }, () => Date.now() + offset);
  const type = options.type ?? httpMount;
  const standard = type === httpMount ? { 'base-url': server.url, 'allow-private': true } : baseOf(type, server.url);
  const made = await type.make({ ...standard, ...options.given }, parsePath('/aos/mnt/api'), core.api);
  core.api.mount(made.point);
  const who = caller();
  if (options.locked !== true) {
    core.policy.leases.add({ path: '/aos/mnt/api', until: Date.now() + HOUR, uid: who.uid, scope: { kind: 'uid' } });
  }
  const at = (path: string) => parsePath(path === '' ? '/aos/mnt/api' : `/aos/mnt/api/${path}`);
  return {
    core,
    server,
    who,
    later: ms => {
      offset += ms;
    },
    read: async (path, as = who) => Buffer.from(await core.aos.read(as, at(path))).toString(),
    list: async (path, cursor) => (await core.aos.list(who, at(path), undefined, cursor)).map(entry => entry.name),
    write: async (path, text) => core.aos.write(who, at(path), Buffer.from(text)),
    remove: async path => core.aos.remove(who, at(path)),
    paid: () => core.ledger.total() / PRICE,
  };
}

function baseOf(type: MountType, base: string): Given {
  return 'base' in type.options ? { base } : {};
}

/** What an act that must fail throws. */
export async function refusal(t: ExecutionContext, act: () => Maybe<unknown>): Promise<AosError> {
  try {
    await act();
  } catch (error) {
    if (error instanceof AosError) return error;
    throw error;
  }
  t.fail('it was not refused');
  throw new Error('it was not refused');
}
