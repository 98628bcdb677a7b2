/** A subtree from a table of routes: `/:symbol/price` serves every path of that shape. */

import { isPromise, then } from '../core/maybe.ts';
import type { Entry, Maybe, Node, NodeKind, Op, Tree } from '../core/types.ts';
import { nextOf, page } from './page.ts';

/** The parameters that a route's text names: `/:a/x/:b` has `{a, b}`. `/*rest` takes all that is left. */
export type Params<R> = R extends `${infer Head}/${infer Tail}`
  ? Params<Head> & Params<Tail>
  : R extends `:${infer Name}` | `*${infer Name}`
    ? { readonly [K in Name]: string }
    : unknown;

/** What a route's functions receive: the operation, with the parameters on it. */
export type Args<P> = Op & P;

/** Gives the node for one path, or undefined where there is none. */
export interface Route<P> {
  /** `params` again by themselves, for operations that follow on the same node. */
  (args: Args<P>, params: P): Maybe<Node | undefined>;
  /** Known without asking, so that a listing needs no look-up per name. */
  readonly kind?: NodeKind;
}

type Routes<R> = { readonly [K in keyof R]: Route<Params<K>> };

interface Branch {
  readonly names: Map<string, Branch>;
  param: { readonly name: string; readonly branch: Branch } | undefined;
  rest: { readonly name: string; readonly route: Route<never> } | undefined;
  route: Route<never> | undefined;
}

/**
 * Makes a tree of the routes. A directory that no route names lists the fixed names below it. A fixed name wins over a
 * parameter, a parameter over `*rest`.
 */
export function tree<const R>(routes: R & Routes<R>): Tree {
  const root = grow(routes as Readonly<Record<string, Route<never>>>);
  return {
    node(rest, op) {
      const params: Record<string, string> = {};
      const branch = walk(root, rest, params);
      if (branch === undefined) return undefined;
      if (branch.route === undefined) return branch.names.size === 0 ? undefined : fixedDir(branch);
      const node = branch.route(withParams(op, params) as Args<never>, params as never);
      return isPromise(node) ? node.then(n => named(n, branch)) : named(node, branch);
    },
  };
}

/** The operation with the parameters set on it: it is made anew for each act, and nobody else has it. */
export function withParams<P extends object>(op: Op, params: P): Args<P> {
  return Object.assign(op, params);
}

function grow(routes: Readonly<Record<string, Route<never>>>): Branch {
  const root = newBranch();
  for (const [text, route] of Object.entries(routes)) {
    let at = root;
    let whole = false;
    for (const part of text.split('/')) {
      if (part === '') continue;
      if (part.startsWith('*')) {
        growRest(at, part.slice(1), route);
        whole = true;
        break;
      }
      at = part.startsWith(':') ? growParam(at, part.slice(1)) : growName(at, part);
    }
    if (!whole) at.route = route;
  }
  return root;
}

function growName(at: Branch, name: string): Branch {
  const known = at.names.get(name);
  if (known !== undefined) return known;
  const branch = newBranch();
  at.names.set(name, branch);
  return branch;
}

/** What an operation has already. */
const TAKEN: ReadonlySet<string> = new Set(['caller', 'verb', 'path', 'signal', 'meter', 'cancel', 'told']);

function growParam(at: Branch, name: string): Branch {
  checkParam(name, at.param?.name);
  at.param ??= { name, branch: newBranch() };
  return at.param.branch;
}

function growRest(at: Branch, name: string, route: Route<never>): void {
  checkParam(name, at.rest?.name);
  at.rest = { name, route };
}

/** One place has one name, or a route would be given its value under another's. */
function checkParam(name: string, known: string | undefined): void {
  if (TAKEN.has(name)) throw new TypeError(`a route cannot name a parameter "${name}": choose another name`);
  if (known === undefined || known === name) return;
  throw new TypeError(`one part of a path is "${known}" in one route and "${name}" in another: give it one name`);
}

function newBranch(): Branch {
  return { names: new Map(), param: undefined, rest: undefined, route: undefined };
}

function walk(root: Branch, rest: string, params: Record<string, string>): Branch | undefined {
  let at = root;
  let from = 0;
  while (from < rest.length) {
    const slash = rest.indexOf('/', from);
    const end = slash === -1 ? rest.length : slash;
    const name = rest.slice(from, end);
    const fixed = at.names.get(name);
    if (fixed !== undefined) {
      at = fixed;
    } else if (at.param !== undefined) {
      params[at.param.name] = name;
      at = at.param.branch;
    } else if (at.rest !== undefined) {
      params[at.rest.name] = rest.slice(from);
      return { ...newBranch(), route: at.rest.route };
    } else {
      return undefined;
    }
    from = end + 1;
  }
  return at;
}

function fixedDir(branch: Branch): Node {
  return { kind: 'dir', list: () => fixedEntries(branch) };
}

function fixedEntries(branch: Branch): Entry[] {
  return [...branch.names].map(([name, child]) => ({ name, kind: kindOf(child) }));
}

function kindOf(branch: Branch): NodeKind {
  return branch.route?.kind ?? (branch.names.size > 0 ? 'dir' : 'value');
}

/** Gives the names of a listing that came without a kind the kind of the route that serves them. */
function named(node: Node | undefined, branch: Branch): Node | undefined {
  if (node?.kind !== 'dir') return node;
  const list = node.list.bind(node);
  return {
    ...node,
    list: (op, cursor) =>
      then(list(op, cursor), entries => {
        const next = nextOf(entries);
        return next === undefined ? kinds(entries, branch) : page(kinds(entries, branch), next);
      }),
  };
}

function* kinds(entries: Iterable<Entry | string>, branch: Branch): Iterable<Entry> {
  for (const entry of entries) {
    if (typeof entry !== 'string') {
      yield entry;
    } else {
      const child = branch.names.get(entry) ?? branch.param?.branch;
      yield { name: entry, kind: child === undefined ? 'value' : kindOf(child) };
    }
  }
}
