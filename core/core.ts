/** Puts the core together: the gate, the tree over it, the hooks, the plugins, and what doors are given. */

import { compilePattern, everything, type Pattern } from './capabilities/grant.ts';
import { Leases } from './capabilities/lease.ts';
import { Budget, type Scope } from './cost/budget.ts';
import { Hooks } from './hooks.ts';
import { Namespace } from './namespace.ts';
import { Operations } from './operations.ts';
import { Plugins } from './plugins.ts';
import type { Aos, Authority, Caller, Config, DoorApi, Limit, Log, Millis, Path, State } from './types.ts';
import { Vfs } from './vfs.ts';

export interface CoreOptions {
  /** Who runs the daemon: owns what has no other owner, and may do everything unless the configuration says less. */
  readonly owner: { readonly uid: number; readonly gid: number };
  readonly state: State;
  readonly config: Config;
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
  door(name: string): DoorApi;
}

export function createCore(options: CoreOptions): Core {
  const { config, now, state } = options;
  const hooks = new Hooks(options.log('core'));
  const namespace = new Namespace();
  const budget = new Budget();
  const scopes = scopesBy(config);
  restoreWindows(budget, config, state, now());
  const vfs = new Vfs({ namespace, leases: new Leases(), budget, hooks, ledger: state.ledger, scopes, now });
  const aos = new Operations(vfs, { ...options.owner, born: now() });
  const self = systemCaller(options.owner);
  const listeners = new Set<(path: Path) => void>();
  const narrowed = new Set<() => void>();
  const plugins = new Plugins({
    hooks,
    aos,
    self,
    state,
    config,
    now,
    log: options.log,
    dir: options.dir,
    mount: point => {
      const unmount = namespace.add(point);
      vfs.policyChanged();
      return () => {
        unmount();
        vfs.policyChanged();
        for (const tell of narrowed) tell();
      };
    },
    changed: path => {
      for (const tell of listeners) tell(path);
    },
  });
  const authorityOf = authorities(config, options.owner.uid);
  const door = (name: string): DoorApi => ({
    aos,
    log: options.log(name),
    now,
    authorityOf,
    onChanged: fn => subscribe(listeners, fn),
    onNarrowed: fn => subscribe(narrowed, fn),
  });
  return { aos, vfs, plugins, hooks, self, door };
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

/** Each uid's configured set. Unless configured, the owner and root may do everything and nobody else anything. */
function authorities(config: Config, owner: number): (uid: number) => Authority {
  const known = new Map<number, Authority>();
  return uid => {
    let authority = known.get(uid);
    if (authority === undefined) {
      const grants = config.grants[String(uid)];
      const name = `uid ${uid}`;
      if (grants !== undefined) authority = Object.freeze([Object.freeze({ name, grants })]);
      else authority = Object.freeze(uid === owner || uid === 0 ? [everything(name)] : []);
      known.set(uid, authority);
    }
    return authority;
  };
}

function scopesBy(config: Config): (caller: Caller, path: Path) => Scope[] {
  const subtrees = Object.entries(config.budgets.subtree).map(([text, limit]) => ({
    pattern: compilePattern(text),
    limit,
  }));
  return (caller, path) => {
    const { pid, session, uid, global } = config.budgets;
    return [
      ...(caller.run === undefined ? processScopes(caller, pid, session) : []),
      { key: `uid:${caller.uid}`, layer: 'uid', limit: uid },
      ...subtreeScopes(subtrees, path),
      { key: 'global', layer: 'global', limit: global },
    ];
  };
}

/** A run is no POSIX process: it has a budget of its own instead. */
function processScopes(caller: Caller, pid: Limit, session: Limit): Scope[] {
  const who = caller.identity();
  return [
    { key: `pid:${who.pid}:${who.startTime}`, layer: 'pid', limit: pid },
    { key: `session:${who.sid}`, layer: 'session', limit: session },
  ];
}

function subtreeScopes(subtrees: readonly { pattern: Pattern; limit: Limit }[], path: Path): Scope[] {
  return subtrees
    .filter(subtree => subtree.pattern.matches(path))
    .map(({ pattern, limit }) => ({ key: `subtree:${pattern.text}`, layer: 'subtree', limit }));
}

/** Money spent shortly before a restart still counts. */
function restoreWindows(budget: Budget, config: Config, state: State, now: Millis): void {
  const { pid, session, uid, global, subtree } = config.budgets;
  const layers: Readonly<Record<string, Limit>> = { pid, session, uid, global };
  const longest = Math.max(...Object.values({ ...layers, ...subtree }).map(limit => limit.per));
  for (const entry of state.ledger.since(now - longest)) {
    for (const key of entry.scopes) {
      const layer = key.split(':', 1)[0] ?? '';
      const limit = layer === 'subtree' ? subtree[key.slice('subtree:'.length)] : layers[layer];
      if (limit !== undefined && limit.per > 0) budget.restore(key, limit, entry.micros, entry.at);
    }
  }
}
