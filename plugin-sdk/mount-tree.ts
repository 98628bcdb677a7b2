/** What the core is given of a mount: the plugin's tree with `.aos/` in it, paid for, cached, in pages, and guarded. */

import { AosError } from '../core/errors.ts';
import { isPromise, then } from '../core/maybe.ts';
import { parsePath } from '../core/path.ts';
import type { Entry, Maybe, Micros, Millis, MountPoint, Node, Op, Path, PluginApi, Verb } from '../core/types.ts';
import type { Costs, Served } from './mount.ts';
import { Accounts, CHANGES } from './mount-accounts.ts';
import type { Further } from './mount-further.ts';
import { withoutGaps } from './mount-gaps.ts';
import type { Guard } from './mount-guard.ts';
import { type Around, surround } from './mount-nodes.ts';
import { dirOfMore, Pages } from './mount-pages.ts';
import type { Secrets } from './mount-secrets.ts';
import { AOS, aosNode, INDEX, linesOf, type Mishaps } from './mount-state.ts';

export interface TreeParts {
  readonly name: string;
  readonly served: Served;
  readonly costs: Costs;
  readonly writable: boolean;
  readonly allowDelete: boolean;
  readonly ttl: Millis;
  readonly path: Path;
  readonly api: PluginApi;
  readonly further: Further;
  readonly guard: Guard;
  readonly mishaps: Mishaps;
  readonly secrets: Secrets;
}

type Point = Required<Pick<MountPoint, 'tree' | 'open' | 'price' | 'leadsTo'>>;

export function servedTree(parts: TreeParts): Point {
  const { served, writable, further, guard, api, path } = parts;
  const now = (): Millis => api.now();
  const accounts = served.price === undefined ? new Accounts({ ...parts, now }) : undefined;
  const pages = new Pages(parts.name, now);
  const facts = (): object => (served.cache === undefined ? (accounts?.state() ?? {}) : served.cache());
  const state = { ...parts, cache: () => guard.quiet(path, () => parts.secrets.hide(linesOf(facts()))) };
  const innerNode = (rest: string, op: Op, asked = rest): Maybe<Node | undefined> =>
    then(
      guard.run(op, own => served.tree.node(rest, own)),
      node => {
        if (node === undefined) return undefined;
        refuseChange(parts, node, op);
        const guarded = surround(node, op, aroundAt(parts, accounts, rest, asked), writable);
        if (guarded.kind !== 'dir') return guarded;
        return pages.cut(rest, writable ? withoutGaps(guarded, parts.name, written(rest)) : guarded);
      },
    );
  /** What is written is the node that the plugin has for its name, whether anything is there yet or not. */
  const written =
    (rest: string) =>
    (op: Op, name: string): Maybe<Node | undefined> => {
      // What it inherits is the operation's own.
      const writing: Op = Object.create(op, { verb: { value: 'write' } });
      return innerNode(rest === '' ? name : `${rest}/${name}`, writing);
    };
  const top = (op: Op): Maybe<Node | undefined> =>
    then(innerNode('', op), node =>
      node?.kind === 'dir' ? { ...node, list: (own, cursor) => listTop(parts, pages, own, cursor) } : node,
    );
  const costOf = (verb: Verb, rest: string, request: unknown): Micros =>
    served.price?.(verb, rest, request) ??
    accounts?.price(verb, rest, typeof request === 'string' ? request : undefined) ??
    0;
  return {
    tree: {
      node(rest, op) {
        const again = further.node(op);
        if (again !== undefined) return again;
        const cutDir = dirOfMore(rest);
        if (cutDir !== undefined) return pages.file(cutDir, op);
        if (rest === '') return top(op);
        if (rest === INDEX) return innerNode('', op, rest);
        if (rest === AOS || rest.startsWith(`${AOS}/`)) return aosNode(rest.slice(AOS.length + 1), state);
        return innerNode(rest, op);
      },
    },
    open: (rest, verb) => isLocal(parts, rest, verb),
    leadsTo: (rest, verb) => (rest === '' && verb === 'list' ? parsePath(`${path}/${INDEX}`) : undefined),
    price: (verb, rest, request) => {
      if (isLocal(parts, rest, verb) || (!writable && CHANGES.has(verb) && verb !== 'write')) return 0;
      if (further.cost !== undefined) return further.cost;
      const at = rest === INDEX ? '' : rest;
      if (verb !== 'list') return guard.quiet(path, () => costOf(verb, at, request));
      const place = pages.place(at, request);
      // A cursor that is none is refused by the listing, which asks nobody then.
      return place === undefined ? 0 : guard.quiet(path, () => costOf(verb, at, place.from));
    },
  };
}

/** What stands around the node at `rest`, which was asked for as `asked`. */
function aroundAt(parts: TreeParts, accounts: Accounts | undefined, rest: string, asked: string): Around {
  const { guard } = parts;
  return {
    act: (op, fn, act, undo) => {
      const paid = accounts !== undefined && act.verb !== undefined && !isLocal(parts, asked, act.verb);
      return guard.run(op, paid ? own => accounts.act(rest, own, fn, act) : fn, undo);
    },
    now: (op, fn) => guard.now(op, fn),
  };
}

/** What is answered without a lease: the mount's own directory, `.aos/`, `.more.json`, and what the plugin knows by itself. */
function isLocal({ served, guard, path }: TreeParts, rest: string, verb: Verb): boolean {
  if (rest === '') return !CHANGES.has(verb) && verb !== 'call';
  if (rest === INDEX) return false;
  if (rest === AOS || rest.startsWith(`${AOS}/`)) return true;
  if (dirOfMore(rest) !== undefined && (verb === 'stat' || verb === 'read')) return true;
  return guard.quiet(path, () => served.local?.(rest, verb) ?? false);
}

/**
 * The top: what is fixed, and what the service lists where the caller may ask it. The asking is an operation of its own, so
 * that it needs a lease and is paid for while a locked mount can still be looked at.
 */
function listTop(parts: TreeParts, pages: Pages, op: Op, cursor: string | undefined): Maybe<Entry[]> {
  const { api, path } = parts;
  const { caller, cancel } = op;
  const local: Entry[] = [{ name: AOS, kind: 'dir' }, ...(parts.served.fixed ?? [])];
  const known = new Set(local.map(entry => entry.name));
  const unknown = (entries: readonly Entry[]): Entry[] => entries.filter(({ name }) => !known.has(name));
  const index = parsePath(`${path}/${INDEX}`);
  if (cursor !== undefined) return then(api.aos.list(caller, index, cancel, cursor), unknown);
  const asked = api.aos.explain(caller, 'list', index);
  const may = asked.steps.every(({ step, allowed }) => allowed || step === 'reserve');
  if (!may) return [...local, ...pages.known('', op)];
  const ask = (): Maybe<Entry[]> =>
    then(api.aos.list(caller, index, cancel), entries => [...local, ...unknown(entries)]);
  return orLocal(path, ask, local);
}

/** A service that has no listing there leaves what is fixed. */
function orLocal(path: Path, ask: () => Maybe<Entry[]>, local: Entry[]): Maybe<Entry[]> {
  const unlisted = (error: unknown): Entry[] => {
    if (!(error instanceof AosError)) throw error;
    if (UNLISTED.has(error.kind)) return local;
    throw new AosError(error.kind, { ...error, path, cause: error });
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
  if (dirOfMore(op.path) !== undefined) {
    throw refuse('not_permitted', 'the mount keeps it itself', 'leave it; it goes with the next whole listing');
  }
}
