/** An open value: a snapshot taken at open; what was written replaces the value once, at close. */

import { LIMITS } from '../limits.ts';
import { then } from '../maybe.ts';
import type { Cancel, Handle, Maybe, Op, OpenHow, Path, ValueNode } from '../types.ts';
import { type Again, BaseHandle, EMPTY, WriteBuffer } from './handle.ts';
import { valueBytes } from './stat.ts';

export function openValue(node: ValueNode, op: Op, how: OpenHow, again: Again): Maybe<Handle> {
  if (!how.write) return then(snapshot(node, op), bytes => new ValueReader(op.path, again, bytes));
  const start = how.truncate || node.read === undefined ? EMPTY : snapshot(node, op);
  return then(start, bytes => new ValueWriter(op.path, again, bytes, node, how));
}

function snapshot(node: ValueNode, op: Op): Maybe<Uint8Array> {
  return then(node.read?.(op) ?? '', valueBytes);
}

class ValueReader extends BaseHandle {
  readonly kind = 'value';
  private readonly bytes: Uint8Array;

  constructor(path: Path, again: Again, bytes: Uint8Array) {
    super(path, again);
    this.bytes = bytes;
  }

  override read(offset: number, length: number): Uint8Array {
    this.again.check('read');
    return this.bytes.subarray(offset, offset + length);
  }
}

class ValueWriter extends BaseHandle {
  readonly kind = 'value';
  private readonly node: ValueNode;
  private readonly append: boolean;
  private readonly buffer: WriteBuffer;
  private dirty: boolean;

  constructor(path: Path, again: Again, start: Uint8Array, node: ValueNode, how: OpenHow) {
    super(path, again);
    this.node = node;
    this.append = how.append;
    this.dirty = false;
    this.buffer = new WriteBuffer(start, LIMITS.value_bytes_max, () =>
      this.told('write', this.no('too_large', `a value holds at most ${LIMITS.value_bytes_max} bytes`, 'write less')),
    );
  }

  override read(offset: number, length: number): Uint8Array {
    this.again.check('read');
    return this.buffer.take().subarray(offset, offset + length);
  }

  override write(offset: number, data: Uint8Array): number {
    this.again.check('write');
    this.dirty = true;
    return this.buffer.write(this.append ? this.buffer.length : offset, data);
  }

  override truncate(size: number): void {
    this.again.check('write');
    this.buffer.resize(size);
    if (size > 0) this.dirty = true;
  }

  override flush(cancel?: Cancel): Maybe<unknown> {
    if (!this.dirty) return undefined;
    this.dirty = false;
    const body = this.buffer.take();
    return this.again.perform('write', op => this.node.write?.(op, body), cancel);
  }
}
