/** A core with its store, the system's files, and a locked mount that costs money: all on a disk of its own, and a clock. */

import { mkdirSync } from 'node:fs';
import { everything } from '../../core/capabilities/grant.ts';
import { checkConfig, writtenConfig } from '../../core/config.ts';
import { type Core, createCore } from '../../core/core.ts';
import { parsePath } from '../../core/path.ts';
import type { Authority, Caller, Config, Identity, Log, MountPoint, PluginApi, ProcessId } from '../../core/types.ts';
import { dir, file, tree, value } from '../../plugin-sdk/index.ts';
import { openStore } from '../../store/index.ts';
import { systemPlugin } from '../../system/index.ts';
import { SILENT } from '../support/core.ts';
import { type Teardown, tmpDir } from '../support/dirs.ts';

export const START = Date.UTC(2026, 10, 23, 14, 22, 33);
/** What each read of the mount costs. */
export const PRICE = 10_000;
export const OWNER = 1000;

export interface World {
  readonly core: Core;
  readonly home: string;
  /** Reads that reached the mount. */
  readonly reached: string[];
  now: number;
  /** A further mount. */
  mount(path: string, more?: Partial<MountPoint>): () => void;
  call(caller: Caller, path: string, request: unknown): Promise<Record<string, unknown>>;
  read(caller: Caller, path: string): Promise<string>;
  names(caller: Caller, path: string): Promise<string[]>;
  /** The daemon ends and another starts on the same home, with the same configuration unless said otherwise. */
  restart(config?: object): Promise<void>;
}

export function configOf(config: object): Config {
  return checkConfig(config, 'test', () => undefined);
}

export async function makeWorld(t: Teardown, config: object = {}): Promise<World> {
  const home = tmpDir(t);
  let started = { now: START };
  const reached: string[] = [];
  const clock = (): number => started.now;
  let running = await start(home, configOf(config), clock, reached);
  t.teardown(() => running.stop());
  const world: World = {
    get core() {
      return running.core;
    },
    home,
    reached,
    get now() {
      return started.now;
    },
    set now(now) {
      started = { now };
    },
    mount: (path, more) => running.mount(path, more),
    async call(caller, path, request) {
      const answer = await running.core.aos.call(caller, parsePath(path), request);
      // What the files of this folder give is an object or a list.
      return answer as Record<string, unknown>;
    },
    read: async (caller, path) => String(await running.core.aos.read(caller, parsePath(path))),
    names: async (caller, path) => (await running.core.aos.list(caller, parsePath(path))).map(entry => entry.name),
    async restart(next = config) {
      running.stop();
      running = await start(home, configOf(next), clock, reached);
    },
  };
  return world;
}

interface Running {
  readonly core: Core;
  mount(path: string, more?: Partial<MountPoint>): () => void;
  stop(): void;
}

async function start(home: string, config: Config, now: () => number, reached: string[]): Promise<Running> {
  const log: Log = SILENT;
  const store = openStore(`${home}/aos.db`, { now, log });
  const core = createCore({
    owner: { uid: OWNER, gid: OWNER },
    state: store.state,
    config,
    now,
    log: () => log,
    dir(name) {
      mkdirSync(`${home}/${name}`, { recursive: true });
      return `${home}/${name}`;
    },
  });
  const apis: PluginApi[] = [];
  await core.plugins.admit([
    { name: 'models', setup() {} },
    {
      name: 'agents',
      setup(api) {
        api.mount({ path: parsePath('/aos/agents'), tree: tree({ '/scout/inbox': value({ read: () => '' }) }) });
        apis.push(api);
      },
    },
    systemPlugin({
      pid: 1,
      version: '0',
      home,
      mount: () => '',
      driver: () => 'none',
      config: () => core.config(),
      written: () => writtenConfig(core.config()),
      policy: core.policy,
    }),
  ]);
  const outside = tree({
    '/': dir(() => ['a']),
    '/:name': file({
      read(args) {
        reached.push(args.name);
        args.meter.spend(PRICE);
        return `content of ${args.name}`;
      },
    }),
  });
  const mount = (path: string, more: Partial<MountPoint> = {}): (() => void) => {
    const [api] = apis;
    if (api === undefined) throw new Error('the plugin was not set up');
    const price = (verb: string): number => (verb === 'read' ? PRICE : 0);
    return api.mount({ path: parsePath(path), tree: outside, locked: true, price, ...more });
  };
  mount('/aos/mnt/paid');
  return {
    core,
    mount,
    stop() {
      core.plugins.withdrawAll();
      store.close();
    },
  };
}

export interface Who extends Partial<Identity> {
  readonly uid?: number;
  readonly authority?: Authority;
  readonly ancestors?: readonly ProcessId[];
  readonly agent?: string;
  readonly run?: number;
}

/** A process of the owner without a terminal, unless said otherwise. */
export function who(as: Who = {}): Caller {
  const { uid = OWNER, authority = [everything('test')], ancestors = [], agent, run, ...identity } = as;
  const known: Identity = { pid: 42, startTime: 7, sid: 40, tty: 0, comm: 'sh', ...identity };
  return {
    uid,
    gid: uid,
    door: run === undefined ? 'socket' : 'run',
    authority,
    identity: () => known,
    ancestors: () => ancestors,
    ...(agent !== undefined && { agent }),
    ...(run !== undefined && { run, runs: [run] }),
  };
}
