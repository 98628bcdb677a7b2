/** Finds the node at a path within a mount, the parts of a file with fields included. */

import { then } from '../maybe.ts';
import type { Field, Maybe, Node, Op, Tree } from '../types.ts';

export function findNode(tree: Tree, rest: string, op: Op): Maybe<Node | undefined> {
  return then(tree.node(rest, op), node => {
    if (node !== undefined) return node;
    const slash = rest.lastIndexOf('/');
    if (slash <= 0) return undefined;
    const name = rest.slice(slash + 1);
    return then(tree.node(rest.slice(0, slash), op), owner => {
      const field = owner && fieldOf(owner, name);
      return field === undefined ? undefined : fieldNode(field);
    });
  });
}

/** A node's own field of that name: not what every object inherits, such as `constructor`. */
export function fieldOf({ fields }: Node, name: string): Field | undefined {
  return fields !== undefined && Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function fieldNode(field: Field): Node {
  const { write } = field;
  return {
    kind: 'value',
    read: op => field.read(op),
    ...(write && { write: (op: Op, body: Uint8Array) => write(op, decoder.decode(body).replace(/\n$/, '')) }),
  };
}

const decoder = new TextDecoder();
