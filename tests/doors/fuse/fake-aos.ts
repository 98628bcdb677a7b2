/** A small tree in memory behind the interface that doors see. */

import { nameOf, parentOf, ROOT } from '../../../core/path.ts';
import type {
  Aos,
  AttrChange,
  Caller,
  Cancel,
  Entry,
  Explanation,
  Handle,
  Maybe,
  NodeKind,
  OpenHow,
  Path,
  RenameHow,
  Stat,
} from '../../../core/types.ts';
import { answer, FakeHandle, FakeNode, fail, resize } from './fake-node.ts';

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

  openOrCreate(caller: Caller, path: Path, mode: number, how: OpenHow): Maybe<Handle> {
    return this.create(caller, path, mode, how);
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

  unaffordable(): undefined {
    return undefined;
  }
}
