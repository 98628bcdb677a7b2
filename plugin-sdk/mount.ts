/**
 * External mounts. A mount is one value made by `defineMount`: its options, what its operations cost, and a function that
 * opens a tree. The rest is the same for every mount and lives here: read-only unless told otherwise, `.aos/`, the cache,
 * the price, what stays open under the lock.
 */

import { then } from '../core/maybe.ts';
import type {
  Caller,
  Entry,
  Limit,
  Log,
  Maybe,
  Micros,
  Millis,
  MountPoint,
  Op,
  Path,
  PluginApi,
  Tree,
  Verb,
} from '../core/types.ts';
import { type ApiOptions, httpApi, type WebApi } from './http-api.ts';
import { Further } from './mount-further.ts';
import { Guard } from './mount-guard.ts';
import { Secrets } from './mount-secrets.ts';
import { isLocked, Mishaps } from './mount-state.ts';
import { servedTree } from './mount-tree.ts';
import {
  describeOptions,
  dollars,
  duration,
  flag,
  type Given,
  limit,
  type OptionInfo,
  type Options,
  readOptions,
  secretsIn,
  type Values,
} from './option.ts';

/** What one operation costs at most, by verb. A verb left out is free. */
export type Costs = Readonly<Partial<Record<Verb, Micros>>>;

export interface MountDefinition<O extends Options> {
  /** What is typed after `aos mount`. */
  readonly name: string;
  /** One sentence. */
  readonly help: string;
  /** What else a user needs to know; follows the options in the help. */
  readonly notes?: string;
  readonly options: O;
  /** Of each call to the outside. The verbs given here are paid for one by one; `--price` replaces each. */
  readonly cost?: Costs;
  /**
   * How many times `--timeout` one operation may take: 1 where left out. More is for a plugin that keeps the deadline of each
   * request by itself, and makes several in turn.
   */
  readonly patience?: number;
  /**
   * Opens the mount. Touches nothing outside: that is for the operations, which are paid for. Gives a tree, or with it what
   * the tree alone cannot say.
   */
  open(values: Values<O>, tools: MountTools): Maybe<Tree | Served>;
}

/** A tree that accounts for itself. */
export interface Served {
  readonly tree: Tree;
  /**
   * The most one operation can cost. Pure. With it the tree reports each call that went out with `op.meter.spend`. `request` is
   * what is called with; of a listing, the `next` of the page that it goes on from.
   */
  readonly price?: (verb: Verb, rest: string, request: unknown) => Micros;
  /** Answered without a lease, beside the mount's own directory and `.aos/`. */
  readonly local?: (rest: string, verb: Verb) => boolean;
  /** Names at the top that are known without asking. */
  readonly fixed?: readonly Entry[];
  /** One line for each fact about the cache, for `.aos/cache`. */
  cache?(): Readonly<Record<string, unknown>>;
  close?(): void;
}

/** What `open` is given beside its options. */
export interface MountTools {
  /** Where the mount is. */
  readonly path: Path;
  readonly api: PluginApi;
  readonly log: Log;
  now(): Millis;
  readonly writable: boolean;
  readonly allowDelete: boolean;
  readonly price: Micros;
  /** How long an answer is kept; 0: not at all. */
  readonly ttl: Millis;
  /** How long the service may take. */
  readonly timeout: Millis;
  /**
   * For a tree that accounts for itself: runs `act`, one further request of a read or a listing (a redirect, a repetition), as
   * an operation of its own, which is reserved for at `price`. Throws what the gate refuses it with.
   */
  again<T>(op: Op, act: (op: Op) => Promise<T>): Promise<T>;
  /** A client for a web service: bounded, with a deadline, and with errors that name what happened. */
  http(base: string, options?: ApiOptions): WebApi;
}

/** A kind of mount, as the daemon knows it. */
export interface MountType {
  readonly name: string;
  readonly help: string;
  readonly notes: string | undefined;
  /** With those that every mount takes. */
  readonly options: Options;
  /** Checks the options and opens the mount. Throws `usage` or `invalid` for an option. */
  make(given: Given, path: Path, api: PluginApi): Maybe<MadeMount>;
}

/** An open mount, ready to be served. */
export interface MadeMount {
  readonly point: Omit<MountPoint, 'component'>;
  readonly writable: boolean;
  /** Whether the caller has no lease there. */
  isLocked(caller: Caller): boolean;
  /** Lets go of what it holds. */
  close(): void;
}

const HOUR: Millis = 3_600_000;

/** What every mount takes. */
function common(price: string) {
  return {
    writable: flag('Allow changes; without it the mount is read-only.'),
    allowDelete: flag('Allow removing, on a writable mount.'),
    price: dollars('What one call to the outside costs, in dollars.', { standard: price }),
    ttl: duration('How long an answer is kept; 0: not at all.', { standard: '60s', zero: true }),
    timeout: duration('How long the service may take; an hour at most.', { standard: '10s', most: HOUR }),
    limit: limit('What may be spent here by everyone together, such as 5/24h.'),
  };
}

type Common = Values<ReturnType<typeof common>>;

/** Declares a kind of mount. The value is what a custom mount's file exports as its default. */
export function defineMount<const O extends Options>(definition: MountDefinition<O>): MountType {
  const { name, help, notes, cost = {} } = definition;
  const shared = common(String(Math.max(0, ...Object.values(cost)) / 1e6));
  const clash = Object.keys(shared).find(option => option in definition.options);
  if (clash !== undefined) throw new TypeError(`every mount has an option "${clash}": choose another name`);
  return Object.freeze({
    name,
    help,
    notes,
    options: { ...definition.options, ...shared },
    make(given, path, api) {
      const [own, rest] = split(given, definition.options);
      const set = readOptions(name, shared, rest);
      const values = readOptions(name, definition.options, own);
      const priced = given.price !== undefined;
      const watch = watchFor(definition, set, own, api);
      const further = new Further(api, set.price, watch.guard);
      const tools = toolsFor(name, set, path, { ...api, log: watch.secrets.log(api.log) }, further);
      const open = (): Maybe<Served> => then(definition.open(values, tools), servedBy);
      const opened = watch.guard.opening(path, open, late => late.close?.());
      return then(opened, served => made(definition, set, priced, served, { ...watch, path, api, further }));
    },
  } satisfies MountType);
}

/** What watches over a mount: its deadline, its secrets, and what went wrong. */
interface Watch {
  readonly guard: Guard;
  readonly secrets: Secrets;
  readonly mishaps: Mishaps;
}

function watchFor<O extends Options>(definition: MountDefinition<O>, set: Common, own: Given, api: PluginApi): Watch {
  const { name, options, patience = 1 } = definition;
  const secrets = new Secrets(secretsIn(options, own));
  const mishaps = new Mishaps(() => api.now());
  return { secrets, mishaps, guard: new Guard({ name, timeout: set.timeout * patience, secrets, mishaps }) };
}

/** What every mount takes is checked apart from the mount's own; an unknown name is one of its own. */
function split(given: Given, own: Options): [Given, Given] {
  const shared = new Set(describeOptions('', common('0')).flatMap(({ name }) => [name, camel(name)]));
  const entries = Object.entries(given);
  const isShared = (name: string): boolean => shared.has(name) && !(name in own);
  return [
    Object.fromEntries(entries.filter(([name]) => !isShared(name))),
    Object.fromEntries(entries.filter(([name]) => isShared(name))),
  ];
}

function camel(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function toolsFor(name: string, set: Common, path: Path, api: PluginApi, further: Further): MountTools {
  return {
    path,
    api,
    log: api.log,
    now: () => api.now(),
    writable: set.writable,
    allowDelete: set.allowDelete,
    price: set.price,
    ttl: set.ttl,
    timeout: set.timeout,
    again: (op, act) => further.again(op, act),
    http: (base, options = {}) => httpApi({ component: name, base, timeout: set.timeout, ...options }),
  };
}

function servedBy(opened: Tree | Served): Served {
  return 'tree' in opened ? opened : { tree: opened };
}

function made<O extends Options>(
  definition: MountDefinition<O>,
  set: Common,
  priced: boolean,
  served: Served,
  parts: Watch & { readonly path: Path; readonly api: PluginApi; readonly further: Further },
): MadeMount {
  const { path, api, guard } = parts;
  const costs = definition.cost ?? {};
  const { writable, allowDelete, ttl, price } = set;
  const tree = servedTree({
    ...parts,
    name: definition.name,
    served,
    costs: priced ? repriced(costs, price) : costs,
    writable,
    allowDelete,
    ttl,
  });
  return {
    writable,
    isLocked: caller => isLocked(api, path, caller),
    close: () => guard.quiet(path, () => served.close?.()),
    point: { path, locked: true, ...tree, ...limited(set.limit) },
  };
}

function limited(of: Limit | undefined): { limit?: Limit } {
  return of === undefined ? {} : { limit: of };
}

const ALL: readonly Verb[] = ['list', 'read', 'write', 'create', 'remove', 'call'];

/** `--price` replaces each cost that the plugin declares; where it declares none, it holds for everything but `stat`. */
function repriced(costs: Costs, price: Micros): Costs {
  const verbs = Object.keys(costs).length === 0 ? ALL : ALL.filter(verb => (costs[verb] ?? 0) > 0);
  return Object.fromEntries(verbs.map(verb => [verb, price]));
}

/** What a type says of itself: for help, flags and `aos plugins`. */
export interface MountTypeInfo {
  readonly name: string;
  readonly help: string;
  readonly notes: string | null;
  readonly options: readonly OptionInfo[];
}

export function describeMount(type: MountType): MountTypeInfo {
  const { name, help, notes } = type;
  return { name, help, notes: notes ?? null, options: describeOptions(name, type.options) };
}

/** Whether a module's default export is a kind of mount. */
export function isMountType(value: unknown): value is MountType {
  return (
    typeof value === 'object' &&
    value !== null &&
    'make' in value &&
    typeof value.make === 'function' &&
    'name' in value &&
    typeof value.name === 'string' &&
    'options' in value
  );
}
