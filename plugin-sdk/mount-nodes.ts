/** Puts something around every act of a node that a plugin serves: paying for it, remembering what went wrong. */

import { then } from '../core/maybe.ts';
import type { DirNode, Field, Maybe, Node, Op } from '../core/types.ts';

/** Runs one act. `cached` is true for reads and listings, whose answer may be kept. */
export type Around = <T>(op: Op, fn: () => Maybe<T>, cached: boolean) => Maybe<T>;

/** The same node, with `around` about each of its acts. */
export function surround(node: Node, around: Around): Node {
  const shared = {
    ...(node.call && { call: wrap(around, node.call.bind(node)) }),
    ...(node.fields && { fields: surroundFields(node.fields, around) }),
  };
  switch (node.kind) {
    case 'dir':
      return { ...node, ...shared, ...surroundDir(node, around) };
    case 'value': {
      const { read, write } = node;
      return {
        ...node,
        ...shared,
        ...(read && { read: node.local ? read.bind(node) : wrap(around, read.bind(node), true) }),
        ...(write && { write: wrap(around, write.bind(node)) }),
      };
    }
    case 'message':
      return { ...node, ...shared, commit: wrap(around, node.commit.bind(node)) };
    case 'call':
      return { ...node, ...shared, reply: wrap(around, node.reply.bind(node)) };
    case 'file':
      return { ...node, ...shared, open: wrap(around, node.open.bind(node)) };
    case 'log':
    case 'link':
      return { ...node, ...shared };
  }
}

function surroundDir(node: DirNode, around: Around): Partial<DirNode> & Pick<DirNode, 'list'> {
  const { makeFile, makeDir, remove, removeDir, rename } = node;
  return {
    // A generator can be read once; what may be kept has to be an array.
    list: wrap(around, op => then(node.list(op), entries => [...entries]), true),
    ...(makeFile && { makeFile: wrap(around, makeFile.bind(node)) }),
    ...(makeDir && { makeDir: wrap(around, makeDir.bind(node)) }),
    ...(remove && { remove: wrap(around, remove.bind(node)) }),
    ...(removeDir && { removeDir: wrap(around, removeDir.bind(node)) }),
    ...(rename && { rename: wrap(around, rename.bind(node)) }),
  };
}

function surroundFields(fields: Readonly<Record<string, Field>>, around: Around): Record<string, Field> {
  const out: Record<string, Field> = {};
  for (const [name, field] of Object.entries(fields)) {
    const { write } = field;
    out[name] = {
      read: wrap(around, field.read.bind(field)),
      ...(write && { write: wrap(around, write.bind(field)) }),
    };
  }
  return out;
}

function wrap<A extends unknown[], T>(
  around: Around,
  fn: (op: Op, ...rest: A) => Maybe<T>,
  cached = false,
): (op: Op, ...rest: A) => Maybe<T> {
  return (op, ...rest) => around(op, () => fn(op, ...rest), cached);
}

/** Without what changes anything, so that its mode says so. */
export function withoutWrites(node: Node): Node {
  switch (node.kind) {
    case 'dir': {
      const { makeFile, makeDir, makeLink, makeHardLink, remove, removeDir, rename, ...rest } = node;
      return rest;
    }
    case 'value': {
      const { write, ...rest } = node;
      return { ...rest, ...(node.fields && { fields: withoutFieldWrites(node.fields) }) };
    }
    default:
      return node;
  }
}

function withoutFieldWrites(fields: Readonly<Record<string, Field>>): Record<string, Field> {
  return Object.fromEntries(Object.entries(fields).map(([name, { read }]) => [name, { read }]));
}
