/** An open value: a snapshot taken at open; what was written replaces the value once, at close. */

import type { AosError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { isPromise, then } from '../maybe.ts';
import { no } from '../refusals.ts';
import type { Cancel, Handle, Maybe, Op, OpenHow, Path, ValueNode } from '../types.ts';
import { type Again, BaseHandle, EMPTY, endsLine, WriteBuffer } from './handle.ts';
import { valueBytes } from './stat.ts';

export function openValue(node: ValueNode, op: Op, how: OpenHow, again: Again): Maybe<Handle> {
  if (!how.write) return then(snapshot(node, op), bytes => new ValueReader(op.path, again, bytes));
  const start = how.truncate || node.read === undefined ? EMPTY : snapshot(node, op);
  return then(start, bytes => new ValueWriter(op, again, bytes, node, how));
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
  private readonly op: Op;
  private readonly node: ValueNode;
  private readonly append: boolean;
  private readonly patches: boolean;
  private readonly buffer: WriteBuffer;
  private dirty = false;
  /** Cut to nothing, and nothing written since. Shells close copies of what they opened, so only the last close can tell. */
  private emptied: boolean;

  constructor(op: Op, again: Again, start: Uint8Array, node: ValueNode, how: OpenHow) {
    super(op.path, again);
    this.op = op;
    this.node = node;
    this.append = how.append;
    this.patches = how.read && !how.truncate;
    this.emptied = how.truncate;
    this.buffer = new WriteBuffer(start, LIMITS.value_bytes_max, () =>
      this.told('write', this.no('too_large', TOO_LARGE, 'write less')),
    );
  }

  override read(offset: number, length: number): Uint8Array {
    this.again.check('read');
    return this.buffer.read(offset, length);
  }

  override write(offset: number, data: Uint8Array): Maybe<number> {
    this.emptied = false;
    this.again.check('write');
    // A write replaces the value, opened to be cut or not; who reads as well patches it.
    if (!this.patches && !this.append && offset === 0 && !this.dirty) this.buffer.resize(0);
    this.dirty = true;
    const { node, op, buffer } = this;
    const written = buffer.write(this.append ? buffer.length : offset, data);
    // What patches is whole only when it is closed.
    const asks = node.check !== undefined && !this.patches && endsLine(data);
    return this.checked(asks ? () => node.check?.(op, buffer.take()) : undefined, buffer, written);
  }

  override truncate(size: number): void {
    this.again.check('write');
    if (size > 0) this.dirty = true;
    else this.emptied = !this.dirty;
    this.buffer.resize(size);
  }

  override flush(cancel?: Cancel, last = false): Maybe<unknown> {
    if (!this.dirty && !(last && this.emptied)) return undefined;
    const body = this.buffer.take();
    this.dirty = false;
    this.emptied = false;
    return this.again.perform('write', op => this.node.write?.(op, body), cancel);
  }

  override abandon(): void {
    this.emptied = false;
    this.close();
  }

  override close(): void {
    if (!this.emptied) return;
    try {
      const done = this.flush(undefined, true);
      if (isPromise(done)) done.catch(() => {});
    } catch {
      // The gate has told of it; close has nobody to tell.
    }
  }
}

/** Cuts or lengthens a value, as one write. */
export function resizeValue(node: ValueNode, op: Op, size: number): Maybe<unknown> {
  const tooLarge = (): AosError => no(op, 'too_large', TOO_LARGE, 'write less');
  return then(size === 0 ? EMPTY : snapshot(node, op), bytes => {
    const buffer = new WriteBuffer(bytes, LIMITS.value_bytes_max, tooLarge);
    buffer.resize(size);
    return node.write?.(op, buffer.take());
  });
}

const TOO_LARGE = `a value holds at most ${LIMITS.value_bytes_max} bytes`;
