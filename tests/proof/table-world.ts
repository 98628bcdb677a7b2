/** One paid mount behind three doors, with a clock that moves when it is told to, and an account of what the plugin heard. */

import { checkConfig } from '../../core/config.ts';
import { parsePath } from '../../core/path.ts';
import type { Caller, Config, Limit, Op, Purse, Tree, Verb } from '../../core/types.ts';
import { makeCaller } from '../../doors/identity.ts';
import { type TestCore, testCore } from '../support/core.ts';
import type { Teardown } from '../support/dirs.ts';
import { type Through, type ThroughKernel, throughKernel, throughShell, throughSocket } from './doors.ts';

export const PRICE = 1000;
export const HOUR = 3_600_000;
export const UID = process.getuid?.() ?? 0;
export const MOUNT = parsePath('/aos/mnt/x');
/** What a caller pays for to use up a budget that has room for one operation. */
export const BEFORE = '/aos/mnt/x/before';
export const TARGET: Readonly<Record<Verb, string>> = {
  stat: '/aos/mnt/x/item',
  list: '/aos/mnt/x/dir',
  read: '/aos/mnt/x/item',
  write: '/aos/mnt/x/item',
  create: '/aos/mnt/x/dir/new',
  remove: '/aos/mnt/x/dir/old',
  call: '/aos/mnt/x/ask',
};

/** How a row of the table comes about: what is configured, and what happens before the cell's operation. */
export interface State {
  /** Of the user of the test; everything unless said otherwise. */
  readonly grants?: readonly object[];
  readonly ceilings?: object;
  readonly budgets?: object;
  readonly locked?: boolean;
  /** The mount's own. */
  readonly limit?: Limit;
  /** The shell is that of a run, which may spend so much. */
  readonly purse?: number;
  prepare?(world: World): void;
  /** After the caller has paid for one operation. */
  change?(world: World): void;
}

export type DoorOf = 'kernel' | 'socket' | 'shell';

export class World {
  clock = Date.UTC(2030, 0, 1);
  /** The verbs that the plugin was asked for since this was last emptied. */
  readonly heard: Verb[] = [];
  readonly core: TestCore;
  readonly kernel: ThroughKernel | undefined;
  private readonly doors: Readonly<Record<DoorOf | 'run', Through | undefined>>;
  private readonly purses: Purse[];
  private runs = 0;
  private unmount = (): void => {};

  private constructor(core: TestCore, kernel: World['kernel'], doors: World['doors'], purses: Purse[]) {
    this.core = core;
    this.kernel = kernel;
    this.doors = doors;
    this.purses = purses;
    core.mount('/aos/memory', { node: rest => (rest === '' ? { kind: 'dir', list: () => [] } : undefined) });
  }

  static async open(t: Teardown): Promise<World> {
    const clock = (): number => world?.clock ?? 0;
    let world: World | undefined;
    const core = await testCore(configOf({}), clock);
    const purses: Purse[] = [];
    const kernel = await throughKernel(t, core.door('fuse'));
    world = new World(
      core,
      kernel,
      {
        kernel,
        socket: await throughSocket(t, core.door('socket')),
        shell: throughShell(t, core.aos, atShell(core)),
        run: throughShell(t, core.aos, { ...atShell(core), run: 1, purses }),
      },
      purses,
    );
    return world;
  }

  /** Undefined where this machine has no such door. */
  through(door: DoorOf, state: State): Through | undefined {
    return this.doors[door === 'shell' && state.purse !== undefined ? 'run' : door];
  }

  /** Nothing of what came before counts any more. */
  reset(): void {
    this.clock += 24 * HOUR;
    this.core.policy.breaker.reset();
    this.endLeases();
    this.purses.length = 0;
  }

  /** Brings the state about, with one operation where something is to change after it. */
  async enter(through: Through, state: State): Promise<void> {
    if (state.purse !== undefined) this.purses.push({ run: ++this.runs, limit: state.purse });
    this.configure(state);
    this.mount(state);
    state.prepare?.(this);
    if (state.change === undefined) return;
    const before = await through('read', BEFORE);
    if (before !== 'ok') throw new Error(`the operation before was refused: ${before}`);
    state.change(this);
  }

  configure(state: State): void {
    this.core.reconfigure(configOf(state));
  }

  /** Half an hour, for all of the user's processes. */
  lease(more: { budget?: number; uid?: number } = {}): void {
    const until = this.clock + HOUR / 2;
    this.core.policy.leases.add({ path: MOUNT, until, uid: UID, scope: { kind: 'uid' }, ...more });
  }

  endLeases(): void {
    const { leases } = this.core.policy;
    for (const { id } of leases.list()) leases.end(id);
  }

  private mount({ locked = false, limit }: State): void {
    this.unmount();
    this.unmount = this.core.mount(MOUNT, paidTree(this.heard), {
      locked,
      open: (_rest, verb) => verb === 'stat',
      // Opening a call sends nothing yet.
      price: (verb, rest) => (rest === '' || verb === 'stat' || (rest === 'ask' && verb !== 'call') ? 0 : PRICE),
      ...(limit !== undefined && { limit }),
    });
  }
}

/** The user of the test at the shell, as today's configuration has it. */
function atShell(core: TestCore): Caller {
  const human = makeCaller({
    uid: UID,
    gid: process.getgid?.() ?? 0,
    tid: process.pid,
    door: 'shell',
    authority: [],
  });
  const { uid, gid, door } = human;
  return {
    uid,
    gid,
    door,
    authority: core.door('shell').authorityOf(UID),
    identity: fresh => human.identity(fresh),
  };
}

/** Every layer is off that the state does not set, but counts for as long as those that are: what a row spends ends with it. */
function configOf({ grants = [{ verbs: ['all'], path: '/aos/**' }], ceilings = {}, budgets = {} }: State): Config {
  const off = { usd: 0, per: '60s' };
  const wide = { pid: off, session: off, uid: off, global: off, velocity: 0 };
  const config = { grants: { [UID]: grants }, ceilings, budgets: { ...wide, ...budgets } };
  return checkConfig(config, 'the table', () => undefined);
}

/** Everything costs, but looking; the plugin keeps account of what it is asked. */
function paidTree(heard: Verb[]): Tree {
  const pay = (op: Op): void => {
    heard.push(op.verb);
    op.meter.spend(PRICE);
  };
  const paid =
    <T>(answer: T) =>
    (op: Op): T => {
      pay(op);
      return answer;
    };
  const made = new Set<string>();
  return {
    node(rest, op) {
      heard.push(op.verb);
      switch (rest) {
        case '':
          return { kind: 'dir', list: () => ['item', 'before', 'ask'].map(name => ({ name, kind: 'value' })) };
        case 'dir': {
          const entries = [{ name: 'old', kind: 'value' }] as const;
          const makeDir = (op: Op, name: string): void => {
            pay(op);
            made.add(`dir/${name}`);
          };
          return { kind: 'dir', list: paid(entries), makeDir, remove: pay };
        }
        case 'ask':
          return { kind: 'call', reply: paid('said\n') };
        case 'item':
        case 'before':
        case 'dir/old':
          return { kind: 'value', read: paid('text\n'), write: pay };
        default:
          return made.has(rest) ? { kind: 'dir', list: () => [] } : undefined;
      }
    },
  };
}
