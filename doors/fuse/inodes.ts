/** nodeid ↔ path: what the kernel remembers of the tree, until it says FORGET. */

import { ROOT } from '../../core/path.ts';
import type { Path, Stat } from '../../core/types.ts';
import { mixIno, mountOf, pathHash } from './ino.ts';
import { TWIN } from './twins.ts';
import { ROOT_ID, S } from './wire.ts';

/** One place where an inode is found. */
interface Place {
  readonly parent: Inode;
  readonly name: string;
}

/** One file as the kernel knows it, under the name by which it was last looked up. */
export class Inode {
  readonly id: number;
  parent: Inode | undefined;
  name: string;
  path: Path;
  children: Map<string, Inode> | undefined;
  /** Names besides `parent` and `name`: hard links. */
  others: Place[] | undefined;
  /** References that the kernel holds. */
  lookups = 0;
  /** Files open on it. */
  opens = 0;
  /** Has a name. */
  linked = true;
  /** Type and permission bits when last looked at; 0 before. */
  mode = 0;
  /** The plugin's number for it; 0 where it has none. */
  ino = 0;
  /** st_ino in halves. */
  inoLo = 0;
  inoHi = 0;
  /** A directory that can be opened as a file. */
  twofold = false;
  /** Some of it may be in the kernel's caches beyond the moment. */
  kept = false;
  /** Never changes, as far as was last said. */
  fixed = false;
  /** The kernel was given a listing of this directory to keep. */
  listed = false;
  /** Listings of this directory that still do without attributes. */
  plainLists = 0;

  constructor(id: number, parent: Inode | undefined, name: string, path: Path) {
    this.id = id;
    this.parent = parent;
    this.name = name;
    this.path = path;
  }

  /** Takes in what `stat` said. */
  learn(stat: Stat): void {
    this.mode = stat.mode;
    this.fixed = stat.fixed;
    this.twofold = stat.opens === true && stat.kind === 'dir';
    if (this.inoLo !== 0 && stat.ino === this.ino) return;
    this.ino = stat.ino;
    const [lo, hi] = stat.ino === 0 ? pathHash(this.path) : mixIno(this.path, stat.ino);
    this.inoLo = lo;
    this.inoHi = hi;
  }

  /** Whether `stat` speaks of the same file: the kernel marks a nodeid bad whose type changes. */
  isSame(stat: Stat): boolean {
    return this.mode === 0 || (((this.mode ^ stat.mode) & S.IFMT) === 0 && this.ino === stat.ino);
  }
}

export class Inodes {
  readonly root = new Inode(ROOT_ID, undefined, '', ROOT);
  readonly #byId = new Map<number, Inode>([[ROOT_ID, this.root]]);
  /** Files with several names, by mount and number. */
  readonly #shared = new Map<string, Inode>();
  #next = ROOT_ID + 1;

  get(id: number): Inode | undefined {
    return this.#byId.get(id);
  }

  get size(): number {
    return this.#byId.size;
  }

  all(): Iterable<Inode> {
    return this.#byId.values();
  }

  /** The inode behind a name, as `stat` just described it: the known one, or a new one. The caller counts the lookup. */
  resolve(parent: Inode, name: string, path: Path, stat: Stat): Inode {
    let inode = parent.children?.get(name);
    if (inode !== undefined && !inode.isSame(stat)) {
      this.unlink(parent, name);
      inode = undefined;
    }
    if (stat.nlink > 1 && stat.ino !== 0 && stat.kind === 'file') inode = this.#share(inode, parent, name, path, stat);
    inode ??= this.#create(parent, name, path);
    inode.learn(stat);
    return inode;
  }

  #create(parent: Inode, name: string, path: Path): Inode {
    const inode = new Inode(this.#next++, parent, name, path);
    this.#byId.set(inode.id, inode);
    adopt(parent, name, inode);
    return inode;
  }

  /** One inode for all the names of one file; the name looked up last is the one whose path serves. */
  #share(known: Inode | undefined, parent: Inode, name: string, path: Path, stat: Stat): Inode | undefined {
    const key = `${mountOf(path)}:${stat.ino}`;
    const inode = known ?? this.#shared.get(key);
    if (inode === undefined || !this.#byId.has(inode.id) || !inode.linked || !inode.isSame(stat)) {
      const fresh = this.#create(parent, name, path);
      this.#shared.set(key, fresh);
      return fresh;
    }
    if (!this.#shared.has(key)) this.#shared.set(key, inode);
    this.addName(inode, parent, name, path);
    return inode;
  }

  /** Gives `inode` a name, which becomes the one it goes by. */
  addName(inode: Inode, parent: Inode, name: string, path: Path): void {
    if (inode.parent === parent && inode.name === name) return;
    const before = inode.parent;
    const others = (inode.others ?? []).filter(place => place.parent !== parent || place.name !== name);
    if (before !== undefined && inode.linked) others.push({ parent: before, name: inode.name });
    inode.others = others.length === 0 ? undefined : others;
    place(inode, parent, name, path);
  }

  /** A name is gone. The inode stays while the kernel refers to it, under another name if it has one. */
  unlink(parent: Inode, name: string): void {
    const inode = parent.children?.get(name);
    if (inode === undefined) return;
    parent.children?.delete(name);
    if (inode.parent !== parent || inode.name !== name) {
      inode.others = inode.others?.filter(at => at.parent !== parent || at.name !== name);
    } else {
      const other = inode.others?.pop();
      if (other === undefined) inode.linked = false;
      else place(inode, other.parent, other.name, pathIn(other.parent, other.name));
    }
    this.#drop(inode);
    this.#drop(parent);
  }

  rename(from: Inode, name: string, to: Inode, toName: string): void {
    const inode = from.children?.get(name);
    this.unlink(to, toName);
    if (inode === undefined) return;
    from.children?.delete(name);
    if (inode.parent === from && inode.name === name) place(inode, to, toName, pathIn(to, toName));
    else this.addName(inode, to, toName, pathIn(to, toName));
    inode.others = inode.others?.filter(at => at.parent !== from || at.name !== name);
  }

  exchange(from: Inode, name: string, to: Inode, toName: string): void {
    const one = from.children?.get(name);
    const two = to.children?.get(toName);
    from.children?.delete(name);
    to.children?.delete(toName);
    if (one !== undefined) place(one, to, toName, pathIn(to, toName));
    if (two !== undefined) place(two, from, name, pathIn(from, name));
  }

  /** The kernel gives back `count` references. */
  forget(inode: Inode, count: number): void {
    inode.lookups = Math.max(0, inode.lookups - count);
    this.#drop(inode);
  }

  closed(inode: Inode): void {
    inode.opens--;
    this.#drop(inode);
  }

  /** Lets go of what nobody refers to, and of directories that were only kept for it. */
  #drop(start: Inode): void {
    let inode: Inode | undefined = start;
    while (inode !== undefined && inode.parent !== undefined) {
      if (inode.lookups > 0 || inode.opens > 0 || (inode.children !== undefined && inode.children.size > 0)) return;
      if (!this.#byId.delete(inode.id)) return;
      const parent: Inode = inode.parent;
      if (parent.children?.get(inode.name) === inode) parent.children.delete(inode.name);
      for (const other of inode.others ?? []) {
        if (other.parent.children?.get(other.name) === inode) other.parent.children.delete(other.name);
      }
      if (inode.ino !== 0) {
        const key = `${mountOf(inode.path)}:${inode.ino}`;
        if (this.#shared.get(key) === inode) this.#shared.delete(key);
      }
      inode = parent;
    }
  }

  /** The inode at a path, where the kernel knows it. */
  find(path: string): Inode | undefined {
    if (path === ROOT) return this.root;
    let inode: Inode | undefined = this.root;
    for (const name of path.slice(ROOT.length + 1).split('/')) {
      inode = inode.children?.get(name);
      if (inode === undefined) return undefined;
    }
    return inode;
  }
}

function pathIn(parent: Inode, name: string): Path {
  const plain = name.endsWith(TWIN) ? name.slice(0, -TWIN.length) : name;
  // Both halves were checked when the kernel sent them.
  return `${parent.path}/${plain}` as Path;
}

function adopt(parent: Inode, name: string, inode: Inode): void {
  parent.children ??= new Map();
  parent.children.set(name, inode);
}

/** Puts `inode` at a place and gives every path below it its new beginning. */
function place(inode: Inode, parent: Inode, name: string, path: Path): void {
  inode.parent = parent;
  inode.name = name;
  inode.linked = true;
  adopt(parent, name, inode);
  repath(inode, path);
}

function repath(inode: Inode, path: Path): void {
  inode.path = path;
  if (inode.ino === 0) inode.inoLo = 0;
  if (inode.children === undefined) return;
  for (const [name, child] of inode.children) {
    if (child.parent === inode && child.name === name) repath(child, pathIn(inode, name));
  }
}
