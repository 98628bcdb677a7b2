/** A daemon with one paid mount, and the service outside that counts what reaches it. */

import { type Answer, type CountingServer, countingServer, type Seen } from '../support/counting-server.ts';
import { type Daemon, type DaemonOptions, startDaemon } from '../support/daemon.ts';
import type { Teardown } from '../support/dirs.ts';

/** Where it is mounted, and what one request costs, in micro-dollars. */
export const API = '/aos/mnt/api';
export const PRICE = 1000;

/** No layer has a say, but the one that a test narrows. */
export const WIDE = {
  pid: { usd: 0 },
  session: { usd: 0 },
  uid: { usd: 0 },
  global: { usd: 0 },
  velocity: 0,
} as const;

export interface Paid {
  readonly daemon: Daemon;
  readonly server: CountingServer;
  /** The mount's directory as programs see it. */
  readonly dir: string;
}

export interface PaidOptions extends Pick<DaemonOptions, 'args' | 'fuse' | 'prepare'> {
  /** Beside those of `WIDE`; `standard` for what holds where nothing is configured. */
  readonly budgets?: object | 'standard';
  readonly grants?: object;
  /** More flags for `aos mount http`. */
  readonly flags?: readonly string[];
  readonly answer?: (request: Seen) => Answer | Promise<Answer>;
  /** Left locked where false. */
  readonly unlock?: boolean;
}

/** Mounted at one dollar for a thousand requests, without a cache, and unlocked for the user of the test. */
export async function paid(t: Teardown, options: PaidOptions = {}): Promise<Paid> {
  const { budgets = {}, grants = {}, flags = [], answer, unlock = true, ...more } = options;
  const server = await countingServer(t, answer);
  const configured = budgets === 'standard' ? {} : { budgets: { ...WIDE, ...budgets } };
  const daemon = await startDaemon(t, { config: { ...configured, grants }, ...more });
  await done(daemon, 'mount', 'http', ...mountFlags(server), ...flags, API);
  if (unlock) await done(daemon, 'unlock', API, '--duration=1h', '--scope=uid');
  return { daemon, server, dir: `${daemon.mount}/mnt/api` };
}

export function mountFlags(server: CountingServer): string[] {
  return [`--base-url=${server.url}`, '--allow-private', `--price=${PRICE / 1e6}`, '--ttl=0'];
}

/** What a verb printed. Throws with everything it said where it did not exit with 0. */
export async function done(daemon: Daemon, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await daemon.aos(...args);
  if (code !== 0) throw new Error(`aos ${args.join(' ')}: exit ${code}\n${stdout}${stderr}`);
  return stdout;
}

export interface Spent {
  /** Micro-dollars. */
  readonly micros: number;
  readonly operations: number;
}

/** What the ledger says was spent on the paid mount. */
export async function spentOnApi(daemon: Daemon): Promise<Spent> {
  // The shape of contract section 6.
  const { by } = JSON.parse(await done(daemon, 'cost', '--by=mount', '--json')) as {
    by: { key: string; usd: number; operations: number }[];
  };
  const row = by.find(({ key }) => key === API);
  return { micros: Math.round((row?.usd ?? 0) * 1e6), operations: row?.operations ?? 0 };
}
