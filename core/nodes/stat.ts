/** What `stat` says of a node. */

import { isPromise } from '../maybe.ts';
import type { Attr, Maybe, Millis, Node, NodeKind, Op, Stat, ValueNode } from '../types.ts';

const TYPE: Readonly<Record<NodeKind, number>> = {
  dir: 0o040000,
  link: 0o120000,
  value: 0o100000,
  log: 0o100000,
  message: 0o100000,
  call: 0o100000,
  file: 0o100000,
};

/** What stands in where a plugin says nothing. */
export interface StatDefaults {
  readonly uid: number;
  readonly gid: number;
  /** When the daemon started. */
  readonly born: Millis;
}

export function statOf(node: Node, op: Op, defaults: StatDefaults, anchored: boolean): Maybe<Stat> {
  const attr = node.attr ?? NOTHING;
  if (attr.size !== undefined) return build(node, attr, attr.size, defaults, anchored);
  if (node.kind === 'value' && node.local === true && node.read !== undefined) {
    const text = node.read(op);
    if (!isPromise(text)) return build(node, attr, valueBytes(text).length, defaults, anchored);
    return text.then(t => build(node, attr, valueBytes(t).length, defaults, anchored));
  }
  const size = node.kind === 'log' ? node.source.size : node.kind === 'link' ? Buffer.byteLength(node.target) : 0;
  return build(node, attr, size, defaults, anchored);
}

/** A file's own attributes, from an open handle. */
export function statFromAttr(kind: NodeKind, attr: Attr, defaults: StatDefaults): Stat {
  return assemble(kind, attr, attr.mode ?? 0o644, attr.size ?? 0, defaults.born, defaults, false, false);
}

const NOTHING: Attr = {};
/** What st_blocks counts in, bytes. */
const BLOCK = 512;

function build(node: Node, attr: Attr, size: number, defaults: StatDefaults, anchored: boolean): Stat {
  const born = node.kind === 'log' ? (node.source.mtime ?? defaults.born) : defaults.born;
  const still = node.kind === 'dir' && node.attr === undefined;
  const stat = assemble(node.kind, attr, attr.mode ?? permissions(node), size, born, defaults, anchored, still);
  return node.kind === 'link' ? { ...stat, target: node.target } : stat;
}

function assemble(
  kind: NodeKind,
  attr: Attr,
  mode: number,
  size: number,
  born: Millis,
  defaults: StatDefaults,
  anchored: boolean,
  still: boolean,
): Stat {
  const mtime = attr.mtime ?? born;
  return {
    kind,
    mode: TYPE[kind] | mode,
    uid: attr.uid ?? defaults.uid,
    gid: attr.gid ?? defaults.gid,
    size,
    mtime,
    atime: attr.atime ?? mtime,
    ctime: attr.ctime ?? mtime,
    nlink: kind === 'dir' ? 1 : (attr.nlink ?? 1),
    blocks: attr.blocks ?? Math.ceil(size / BLOCK),
    ino: attr.ino ?? 0,
    fixed: attr.fixed === true,
    anchored,
    still,
    ...(attr.opens === true && kind === 'dir' && { opens: true }),
  };
}

function permissions(node: Node): number {
  switch (node.kind) {
    case 'dir':
      return node.makeFile === undefined ? 0o555 : 0o755;
    case 'link':
      return 0o777;
    case 'log':
      return 0o444;
    case 'message':
      return 0o222;
    case 'call':
      return 0o666;
    case 'file':
      return 0o644;
    case 'value':
      return valuePermissions(node);
  }
}

function valuePermissions(node: ValueNode): number {
  return (node.read === undefined ? 0 : 0o444) | (node.write === undefined ? 0 : 0o200);
}

const NEWLINE = 10;

/** A value's bytes: text ends in one newline; nothing stays nothing. */
export function valueBytes(value: string | Uint8Array): Uint8Array {
  if (typeof value !== 'string') return value;
  if (value === '' || value.charCodeAt(value.length - 1) === NEWLINE) return Buffer.from(value);
  return Buffer.from(`${value}\n`);
}
