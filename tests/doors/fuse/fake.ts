/** A small tree in memory behind the interface that doors see: every kind of node, answers now and later, faults on demand. */

import { AosError, type ErrorKind } from '../../../core/errors.ts';
import { nameOf, parentOf, ROOT } from '../../../core/path.ts';
import type {
  Aos,
  AttrChange,
  Caller,
  Cancel,
  DoorApi,
  Entry,
  Explanation,
  Handle,
  Log,
  Maybe,
  NodeKind,
  OpenHow,
  Path,
  RenameHow,
  Stat,
} from '../../../core/types.ts';

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
    const { kind, mode, uid, gid, mtime, atime, nlink, ino, fixed, anchored } = this;
    const size =
      kind === 'dir' ? 4096 : kind === 'link' ? this.target.length : kind === 'message' ? 0 : this.body.length;
    const stat = { kind, mode, uid, gid, size, mtime, atime, ctime: mtime, nlink, ino, fixed, anchored };
    return kind === 'link' ? { ...stat, target: this.target } : stat;
  }
}

function fail(kind: ErrorKind, path: string): AosError {
  return new AosError(kind, { component: 'fake', path, why: `this is ${kind}`, remedy: 'none' });
}

/** `next` now, or after the node's delay; its fault instead where it has one. */
function answer<T>(node: FakeNode, path: string, cancel: Cancel | undefined, next: () => T): Maybe<T> {
  if (node.fault !== undefined) throw fail(node.fault, path);
  return node.slow === undefined ? next() : node.slow(cancel).then(next);
}

class FakeHandle implements Handle {
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

function resize(node: FakeNode, size: number): void {
  const body = Buffer.alloc(size);
  node.body.copy(body);
  node.body = body;
  node.mtime++;
}

export class FakeAos implements Aos {
  readonly root = new FakeNode('dir');
  /** Who asked, each change of caller once. */
  readonly callers: Caller[] = [];
  /** Every `stat`, `list` and `open` that reached the tree, in order: `verb path`. */
  readonly asked: string[] = [];

  add(path: string, kind: NodeKind, text = ''): FakeNode {
    const node = new FakeNode(kind);
    if (kind === 'link') node.target = text;
    else node.body = Buffer.from(text);
    let dir = this.root;
    const names = path.split('/').slice(2);
    for (const name of names.slice(0, -1)) {
      let next = dir.children.get(name);
      if (next === undefined) {
        next = new FakeNode('dir');
        dir.children.set(name, next);
      }
      dir = next;
    }
    dir.children.set(names.at(-1) ?? '', node);
    return node;
  }

  node(path: Path): FakeNode {
    let node: FakeNode | undefined = this.root;
    if (path !== ROOT) for (const name of path.slice(ROOT.length + 1).split('/')) node = node?.children.get(name);
    if (node === undefined) throw fail('not_found', path);
    return node;
  }

  #free(path: Path): { dir: FakeNode; name: string } {
    const dir = this.node(parentOf(path));
    if (dir.kind !== 'dir') throw fail('not_dir', path);
    if (dir.children.has(nameOf(path))) throw fail('exists', path);
    return { dir, name: nameOf(path) };
  }

  stat(caller: Caller, path: Path, cancel?: Cancel): Maybe<Stat> {
    if (this.callers.at(-1) !== caller) this.callers.push(caller);
    this.asked.push(`stat ${path}`);
    const node = this.node(path);
    if (node.slow === undefined || node.kind === 'value') return node.stat();
    return answer(node, path, cancel, () => node.stat());
  }

  list(_caller: Caller, path: Path, cancel?: Cancel): Maybe<Entry[]> {
    this.asked.push(`list ${path}`);
    const node = this.node(path);
    if (node.kind !== 'dir') throw fail('not_dir', path);
    return answer(node, path, cancel, () => [...node.children].map(([name, { kind }]) => ({ name, kind })));
  }

  open(_caller: Caller, path: Path, how: OpenHow): Maybe<Handle> {
    this.asked.push(`open ${path}`);
    const node = this.node(path);
    if (node.kind === 'dir') throw fail('is_dir', path);
    if (node.fault === 'locked') throw fail('locked', path);
    if (how.read && node.kind === 'message') throw fail('not_readable', path);
    if (how.write && node.kind === 'log') throw fail('read_only', path);
    if (how.truncate && node.kind === 'file') resize(node, 0);
    return new FakeHandle(node, path);
  }

  create(caller: Caller, path: Path, mode: number, how: OpenHow): Maybe<Handle> {
    const dir = this.node(parentOf(path));
    if (dir.children.has(nameOf(path)) && !how.exclusive) return this.open(caller, path, how);
    const { name } = this.#free(path);
    const node = new FakeNode('file');
    node.mode = 0o100000 | mode;
    node.uid = caller.uid;
    node.gid = caller.gid;
    dir.children.set(name, node);
    return new FakeHandle(node, path);
  }

  async read(caller: Caller, path: Path): Promise<Uint8Array> {
    const handle = await this.open(caller, path, { read: true, write: false, append: false, truncate: false });
    return handle.read(0, 1 << 20);
  }

  write(_caller: Caller, path: Path, body: Uint8Array): Maybe<unknown> {
    this.node(path).body = Buffer.from(body);
    return undefined;
  }

  call(): Maybe<unknown> {
    return undefined;
  }

  makeDir(_caller: Caller, path: Path, mode: number): void {
    const { dir, name } = this.#free(path);
    const made = new FakeNode('dir');
    made.mode = 0o040000 | mode;
    dir.children.set(name, made);
  }

  makeLink(_caller: Caller, path: Path, target: string): void {
    const { dir, name } = this.#free(path);
    const link = new FakeNode('link');
    link.target = target;
    dir.children.set(name, link);
  }

  makeHardLink(_caller: Caller, path: Path, from: Path): void {
    const node = this.node(from);
    const { dir, name } = this.#free(path);
    dir.children.set(name, node);
    node.nlink++;
  }

  remove(_caller: Caller, path: Path): void {
    const node = this.node(path);
    if (node.kind === 'dir') throw fail('is_dir', path);
    if (node.fault !== undefined) throw fail(node.fault, path);
    this.node(parentOf(path)).children.delete(nameOf(path));
    node.nlink--;
  }

  removeDir(_caller: Caller, path: Path): void {
    const node = this.node(path);
    if (node.kind !== 'dir') throw fail('not_dir', path);
    if (node.children.size > 0) throw fail('not_empty', path);
    this.node(parentOf(path)).children.delete(nameOf(path));
  }

  rename(_caller: Caller, from: Path, to: Path, how: RenameHow): void {
    const node = this.node(from);
    const source = this.node(parentOf(from)).children;
    const target = this.node(parentOf(to)).children;
    const other = target.get(nameOf(to));
    if (other !== undefined && how.noReplace) throw fail('exists', to);
    if (other === undefined && how.exchange) throw fail('not_found', to);
    if (other?.kind === 'dir' && other.children.size > 0 && !how.exchange) throw fail('not_empty', to);
    source.delete(nameOf(from));
    target.set(nameOf(to), node);
    if (other !== undefined && how.exchange) source.set(nameOf(from), other);
  }

  change(_caller: Caller, path: Path, change: AttrChange): void {
    const node = this.node(path);
    if (change.mode !== undefined) node.mode = (node.mode & 0o170000) | change.mode;
    if (change.uid !== undefined) node.uid = change.uid;
    if (change.gid !== undefined) node.gid = change.gid;
    if (change.mtime !== undefined) node.mtime = change.mtime;
    if (change.atime !== undefined) node.atime = change.atime;
  }

  truncate(_caller: Caller, path: Path, size: number): void {
    resize(this.node(path), size);
  }

  getXattr(_caller: Caller, path: Path, name: string): Uint8Array | undefined {
    return this.node(path).xattrs.get(name);
  }

  listXattrs(_caller: Caller, path: Path): string[] {
    return [...this.node(path).xattrs.keys()];
  }

  setXattr(_caller: Caller, path: Path, name: string, value: Uint8Array): void {
    this.node(path).xattrs.set(name, value);
  }

  removeXattr(_caller: Caller, path: Path, name: string): void {
    if (!this.node(path).xattrs.delete(name)) throw fail('no_attribute', path);
  }

  space(): { blocks: number; free: number; files: number; filesFree: number } {
    return { blocks: 1000, free: 500, files: 100, filesFree: 50 };
  }

  explain(_caller: Caller, verb: Explanation['verb'], path: Path): Explanation {
    return { verb, path, allowed: this.node(path).fault !== 'denied', steps: [] };
  }
}

/** A door's view of a fake tree, with the two signals in the test's hand and every warning kept. */
export class FakeApi implements DoorApi {
  readonly aos: FakeAos;
  readonly said: { level: string; fields: object; message: string }[] = [];
  readonly log: Log;
  readonly #changed = new Set<(path: Path) => void>();
  readonly #narrowed = new Set<() => void>();

  constructor(aos: FakeAos = new FakeAos()) {
    this.aos = aos;
    const at = (level: string) => (fields: object, message: string) => {
      this.said.push({ level, fields, message });
    };
    this.log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  }

  now(): number {
    return Date.now();
  }

  authorityOf(): [] {
    return NO_SETS;
  }

  onChanged(fn: (path: Path) => void): () => void {
    this.#changed.add(fn);
    return () => this.#changed.delete(fn);
  }

  onNarrowed(fn: () => void): () => void {
    this.#narrowed.add(fn);
    return () => this.#narrowed.delete(fn);
  }

  change(path: Path): void {
    for (const fn of this.#changed) fn(path);
  }

  narrow(): void {
    for (const fn of this.#narrowed) fn();
  }
}

const NO_SETS: [] = [];

/** A delay that ends when the test says so, or fails when the caller gives up. */
export function gate(): {
  slow: (cancel: Cancel | undefined) => Promise<void>;
  open: () => void;
  aborted: () => boolean;
} {
  let open: () => void = () => {};
  let aborted = false;
  const opened = new Promise<void>(resolve => {
    open = resolve;
  });
  const slow = (cancel: Cancel | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      opened.then(resolve);
      cancel?.signal.addEventListener('abort', () => {
        aborted = true;
        reject(fail('interrupted', ''));
      });
    });
  return { slow, open: () => open(), aborted: () => aborted };
}
