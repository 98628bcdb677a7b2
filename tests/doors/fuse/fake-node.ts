/** Nodes in memory of every kind, and what opening one gives: answers now and later, faults on demand. */

import { AosError, type ErrorKind } from '../../../core/errors.ts';
import type { Cancel, Handle, Maybe, NodeKind, Path, Stat } from '../../../core/types.ts';

const TYPE: Partial<Record<NodeKind, number>> = { dir: 0o040000, link: 0o120000 };
const BITS: Record<NodeKind, number> = {
  dir: 0o755,
  value: 0o444,
  log: 0o444,
  message: 0o222,
  call: 0o666,
  file: 0o644,
  link: 0o777,
};

let inos = 100;

/** One node. What it can do follows from its kind. */
export class FakeNode {
  readonly kind: NodeKind;
  mode: number;
  uid = 0;
  gid = 0;
  mtime = 1_700_000_000_000;
  atime = 1_700_000_000_000;
  nlink = 1;
  fixed = false;
  anchored = false;
  still = false;
  ino = 0;
  body: Buffer = Buffer.alloc(0);
  target = '';
  ended = false;
  readonly children = new Map<string, FakeNode>();
  readonly xattrs = new Map<string, Uint8Array>();
  readonly watchers = new Set<() => void>();
  /** What messages and calls received, each commit once. */
  readonly received: string[] = [];
  /** Waited for before anything is answered. */
  slow: ((cancel: Cancel | undefined) => Promise<void>) | undefined;
  /** Thrown instead of an answer. */
  fault: ErrorKind | undefined;

  constructor(kind: NodeKind) {
    this.kind = kind;
    this.mode = (TYPE[kind] ?? 0o100000) | BITS[kind];
    if (kind === 'file' || kind === 'dir') this.ino = inos++;
  }

  /** Adds to a log and wakes whoever watches. */
  append(text: string): void {
    this.body = Buffer.concat([this.body, Buffer.from(text)]);
    for (const wake of [...this.watchers]) wake();
  }

  stat(): Stat {
    const { kind, mode, uid, gid, mtime, atime, nlink, ino, fixed, anchored, still } = this;
    const size =
      kind === 'dir' ? 4096 : kind === 'link' ? this.target.length : kind === 'message' ? 0 : this.body.length;
    const blocks = Math.ceil(size / 512);
    const stat = { kind, mode, uid, gid, size, mtime, atime, ctime: mtime, nlink, blocks, ino, fixed, anchored, still };
    return kind === 'link' ? { ...stat, target: this.target } : stat;
  }
}

export function fail(kind: ErrorKind, path: string): AosError {
  return new AosError(kind, { component: 'fake', path, why: `this is ${kind}`, remedy: 'none' });
}

/** `next` now, or after the node's delay; its fault instead where it has one. */
export function answer<T>(node: FakeNode, path: string, cancel: Cancel | undefined, next: () => T): Maybe<T> {
  if (node.fault !== undefined) throw fail(node.fault, path);
  return node.slow === undefined ? next() : node.slow(cancel).then(next);
}

export class FakeHandle implements Handle {
  abandon(): void {
    this.close();
  }

  readonly kind: NodeKind;
  readonly path: Path;
  readonly direct: boolean;
  readonly keep: boolean;
  readonly seekable: boolean;
  readonly #node: FakeNode;
  readonly #snapshot: Buffer;
  #pending: Buffer[] = [];
  #reply: Buffer | undefined;
  /** How far the reply was read: the file position counts the request too. */
  #at = 0;
  #unwatch: (() => void) | undefined;
  closed = false;

  constructor(node: FakeNode, path: Path) {
    this.kind = node.kind;
    this.path = path;
    this.#node = node;
    this.#snapshot = node.body;
    this.direct = node.kind !== 'file';
    this.keep = node.fixed;
    this.seekable = node.kind !== 'message' && node.kind !== 'call';
  }

  get ended(): boolean {
    return this.kind !== 'log' || this.#node.ended;
  }

  read(offset: number, length: number, cancel?: Cancel): Maybe<Uint8Array> {
    return answer(this.#node, this.path, cancel, () => {
      if (this.kind === 'message') throw fail('not_readable', this.path);
      if (this.kind === 'call') {
        this.#reply ??= Buffer.from(`reply to ${Buffer.concat(this.#pending)}\n`);
        const part = this.#reply.subarray(this.#at, this.#at + length);
        this.#at += part.length;
        return part;
      }
      const body = this.kind === 'value' ? this.#snapshot : this.#node.body;
      return body.subarray(offset, offset + length);
    });
  }

  write(offset: number, data: Uint8Array): Maybe<number> {
    const node = this.#node;
    if (this.kind === 'file') {
      const grown = Buffer.alloc(Math.max(node.body.length, offset + data.length));
      node.body.copy(grown);
      grown.set(data, offset);
      node.body = grown;
      node.mtime++;
    } else this.#pending.push(Buffer.from(data));
    return data.length;
  }

  truncate(size: number): void {
    if (this.kind === 'file') resize(this.#node, size);
  }

  flush(cancel?: Cancel): Maybe<unknown> {
    if (this.kind === 'file' || this.kind === 'call' || this.#pending.length === 0) return undefined;
    const body = Buffer.concat(this.#pending);
    this.#pending = [];
    return answer(this.#node, this.path, cancel, () => {
      this.#node.received.push(body.toString());
      if (this.kind === 'value') this.#node.body = body;
    });
  }

  sync(): void {}

  stat(): Stat {
    return this.#node.stat();
  }

  poll(offset: number, wake?: () => void): boolean {
    if (this.kind !== 'log' || offset < this.#node.body.length || this.#node.ended) return true;
    if (wake !== undefined) {
      const once = (): void => {
        this.#unwatch?.();
        wake();
      };
      this.#node.watchers.add(once);
      this.#unwatch = () => this.#node.watchers.delete(once);
    }
    return false;
  }

  allocate(_mode: number, offset: number, length: number): void {
    if (offset + length > this.#node.body.length) resize(this.#node, offset + length);
  }

  seek(offset: number, whence: number): number {
    if (offset >= this.#node.body.length) throw Object.assign(new Error('no data'), { code: 'ENXIO', errno: -6 });
    return whence === 3 ? offset : this.#node.body.length;
  }

  close(): void {
    this.closed = true;
    this.#unwatch?.();
  }
}

export function resize(node: FakeNode, size: number): void {
  const body = Buffer.alloc(size);
  node.body.copy(body);
  node.body = body;
  node.mtime++;
}
