/** Puts the core together: the gate, the tree over it, the hooks, the plugins, and what doors are given. */

import { everything } from './capabilities/grant.ts';
import { type LeaseStore, Leases } from './capabilities/lease.ts';
import { Standing } from './capabilities/standing.ts';
import { Breaker, type BreakerStore, type Tripped } from './cost/breaker.ts';
import { Budget, isOff, keyOf, type Scope } from './cost/budget.ts';
import { type Filling, recallFrom, refillWindows, restoreMount, restoreWindows } from './cost/restore.ts';
import { globalScope, scopesBy, sharedScopes, subjectOf } from './cost/scopes.ts';
import { asAosError } from './errors.ts';
import { Hooks } from './hooks.ts';
import { Namespace } from './namespace.ts';
import { Operations } from './operations.ts';
import { Plugins } from './plugins.ts';
import { refusalAtDoor } from './record.ts';
import type {
  Aos,
  BudgetState,
  Caller,
  Config,
  DoorApi,
  KeyState,
  Lease,
  Log,
  Millis,
  Path,
  PolicyControl,
  State,
} from './types.ts';
import { type Policy, Vfs } from './vfs.ts';

export interface CoreOptions {
  /** Who runs the daemon: owns what has no other owner, and may do everything unless the configuration says less. */
  readonly owner: { readonly uid: number; readonly gid: number };
  readonly state: State;
  readonly config: Config;
  /** When the machine started: process and session ids from before are others'. */
  readonly booted?: Millis;
  now(): Millis;
  log(component: string): Log;
  /** Gives a directory below the home, made if need be. */
  dir(name: string): string;
}

export interface Core {
  readonly aos: Aos;
  readonly vfs: Vfs;
  readonly plugins: Plugins;
  readonly hooks: Hooks;
  readonly self: Caller;
  readonly policy: PolicyControl;
  /** The configuration in force. */
  config(): Config;
  /** Puts another configuration's grants, ceilings, budgets and audit into force, for open handles too. */
  reconfigure(config: Config): void;
  door(name: string): DoorApi;
}

export function createCore(options: CoreOptions): Core {
  const { now, state } = options;
  let { config } = options;
  const hooks = new Hooks(options.log('core'));
  const namespace = new Namespace();
  const budget = new Budget(recallFrom(state.ledger, options.booted ?? 0));
  let scopes = scopesBy(config.budgets);
  const standing = new Standing(config, options.owner.uid);
  const leases = new Leases(leaseStore(state.keys));
  const breaker = new Breaker(breakerStore(state.keys));
  const filling = ({ budgets }: Config): Filling => ({
    budget,
    budgets,
    ledger: state.ledger,
    now: now(),
    booted: options.booted ?? 0,
    reset: breaker.resetAt,
  });
  restoreWindows(filling(config));
  const vfs = new Vfs({
    namespace,
    standing,
    leases,
    budget,
    breaker,
    hooks,
    ledger: state.ledger,
    scopes: (caller, path, mount, lease) => scopes(caller, path, mount, lease),
    readsTold: () => config.audit.reads,
    now,
  });
  const aos = new Operations(vfs, { ...options.owner, born: now() });
  const self = systemCaller(options.owner);
  const listeners = new Set<(path: Path) => void>();
  const narrowed = new Set<() => void>();
  const changed = (): void => {
    vfs.policyChanged();
    for (const tell of narrowed) tell();
  };
  const plugins = new Plugins({
    hooks,
    aos,
    self,
    state,
    config: () => config,
    now,
    log: options.log,
    dir: options.dir,
    mount: point => {
      restoreMount(budget, point, state.ledger, now());
      const unmount = namespace.add(point);
      vfs.policyChanged();
      return () => {
        unmount();
        changed();
      };
    },
    changed: path => {
      for (const tell of listeners) tell(path);
    },
  });
  const door = (name: string): DoorApi => ({
    aos,
    log: options.log(name),
    now,
    authorityOf: uid => standing.of(uid),
    onChanged: fn => subscribe(listeners, fn),
    onNarrowed: fn => subscribe(narrowed, fn),
    refused: (caller, dir, error) => hooks.tellSettled(refusalAtDoor(caller, dir, asAosError(error, name), now())),
  });
  const reconfigure = (next: Config): void => {
    // First what can fail.
    refillWindows(filling(next), config.budgets);
    config = next;
    standing.replace(next);
    scopes = scopesBy(next.budgets);
    changed();
  };
  return {
    aos,
    vfs,
    plugins,
    hooks,
    self,
    door,
    config: () => config,
    reconfigure,
    policy: policyControl(vfs, () => config, changed),
  };
}

function subscribe<F>(set: Set<F>, fn: F): () => void {
  set.add(fn);
  return () => set.delete(fn);
}

/** The daemon itself as a caller. */
function systemCaller(owner: { uid: number; gid: number }): Caller {
  const identity = { pid: 0, startTime: 0, sid: 0, tty: 0, comm: 'aos' };
  return { ...owner, door: 'system', authority: Object.freeze([everything('the daemon')]), identity: () => identity };
}

function leaseStore(keys: KeyState): LeaseStore {
  return {
    load: () => keys.list('leases').map(({ value }) => JSON.parse(value) as Lease),
    save(lease) {
      keys.set('lease', 'last', String(lease.id));
      keys.set('leases', String(lease.id), JSON.stringify(lease));
    },
    last: () => Number(keys.get('lease', 'last') ?? 0),
    remove: id => keys.remove('leases', String(id)),
  };
}

function breakerStore(keys: KeyState): BreakerStore {
  return {
    resetAt: () => Number(keys.get('breaker', 'reset') ?? 0),
    load() {
      const text = keys.get('breaker', 'tripped');
      return text === undefined ? undefined : (JSON.parse(text) as Tripped);
    },
    trip: tripped => keys.set('breaker', 'tripped', JSON.stringify(tripped)),
    reset(at) {
      keys.set('breaker', 'reset', String(at));
      keys.remove('breaker', 'tripped');
    },
  };
}

function budgetState({ budget, breaker, now }: Policy, scope: Scope): BudgetState {
  const { layer, limit } = scope;
  // What was reached by all waits for somebody to reset it, whatever the clock says.
  const tripped = layer === 'global' && breaker.state !== undefined;
  return {
    layer,
    key: keyOf(scope),
    of: subjectOf(scope),
    off: isOff(scope),
    limit,
    used: budget.used(scope, now()),
    resets: tripped ? undefined : budget.resets(scope, now()),
  };
}

/** `changed` makes everybody look again: what was decided before may no longer hold. */
function policyControl(vfs: Vfs, config: () => Config, changed: () => void): PolicyControl {
  const { policy } = vfs;
  const { leases, breaker, namespace, budget, ledger, now } = policy;
  return {
    leases: {
      add(lease) {
        const made = leases.add(lease, now());
        changed();
        return made;
      },
      end(id) {
        const ended = leases.end(id, now());
        changed();
        return ended;
      },
      shut(path, whose) {
        const ended = leases.shut(path, whose, now());
        if (ended.length > 0) changed();
        return ended;
      },
      list: () => leases.list(now()),
    },
    breaker: {
      get tripped() {
        return breaker.state;
      },
      reset() {
        const global = globalScope(config().budgets);
        ledger.clear(keyOf(global));
        breaker.reset(now());
        budget.reset(global);
      },
    },
    mountAt: path => namespace.at(path),
    sees: (caller, path) => vfs.allows(caller, 'stat', path),
    budgets(caller, path) {
      const mount = namespace.at(path);
      const lease = mount.locked === true ? leases.find(caller, path, now()) : undefined;
      return policy.scopes(caller, path, mount, lease).map(scope => budgetState(policy, scope));
    },
    sharedBudgets(caller, agents) {
      const shared = sharedScopes(config().budgets, agents, namespace.all());
      const seen = shared.filter(({ path }) => vfs.allows(caller, 'stat', path));
      return seen.map(({ scope }) => budgetState(policy, scope));
    },
  };
}
