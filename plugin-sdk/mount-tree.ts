/** What the core is given of a mount: the plugin's tree with `.aos/` in it, paid for, cached, and guarded. */

import { AosError } from '../core/errors.ts';
import { isPromise, then } from '../core/maybe.ts';
import { parsePath } from '../core/path.ts';
import type { Entry, Maybe, Micros, Millis, MountPoint, Node, Op, Path, PluginApi, Verb } from '../core/types.ts';
import { Cache } from './cache.ts';
import type { Costs, Served } from './mount.ts';
import { type Around, surround, withoutWrites } from './mount-nodes.ts';
import { AOS, aosNode, INDEX, Mishaps } from './mount-state.ts';

export interface TreeParts {
  readonly name: string;
  readonly served: Served;
  readonly costs: Costs;
  readonly writable: boolean;
  readonly allowDelete: boolean;
  readonly ttl: Millis;
  readonly path: Path;
  readonly api: PluginApi;
}

type Point = Required<Pick<MountPoint, 'tree' | 'open' | 'price'>>;

const CHANGES: ReadonlySet<Verb> = new Set(['write', 'create', 'remove']);

export function servedTree(parts: TreeParts): Point {
  const { served, writable } = parts;
  const cache = new Cache<unknown>();
  const accounts = served.price === undefined ? accountFor(parts, cache) : undefined;
  const mishaps = new Mishaps(() => parts.api.now());
  const watch: Around = (op, fn) => mishaps.watch(op, fn);
  const state = {
    ...parts,
    mishaps,
    cache: () => served.cache?.() ?? cache.state(),
    forget: () => (served.forget ?? (() => cache.clear()))(),
  };
  const innerNode = (rest: string, op: Op): Maybe<Node | undefined> =>
    mishaps.watch(op, () =>
      then(served.tree.node(rest, op), node => {
        if (node === undefined) return undefined;
        refuseChange(parts, node, op);
        const paid = accounts === undefined ? node : surround(node, accounts.around(rest));
        return surround(writable ? paid : withoutWrites(paid), watch);
      }),
    );
  const top = (op: Op): Maybe<Node | undefined> =>
    then(innerNode('', op), node => (node?.kind === 'dir' ? { ...node, list: asked => listTop(parts, asked) } : node));
  return {
    tree: {
      node(rest, op) {
        if (rest === '') return top(op);
        if (rest === INDEX) return innerNode('', op);
        if (rest === AOS || rest.startsWith(`${AOS}/`)) return aosNode(rest.slice(AOS.length + 1), state);
        return innerNode(rest, op);
      },
    },
    open: (rest, verb) => isLocal(served, rest, verb),
    price: (verb, rest, request) => {
      if (isLocal(served, rest, verb) || (!writable && CHANGES.has(verb) && verb !== 'write')) return 0;
      const at = rest === INDEX ? '' : rest;
      return served.price?.(verb, at, request) ?? accounts?.price(verb, at) ?? 0;
    },
  };
}

/** What is answered without a lease: the mount's own directory, `.aos/`, and what the plugin knows by itself. */
function isLocal(served: Served, rest: string, verb: Verb): boolean {
  if (rest === '') return !CHANGES.has(verb) && verb !== 'call';
  if (rest === INDEX) return false;
  if (rest === AOS || rest.startsWith(`${AOS}/`)) return true;
  return served.local?.(rest, verb) ?? false;
}

/**
 * The top: what is fixed, and what the service lists where the caller may ask it. The asking is an operation of its own, so
 * that it needs a lease and is paid for while a locked mount can still be looked at.
 */
function listTop(parts: TreeParts, op: Op): Maybe<Entry[]> {
  const { api, path } = parts;
  const local: Entry[] = [{ name: AOS, kind: 'dir' }, ...(parts.served.fixed ?? [])];
  const index = parsePath(`${path}/${INDEX}`);
  const asked = api.aos.explain(op.caller, 'list', index);
  const may = asked.steps.every(({ step, allowed }) => allowed || step === 'reserve');
  if (!may) return local;
  const known = new Set(local.map(entry => entry.name));
  const merge = (entries: readonly Entry[]): Entry[] => [...local, ...entries.filter(({ name }) => !known.has(name))];
  return orLocal(() => then(api.aos.list(op.caller, index), merge), local);
}

/** A service that has no listing there leaves what is fixed. */
function orLocal(ask: () => Maybe<Entry[]>, local: Entry[]): Maybe<Entry[]> {
  const unlisted = (error: unknown): Entry[] => {
    if (error instanceof AosError && UNLISTED.has(error.kind)) return local;
    throw error;
  };
  try {
    const found = ask();
    return isPromise(found) ? found.catch(unlisted) : found;
  } catch (error) {
    return unlisted(error);
  }
}

const UNLISTED: ReadonlySet<string> = new Set(['not_dir', 'not_found', 'not_readable', 'unsupported']);

/** Read-only, and without `--allow-delete`: said before anything is sent, and with what to do about it. */
function refuseChange({ name, writable, allowDelete }: TreeParts, node: Node, op: Op): void {
  if (!CHANGES.has(op.verb) || (op.verb === 'write' && node.kind === 'call')) return;
  const refuse = (kind: 'read_only' | 'not_permitted', why: string, remedy: string): AosError =>
    new AosError(kind, { component: name, path: op.path, why, remedy });
  if (!writable) throw refuse('read_only', 'it is mounted read-only', 'mount it again with --writable');
  if (op.verb === 'remove' && !allowDelete) {
    throw refuse('not_permitted', 'nothing is removed here', 'mount it again with --allow-delete');
  }
}

interface Accounts {
  price(verb: Verb, rest: string): Micros;
  around(rest: string): Around;
}

/** Pays what each verb costs when its act begins, and keeps what was read for a while. */
function accountFor({ costs, ttl, api }: TreeParts, cache: Cache<unknown>): Accounts {
  const keyOf = (verb: Verb, rest: string): string => `${verb} ${rest}`;
  const fresh = (verb: Verb, rest: string): unknown => cache.fresh(keyOf(verb, rest), api.now());
  const keep = (key: string, value: unknown): void => {
    if (ttl > 0) cache.put(key, value, sizeOf(value), api.now() + ttl);
  };
  return {
    price: (verb, rest) => (fresh(verb, rest) === undefined ? (costs[verb] ?? 0) : 0),
    around: rest => (op, fn, cached) => {
      const cost = costs[op.verb] ?? 0;
      if (!cached || (op.verb !== 'read' && op.verb !== 'list')) {
        op.meter.spend(cost);
        if (CHANGES.has(op.verb)) forgetAt(cache, rest);
        return then(fn(), value => {
          if (CHANGES.has(op.verb)) forgetAt(cache, rest);
          return value;
        });
      }
      const key = keyOf(op.verb, rest);
      // What was fresh when the price was asked is given, even if it has just expired: nothing was reserved for more.
      const known = cache.take(key, api.now()) ?? (op.meter.max < cost ? cache.peek(key) : undefined);
      // Only answers of this same act were kept under its key.
      if (known !== undefined) return known as ReturnType<typeof fn>;
      op.meter.spend(cost);
      return then(fn(), value => {
        keep(key, value);
        return value;
      });
    },
  };
}

/** What was written to, what is below it, and the listings that name it. */
function forgetAt(cache: Cache<unknown>, rest: string): void {
  const parent = rest.slice(0, Math.max(0, rest.lastIndexOf('/')));
  cache.forgetIf(key => {
    const at = key.slice(key.indexOf(' ') + 1);
    return at === rest || at.startsWith(`${rest}/`) || at === parent;
  });
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length;
  return Array.isArray(value) ? value.length * 64 : 64;
}
