/** Extended attributes: a node's fields as `user.<name>`, and what a real file keeps. */

import { AosError } from '../errors.ts';
import { then } from '../maybe.ts';
import type { Maybe, Node, Op } from '../types.ts';
import { fieldOf } from './find.ts';

const PREFIX = 'user.';

export function getXattr(node: Node, op: Op, name: string): Maybe<Uint8Array | undefined> {
  const field = fieldOf(node, fieldName(name));
  if (field !== undefined) return then(field.read(op), text => Buffer.from(text));
  return node.xattrs?.get(name);
}

export function listXattrs(node: Node): string[] {
  const fields = Object.keys(node.fields ?? {}).map(name => PREFIX + name);
  return [...fields, ...(node.xattrs?.list() ?? [])];
}

export function setXattr(node: Node, op: Op, name: string, value: Uint8Array): Maybe<void> {
  const field = fieldOf(node, fieldName(name));
  if (field !== undefined) {
    if (field.write === undefined) throw no(op, 'read_only', `its field ${fieldName(name)} cannot be set`);
    return field.write(op, decoder.decode(value));
  }
  if (node.xattrs?.set === undefined) throw no(op, 'unsupported', 'it has no attributes that can be set');
  return node.xattrs.set(name, value);
}

export function removeXattr(node: Node, op: Op, name: string): Maybe<void> {
  if (fieldOf(node, fieldName(name)) !== undefined) {
    throw no(op, 'not_permitted', `its field ${fieldName(name)} cannot be removed`);
  }
  if (node.xattrs?.remove === undefined) throw no(op, 'no_attribute', `it has no attribute ${name}`);
  return node.xattrs.remove(name);
}

function fieldName(name: string): string {
  return name.startsWith(PREFIX) ? name.slice(PREFIX.length) : '';
}

function no(op: Op, kind: 'read_only' | 'unsupported' | 'not_permitted' | 'no_attribute', why: string): AosError {
  return new AosError(kind, { component: 'core', path: op.path, why });
}

const decoder = new TextDecoder();
