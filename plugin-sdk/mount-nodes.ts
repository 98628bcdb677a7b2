/** Puts something around every function of a node that a plugin serves: the guard, and the accounts. */

import { then } from '../core/maybe.ts';
import type { Field, FileBody, LogSource, Maybe, Node, NodeKind, Op, Verb, Xattrs } from '../core/types.ts';
import { nextOf, page } from './page.ts';

/** What a function of a node is to whoever stands around it. */
export interface Act {
  /** What it is paid for as; left out: free. */
  readonly verb?: Verb;
  /** Its answer may be kept. */
  readonly kept?: true;
  /** Where a listing goes on from. */
  readonly cursor?: string | undefined;
  /** A part of the file is meant, and not the whole. */
  readonly field?: string;
}

export interface Around {
  /** `undo` is given an answer that came too late. */
  act<T>(op: Op, fn: (op: Op) => Maybe<T>, act: Act, undo?: (late: T) => void): Maybe<T>;
  /** What answers at once, for nothing. */
  now<T>(op: Op, fn: () => T): T;
}

interface How extends Act {
  /** Left out in a mount that is read-only, so that the node's mode says so. */
  readonly changes?: true;
  /** Paid for as the operation's own verb. */
  readonly asked?: true;
}

type Of<K extends NodeKind> = Extract<Node, { kind: K }>;
/** The names of a node's functions. */
type Functions<N> = { [K in keyof N]-?: NonNullable<N[K]> extends (...args: never[]) => unknown ? K : never }[keyof N];

const FREE: How = {};
const READ: How = { verb: 'read', kept: true };
const WRITE: How = { verb: 'write', changes: true };
const CREATE: How = { verb: 'create', changes: true };
const REMOVE: How = { verb: 'remove', changes: true };
const EVERY = { call: { verb: 'call' }, change: WRITE } as const;

/** Every function of every kind of node: the compiler finds one that is missing. */
const FUNCTIONS: { readonly [K in NodeKind]: Readonly<Record<Functions<Of<K>>, How>> } = {
  dir: {
    ...EVERY,
    list: { verb: 'list', kept: true },
    makeFile: CREATE,
    makeValue: CREATE,
    makeDir: CREATE,
    makeLink: CREATE,
    makeHardLink: CREATE,
    remove: REMOVE,
    removeDir: REMOVE,
    rename: REMOVE,
  },
  value: { ...EVERY, read: READ, check: FREE, write: WRITE },
  log: EVERY,
  message: { ...EVERY, accept: FREE, hold: FREE, check: FREE, commit: { verb: 'write' } },
  call: { ...EVERY, check: FREE, reply: { verb: 'call' } },
  file: { ...EVERY, open: { asked: true }, truncate: WRITE },
  link: EVERY,
};

/** What a node says rather than does. */
const WORDS = ['kind', 'attr', 'local', 'limit', 'pages', 'target'] as const;

/** The same node, with `around` about each of its functions; without those that change anything, unless `writable`. */
export function surround(node: Node, op: Op, around: Around, writable: boolean): Node {
  // Each name is given the type that it has in the node: what is made is of the node's own kind.
  const out = {} as Node;
  for (const name of WORDS) take(out, name, Reflect.get(node, name));
  for (const [name, how] of Object.entries<How>(FUNCTIONS[node.kind])) {
    const fn: unknown = Reflect.get(node, name);
    if (typeof fn !== 'function' || (how.changes === true && !writable)) continue;
    take(out, name, wrapped(name, fn.bind(node), however(node, name, how), around));
  }
  if (node.fields !== undefined) take(out, 'fields', fieldsOf(node.fields, around, writable));
  if (node.xattrs !== undefined) take(out, 'xattrs', xattrsOf(node.xattrs, op, around));
  if (node.kind === 'log') take(out, 'source', sourceOf(node.source, op, around));
  return out;
}

function take(out: Node, name: string, value: unknown): void {
  if (value !== undefined) Reflect.set(out, name, value);
}

/** What is at hand costs nothing to read. */
function however(node: Node, name: string, how: How): How {
  return node.kind === 'value' && node.local === true && name === 'read' ? FREE : how;
}

/** Every function of a node takes the operation first. */
type Fn = (op: Op, ...rest: unknown[]) => Maybe<unknown>;

function wrapped(name: string, fn: Fn, how: How, around: Around): Fn {
  switch (name) {
    case 'list':
      return (op, cursor) => {
        const at = typeof cursor === 'string' ? cursor : undefined;
        return around.act(op, own => then(fn(own, cursor), entriesOf), { ...how, cursor: at });
      };
    case 'open':
    case 'makeFile':
      return (op, ...rest) => {
        const act = how.asked === true ? { verb: op.verb } : how;
        // These two give an open file.
        const open = (own: Op): Maybe<FileBody> => fn(own, ...rest) as Maybe<FileBody>;
        return then(
          around.act(op, open, act, late => late.close()),
          body => bodyOf(body, op, around),
        );
      };
    case 'hold':
      return op =>
        then(
          around.act(op, own => fn(own), how),
          release => (typeof release === 'function' ? () => around.now(op, () => release()) : release),
        );
    default:
      return (op, ...rest) => around.act(op, own => fn(own, ...rest), how);
  }
}

/** A generator can be read once; what may be kept has to be an array. */
function entriesOf(entries: unknown): unknown {
  return Array.isArray(entries) || isIterable(entries) ? page(entries, nextOf(entries)) : entries;
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

function fieldsOf(
  fields: Readonly<Record<string, Field>>,
  around: Around,
  writable: boolean,
): Readonly<Record<string, Field>> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]): [string, Field] => [
      name,
      {
        read: op => around.act(op, own => field.read(own), { ...READ, field: name }),
        ...(field.write !== undefined &&
          writable && { write: (op, value) => around.act(op, own => field.write?.(own, value), WRITE) }),
      },
    ]),
  );
}

function xattrsOf(xattrs: Xattrs, op: Op, around: Around): Xattrs {
  return {
    get: name => around.now(op, () => xattrs.get(name)),
    list: () => around.now(op, () => xattrs.list()),
    ...(xattrs.set && { set: (name, value) => around.now(op, () => xattrs.set?.(name, value)) }),
    ...(xattrs.remove && { remove: name => around.now(op, () => xattrs.remove?.(name)) }),
  };
}

function sourceOf(source: LogSource, op: Op, around: Around): LogSource {
  return {
    get size() {
      return around.now(op, () => source.size);
    },
    get ended() {
      return around.now(op, () => source.ended);
    },
    ...(source.mtime !== undefined && { mtime: source.mtime }),
    read: (offset, length) => around.now(op, () => source.read(offset, length)),
    watch: wake => around.now(op, () => source.watch(wake)),
  };
}

/** What is done to an open file was paid for when it was opened. */
function bodyOf(body: FileBody, op: Op, around: Around): FileBody {
  const { allocate, seek } = body;
  return {
    read: (offset, length) => around.act(op, () => body.read(offset, length), FREE),
    write: (offset, data) => around.act(op, () => body.write(offset, data), FREE),
    truncate: size => around.act(op, () => body.truncate(size), FREE),
    sync: () => around.act(op, () => body.sync(), FREE),
    attr: () => around.now(op, () => body.attr()),
    close: () => around.now(op, () => body.close()),
    ...(allocate && { allocate: (...args) => around.now(op, () => allocate.call(body, ...args)) }),
    ...(seek && { seek: (...args) => around.now(op, () => seek.call(body, ...args)) }),
  };
}
