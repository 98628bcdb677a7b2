/** The tree as doors and plugins use it: each operation is one `perform`, and finds its node only once inside. */

import { seesAll } from './capabilities/decide.ts';
import { explain } from './capabilities/explain.ts';
import { AosError } from './errors.ts';
import { LIMITS } from './limits.ts';
import { isPromise, then } from './maybe.ts';
import { restOf } from './namespace.ts';
import { fileHandle } from './nodes/file.ts';
import { findNode } from './nodes/find.ts';
import type { Again } from './nodes/handle.ts';
import { openNode, verbOf } from './nodes/open.ts';
import { type StatDefaults, statOf } from './nodes/stat.ts';
import { getXattr, listXattrs, removeXattr, setXattr } from './nodes/xattrs.ts';
import { join, nameOf, parentOf } from './path.ts';
import { lookIn, no, noSuch, served, unchangeable, WHAT_CHANGES } from './refusals.ts';
import type {
  Aos,
  AttrChange,
  Caller,
  Cancel,
  DirNode,
  Entry,
  Explanation,
  Handle,
  Maybe,
  MountPoint,
  Node,
  Op,
  OpenHow,
  Path,
  RenameHow,
  Stat,
  Verb,
} from './types.ts';
import type { Vfs } from './vfs.ts';
import { orElse, READ, REPLACE, readAll, writeAll } from './whole.ts';

export class Operations implements Aos {
  private readonly vfs: Vfs;
  private readonly defaults: StatDefaults;

  constructor(vfs: Vfs, defaults: StatDefaults) {
    this.vfs = vfs;
    this.defaults = defaults;
  }

  stat(caller: Caller, path: Path, cancel?: Cancel): Maybe<Stat> {
    return this.on(caller, 'stat', path, cancel, (node, op, mount) =>
      statOf(node, op, this.defaults, mount.path === path),
    );
  }

  list(caller: Caller, path: Path, cancel?: Cancel): Maybe<Entry[]> {
    return this.on(caller, 'list', path, cancel, (node, op) => {
      if (node.kind !== 'dir') throw no(op, 'not_dir', 'not a directory');
      return then(node.list(op), entries => this.visible(caller, path, entries));
    });
  }

  open(caller: Caller, path: Path, how: OpenHow, cancel?: Cancel): Maybe<Handle> {
    const verb = verbOf(how, asked => this.allows(caller, asked, path));
    const open = (node: Node, op: Op, mount: MountPoint): Maybe<Handle> => {
      const also = node.kind === 'call' ? 'call' : verb === 'call' ? 'write' : how.write && how.read ? 'read' : verb;
      if (also !== verb) this.vfs.authorise(caller, also, path);
      return openNode(node, op, how, this.again(caller, path, mount), this.defaults);
    };
    return this.on(caller, verb, path, cancel, open);
  }

  create(caller: Caller, path: Path, mode: number, how: OpenHow, cancel?: Cancel): Maybe<Handle> {
    return this.inParent(caller, 'create', path, cancel, (dir, name, op, mount) => {
      if (dir.makeFile === undefined) throw unchangeable(path);
      const again = this.again(caller, path, mount);
      return then(dir.makeFile(op, name, mode, how), body =>
        fileHandle(body, path, how, undefined, again, this.defaults),
      );
    });
  }

  read(caller: Caller, path: Path, cancel?: Cancel): Maybe<Uint8Array> {
    return then(this.open(caller, path, READ, cancel), handle => {
      const read = readAll(handle, cancel);
      if (isPromise(read)) return read.finally(() => handle.close());
      handle.close();
      return read;
    });
  }

  write(caller: Caller, path: Path, body: Uint8Array, cancel?: Cancel): Maybe<unknown> {
    const opened = orElse(
      () => this.open(caller, path, REPLACE, cancel),
      error => error instanceof AosError && error.kind === 'not_found',
      () => this.create(caller, path, 0o644, REPLACE, cancel),
    );
    return then(opened, handle => {
      const sent = orElse(
        () => then(writeAll(handle, body, cancel), () => handle.flush(cancel)),
        () => true,
        error => {
          handle.close();
          throw error;
        },
      );
      return then(sent, receipt => {
        handle.close();
        return receipt;
      });
    });
  }

  call(caller: Caller, path: Path, request: unknown, cancel?: Cancel): Maybe<unknown> {
    const act = (node: Node, op: Op): Maybe<unknown> => {
      if (node.call !== undefined) return node.call(op, request);
      if (node.kind !== 'call') throw no(op, 'unsupported', 'it cannot be called', 'read or write it instead');
      return node.reply(op, Buffer.from(typeof request === 'string' ? request : JSON.stringify(request)));
    };
    return this.on(caller, 'call', path, cancel, act, request);
  }

  makeDir(caller: Caller, path: Path, mode: number, cancel?: Cancel): Maybe<void> {
    return this.inParent(caller, 'create', path, cancel, (dir, name, op) => {
      if (dir.makeDir === undefined) throw unchangeable(path);
      return dir.makeDir(op, name, mode);
    });
  }

  makeLink(caller: Caller, path: Path, target: string, cancel?: Cancel): Maybe<void> {
    return this.inParent(caller, 'create', path, cancel, (dir, name, op) => {
      if (dir.makeLink === undefined) throw unchangeable(path);
      return dir.makeLink(op, name, target);
    });
  }

  makeHardLink(caller: Caller, path: Path, from: Path, cancel?: Cancel): Maybe<void> {
    this.vfs.authorise(caller, 'read', from);
    this.vfs.authorise(caller, 'write', from);
    return this.inParent(caller, 'create', path, cancel, (dir, name, op, mount) => {
      if (dir.makeHardLink === undefined) throw unchangeable(path);
      return dir.makeHardLink(op, name, this.sameMount(op, mount, from));
    });
  }

  remove(caller: Caller, path: Path, cancel?: Cancel): Maybe<void> {
    return this.inParent(caller, 'remove', path, cancel, (dir, name, op) => {
      if (dir.remove === undefined) throw unchangeable(path);
      return dir.remove(op, name);
    });
  }

  removeDir(caller: Caller, path: Path, cancel?: Cancel): Maybe<void> {
    return this.inParent(caller, 'remove', path, cancel, (dir, name, op) => {
      if (this.vfs.policy.namespace.has(path)) throw served(path);
      if (dir.removeDir === undefined) throw unchangeable(path);
      return dir.removeDir(op, name);
    });
  }

  rename(caller: Caller, from: Path, to: Path, how: RenameHow, cancel?: Cancel): Maybe<void> {
    this.vfs.authorise(caller, 'create', to);
    if (how.exchange) this.vfs.authorise(caller, 'remove', to);
    return this.inParent(caller, 'remove', from, cancel, (dir, name, op, mount) => {
      const rest = this.sameMount(op, mount, to);
      if (dir.rename === undefined) throw unchangeable(from);
      return dir.rename(op, name, rest, how);
    });
  }

  change(caller: Caller, path: Path, change: AttrChange, cancel?: Cancel): Maybe<void> {
    return this.on(caller, 'write', path, cancel, (node, op) => {
      if (node.change !== undefined) return node.change(op, change);
      // `touch` and `cp -p` on what has no times of its own: nothing to keep, nothing to refuse.
      if (change.mode === undefined && change.uid === undefined && change.gid === undefined) return undefined;
      throw no(op, 'not_permitted', 'its mode and owner are fixed', WHAT_CHANGES);
    });
  }

  truncate(caller: Caller, path: Path, size: number, cancel?: Cancel): Maybe<void> {
    return this.on(caller, 'write', path, cancel, (node, op) => {
      if (node.kind === 'file' && node.truncate !== undefined) return node.truncate(op, size);
      if (node.kind === 'message' || node.kind === 'call') return undefined;
      if (node.kind === 'value' && node.write !== undefined) return undefined;
      throw no(op, 'read_only', 'it cannot be written', WHAT_CHANGES);
    });
  }

  getXattr(caller: Caller, path: Path, name: string, cancel?: Cancel): Maybe<Uint8Array | undefined> {
    return this.on(caller, 'read', path, cancel, (node, op) => getXattr(node, op, name));
  }

  listXattrs(caller: Caller, path: Path, cancel?: Cancel): Maybe<string[]> {
    return this.on(caller, 'stat', path, cancel, node => listXattrs(node));
  }

  setXattr(caller: Caller, path: Path, name: string, value: Uint8Array, cancel?: Cancel): Maybe<void> {
    return this.on(caller, 'write', path, cancel, (node, op) => setXattr(node, op, name, value));
  }

  removeXattr(caller: Caller, path: Path, name: string, cancel?: Cancel): Maybe<void> {
    return this.on(caller, 'write', path, cancel, (node, op) => removeXattr(node, op, name));
  }

  space(caller: Caller, path: Path): { blocks: number; free: number; files: number; filesFree: number } {
    this.vfs.authorise(caller, 'stat', path);
    return this.vfs.policy.namespace.at(path).tree.space?.() ?? { blocks: 0, free: 0, files: 0, filesFree: 0 };
  }

  explain(caller: Caller, verb: Verb, path: Path): Explanation {
    return explain(this.vfs.policy, this.vfs.authorityOf(caller), caller, verb, path);
  }

  /** One operation on one node. */
  private on<T>(
    caller: Caller,
    verb: Verb,
    path: Path,
    cancel: Cancel | undefined,
    act: (node: Node, op: Op, mount: MountPoint) => Maybe<T>,
    request?: unknown,
  ): Maybe<T> {
    const found = (mount: MountPoint, rest: string, op: Op): Maybe<T> => {
      const node = findNode(mount.tree, rest, op);
      if (isPromise(node)) return node.then(n => act(n ?? this.between(op), op, mount));
      return act(node ?? this.between(op), op, mount);
    };
    return this.vfs.perform(caller, verb, path, found, cancel, request);
  }

  /** One operation on a name in a directory. The verb is asked of the name's own path. */
  private inParent<T>(
    caller: Caller,
    verb: Verb,
    path: Path,
    cancel: Cancel | undefined,
    act: (dir: DirNode, name: string, op: Op, mount: MountPoint) => Maybe<T>,
  ): Maybe<T> {
    const found = (mount: MountPoint, rest: string, op: Op): Maybe<T> => {
      if (rest === '') throw served(path);
      const slash = rest.lastIndexOf('/');
      const parent = findNode(mount.tree, slash === -1 ? '' : rest.slice(0, slash), op);
      return then(parent, node => {
        if (node === undefined) throw no(op, 'not_found', 'its directory does not exist', lookIn(parentOf(path)));
        if (node.kind !== 'dir') throw no(op, 'not_dir', 'its parent is not a directory');
        return act(node, nameOf(path), op, mount);
      });
    };
    return this.vfs.perform(caller, verb, path, found, cancel);
  }

  /** A directory that exists only because something is mounted below it. */
  private between(op: Op): Node {
    if (this.vfs.policy.namespace.below(op.path).size > 0) return { kind: 'dir', list: () => [] };
    throw noSuch(op.path);
  }

  /** Adds what is mounted below and leaves out what the caller may not see. */
  private visible(caller: Caller, path: Path, entries: Iterable<Entry>): Entry[] {
    const out: Entry[] = [];
    const mounted = this.vfs.policy.namespace.below(path);
    const all = seesAll(this.vfs.authorityOf(caller));
    for (const entry of entries) {
      if (out.length >= LIMITS.listing_entries_max) break;
      mounted.delete(entry.name);
      if (all || this.allows(caller, 'stat', join(path, entry.name))) out.push(entry);
    }
    for (const name of mounted) {
      if (all || this.allows(caller, 'stat', join(path, name))) out.push({ name, kind: 'dir' });
    }
    return out;
  }

  private allows(caller: Caller, verb: Verb, path: Path): boolean {
    return this.vfs.decision(caller, verb, path).outcome === 'allowed';
  }

  private sameMount(op: Op, mount: MountPoint, other: Path): string {
    if (this.vfs.policy.namespace.at(parentOf(other)) !== mount) {
      throw no(op, 'cross_mount', `${other} is in another mount`, 'copy it instead');
    }
    return restOf(mount, other);
  }

  /** How an open handle comes back through the gate: cheaply while nothing has changed. */
  private again(caller: Caller, path: Path, mount: MountPoint): Again {
    const { vfs } = this;
    let epoch = vfs.epoch;
    let always = mount.locked === true || vfs.timed(caller);
    return {
      component: mount.component,
      check: verb => {
        if (epoch === vfs.epoch && !always) return;
        vfs.recheck(caller, verb, path, mount);
        if (epoch !== vfs.epoch) always = mount.locked === true || vfs.timed(caller);
        epoch = vfs.epoch;
      },
      perform: (verb, act, cancel) => vfs.perform(caller, verb, path, (_mount, _rest, op) => act(op), cancel),
      stat: () => this.stat(caller, path),
    };
  }
}
