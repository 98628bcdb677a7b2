/** One function for each kind of file, for use in a `tree`. Leave a verb out and the core answers for it. */

import { then } from '../core/maybe.ts';
import type { Attr, DirNode, Entry, LogSource, Maybe, MessageNode, Node, NodeKind, Op } from '../core/types.ts';
import { type Args, type Route, withParams } from './tree.ts';

type Listed = Entry | string;

interface Common<P> {
  /** Whether there is such a path at all; true where left out. */
  readonly exists?: (args: Args<P>) => Maybe<boolean>;
  readonly attr?: (args: Args<P>) => Attr;
  readonly call?: (args: Args<P>, request: unknown) => Maybe<unknown>;
}

/**
 * A directory. Names may be given without a kind where a route of the same tree serves them. In a mount, a listing that is
 * fetched in parts answers with a `page`, and is given its `next` again as `cursor` when somebody goes on.
 */
export function dir<P>(
  list: (args: Args<P>, cursor?: string) => Maybe<Iterable<Listed>>,
  more: Common<P> = {},
): Route<P> {
  return route('dir', more, (base, again) => ({
    ...base,
    kind: 'dir',
    // The router turns bare names into entries before the core sees them.
    list: ((op, cursor) => list(again(op), cursor)) as DirNode['list'],
  }));
}

interface ValueVerbs<P> extends Common<P> {
  readonly read?: (args: Args<P>) => Maybe<string | Uint8Array>;
  /** Refuses early what no further line can mend: the text so far, without its last newline. */
  readonly check?: (args: Args<P>, text: string) => Maybe<void>;
  /** The text that was written, without its last newline. */
  readonly write?: (args: Args<P>, text: string) => Maybe<unknown>;
}

/** A value that is at hand: cheap and free to read, so its size is true. */
export function value<P>(verbs: ValueVerbs<P>): Route<P> {
  return valueRoute(verbs, true);
}

/** A value that has to be fetched: read only when it is opened; `stat` says size 0. */
export function file<P>(verbs: ValueVerbs<P>): Route<P> {
  return valueRoute(verbs, false);
}

function valueRoute<P>(verbs: ValueVerbs<P>, local: boolean): Route<P> {
  const { read, write, check } = verbs;
  return route('value', verbs, (base, again) => ({
    ...base,
    kind: 'value',
    local,
    ...(read && { read: (op: Op) => read(again(op)) }),
    ...(check && { check: (op: Op, body: Uint8Array) => check(again(op), textOf(body)) }),
    ...(write && { write: (op: Op, body: Uint8Array) => write(again(op), textOf(body)) }),
  }));
}

/** Text that grows. `source` may say there is none. */
export function log<P>(source: (args: Args<P>) => LogSource | undefined, more: Common<P> = {}): Route<P> {
  return route('log', more, (base, again, op) => {
    const found = source(again(op));
    return found && { ...base, kind: 'log', source: found };
  });
}

interface MessageVerbs<P> extends Common<P> {
  /** Refuses early, by throwing: a full queue, an agent in error. */
  readonly accept?: (args: Args<P>) => void;
  readonly hold?: (args: Args<P>) => () => void;
  /** Refuses early what nothing more can mend: the text so far, without its last newline; `line` says that it had one. */
  readonly check?: (args: Args<P>, text: string, line: boolean) => Maybe<void>;
  readonly commit: (args: Args<P>, text: string) => Maybe<unknown>;
  readonly limit?: number;
}

/** Write-only: one open, one message. */
export function message<P>(verbs: MessageVerbs<P>): Route<P> {
  const { accept, hold, check, limit } = verbs;
  return route('message', verbs, (base, again) => {
    const node: MessageNode = {
      ...base,
      kind: 'message',
      ...(accept && { accept: (op: Op) => accept(again(op)) }),
      ...(hold && { hold: (op: Op) => hold(again(op)) }),
      ...(check && { check: (op: Op, body: Uint8Array, line: boolean) => check(again(op), textOf(body), line) }),
      ...(limit !== undefined && { limit }),
      commit: (op, body) => verbs.commit(again(op), textOf(body)),
    };
    return node;
  });
}

interface CallVerbs<P> extends Common<P> {
  /** Refuses early what no further line can mend: the text so far, without its last newline. */
  readonly check?: (args: Args<P>, text: string) => Maybe<void>;
}

/** Write a request, read the reply, on the same handle. */
export function callable<P>(
  reply: (args: Args<P>, request: string) => Maybe<string | Uint8Array>,
  more: CallVerbs<P> = {},
): Route<P> {
  const { check } = more;
  return route('call', more, (base, again) => ({
    ...base,
    kind: 'call',
    ...(check && { check: (op: Op, request: Uint8Array) => check(again(op), textOf(request)) }),
    reply: (op: Op, request: Uint8Array) => reply(again(op), textOf(request)),
  }));
}

/** A symbolic link; undefined where there is none now. */
export function link<P>(target: (args: Args<P>) => Maybe<string | undefined>, more: Common<P> = {}): Route<P> {
  return route('link', more, (base, again, op) =>
    then(target(again(op)), to => (to === undefined ? undefined : { ...base, kind: 'link', target: to })),
  );
}

interface Base {
  readonly attr?: Attr;
  readonly call?: (op: Op, request: unknown) => Maybe<unknown>;
}

type Build<P> = (base: Base, again: (op: Op) => Args<P>, op: Op) => Maybe<Node | undefined>;

/** What all kinds share: existence, attributes, `call`, and each later operation seen with the same parameters. */
function route<P>(kind: NodeKind, common: Common<P>, build: Build<P>): Route<P> {
  const { exists, attr, call } = common;
  const make = (args: Args<P>, params: P): Maybe<Node | undefined> => {
    // A route's parameters are always an object of names.
    const again = (op: Op): Args<P> => withParams(op, params as object) as Args<P>;
    const base: Base = {
      ...(attr && { attr: attr(args) }),
      ...(call && { call: (op: Op, request: unknown) => call(again(op), request) }),
    };
    return build(base, again, args);
  };
  const serve = exists
    ? (args: Args<P>, params: P) => then(exists(args), there => (there ? make(args, params) : undefined))
    : make;
  return Object.assign(serve, { kind });
}

const decoder = new TextDecoder();

/** What was written, as text; `echo` adds a newline that nobody means. */
export function textOf(body: Uint8Array): string {
  const text = decoder.decode(body);
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}
