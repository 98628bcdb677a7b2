/** The tree as doors and plugins use it: each operation is one `perform`, and finds its node only once inside. */

import { againThrough } from './again.ts';
import { explain } from './capabilities/explain.ts';
import { AosError, asAosError } from './errors.ts';
import { isPromise, then } from './maybe.ts';
import { agreeToMove, restInMount } from './moving.ts';
import { fileHandle } from './nodes/file.ts';
import { findNode } from './nodes/find.ts';
import type { Again } from './nodes/handle.ts';
import { listNode } from './nodes/list.ts';
import { openNode, verbOf, writing } from './nodes/open.ts';
import { type StatDefaults, statOf } from './nodes/stat.ts';
import { resizeValue } from './nodes/value.ts';
import { getXattr, listXattrs, removeXattr, setXattr } from './nodes/xattrs.ts';
import type { Terms } from './operation.ts';
import { nameOf, parentOf } from './path.ts';
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
  Micros,
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
import { visible } from './visible.ts';
import { closing, orElse, READ, REPLACE, readAll, writeAll } from './whole.ts';

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

  list(caller: Caller, path: Path, cancel?: Cancel, cursor?: string): Maybe<Entry[]> {
    const act = (node: Node, op: Op): Maybe<Entry[]> =>
      then(listNode(node, op, cursor), entries => visible(this.vfs, caller, path, entries));
    return this.on(caller, 'list', path, cancel, act, cursor);
  }

  open(caller: Caller, path: Path, asked: OpenHow, cancel?: Cancel): Maybe<Handle> {
    const how = writing(asked);
    const verb = verbOf(how, one => this.vfs.allows(caller, one, path));
    const open = (node: Node, op: Op, mount: MountPoint): Maybe<Handle> => {
      const also = node.kind === 'call' ? 'call' : verb === 'call' ? 'write' : how.write && how.read ? 'read' : verb;
      if (also !== verb) this.vfs.also(op, also, path);
      return openNode(node, op, how, this.again(caller, path, mount), this.defaults);
    };
    return this.on(caller, verb, path, cancel, open);
  }

  /** Whoever may create and not write makes new files only. */
  create(caller: Caller, path: Path, mode: number, how: OpenHow, cancel?: Cancel): Maybe<Handle> {
    const made = how.exclusive === true || !this.vfs.allows(caller, 'write', path);
    return this.inParent(caller, 'create', path, cancel, (dir, name, op, mount) => {
      const { makeFile } = dir;
      if (makeFile === undefined) return this.createValue(dir, name, op, how, mount);
      const body = orElse(
        () => makeFile.call(dir, op, name, mode, made ? { ...how, exclusive: true } : how),
        error => how.exclusive !== true && asAosError(error, mount.component, path).kind === 'exists',
        error => {
          this.vfs.also(op, 'write', path);
          throw error;
        },
      );
      const again = this.again(caller, path, mount, made);
      return then(body, file => fileHandle(file, path, how, undefined, again, this.defaults));
    });
  }

  /** It comes to be when it is written, which is what is paid for: so nobody makes it who may not write it. */
  private createValue(dir: DirNode, name: string, op: Op, how: OpenHow, mount: MountPoint): Maybe<Handle> {
    if (dir.makeValue === undefined) throw unchangeable(op.path);
    this.vfs.also(op, 'write', op.path);
    const again = this.again(op.caller, op.path, mount);
    const opened = { ...how, write: true, truncate: how.truncate || !how.append };
    return then(dir.makeValue(op, name), node => openNode(node, op, opened, again, this.defaults));
  }

  openOrCreate(caller: Caller, path: Path, mode: number, how: OpenHow, cancel?: Cancel): Maybe<Handle> {
    const open = (): Maybe<Handle> => this.open(caller, path, how, cancel);
    const create = (): Maybe<Handle> => this.create(caller, path, mode, how, cancel);
    const stat = (): Maybe<Stat> => this.stat(caller, path, cancel);
    const only = this.vfs.allows(caller, 'create', path) && !this.vfs.allows(caller, 'write', path);
    // To try to open it first would be refused, and told, where nothing is to be refused.
    if (only) return orElse(() => then(stat(), open), isMissing, create);
    return orElse(open, isMissing, create);
  }

  read(caller: Caller, path: Path, cancel?: Cancel): Maybe<Uint8Array> {
    return then(this.open(caller, path, READ, cancel), handle => closing(handle, () => readAll(handle, cancel)));
  }

  write(caller: Caller, path: Path, body: Uint8Array, cancel?: Cancel): Maybe<unknown> {
    return then(this.openOrCreate(caller, path, 0o644, REPLACE, cancel), handle =>
      closing(handle, () => then(writeAll(handle, body, cancel), () => handle.flush(cancel, true))),
    );
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

  /** A second name gives whoever may create it what they may do there: so they have to have it here already. */
  makeHardLink(caller: Caller, path: Path, from: Path, cancel?: Cancel): Maybe<void> {
    const link: InParent<void> = (dir, name, op, mount) => {
      if (dir.makeHardLink === undefined) throw unchangeable(path);
      if (also.some(({ verb }) => this.vfs.decision(caller, verb, from).until !== Number.POSITIVE_INFINITY)) {
        throw no(op, 'not_permitted', `your right to ${from} ends, and a second name would not`, 'copy it instead');
      }
      return dir.makeHardLink(op, name, restInMount(this.vfs, op, mount, from));
    };
    const also = [
      { verb: 'read', path: from },
      { verb: 'write', path: from },
    ] as const;
    return this.inParent(caller, 'create', path, cancel, link, { also, told: `from ${from}` });
  }

  remove(caller: Caller, path: Path, cancel?: Cancel): Maybe<void> {
    return this.inParent(caller, 'remove', path, cancel, (dir, name, op) => {
      if (dir.remove === undefined) throw unchangeable(path);
      return dir.remove(op, name);
    });
  }

  removeDir(caller: Caller, path: Path, cancel?: Cancel): Maybe<void> {
    return this.inParent(caller, 'remove', path, cancel, (dir, name, op) => {
      if (dir.removeDir === undefined) throw unchangeable(path);
      return dir.removeDir(op, name);
    });
  }

  rename(caller: Caller, from: Path, to: Path, how: RenameHow, cancel?: Cancel): Maybe<void> {
    const move: InParent<void> = (dir, name, op, mount) => {
      const rest = restInMount(this.vfs, op, mount, to);
      if (dir.rename === undefined) throw unchangeable(from);
      return then(agreeToMove(this.vfs, op, mount, to, how), agreed => dir.rename?.(op, name, rest, agreed));
    };
    const create = { verb: 'create', path: to } as const;
    const back = [{ verb: 'remove', path: to } as const, { verb: 'create', path: from } as const];
    const also = how.exchange ? [create, ...back] : [create];
    return this.inParent(caller, 'remove', from, cancel, move, { also, told: `to ${to}` });
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
      if (node.kind === 'value' && node.write !== undefined) return then(resizeValue(node, op, size), () => undefined);
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

  unaffordable(caller: Caller, path: Path, price: Micros, costs: string): AosError | undefined {
    const { namespace, budget, breaker, scopes, now } = this.vfs.policy;
    const counted = scopes(caller, path, namespace.at(path), undefined);
    const over = budget.refusal(counted, price, now(), { path, agent: caller.agent, costs });
    if (over?.tripped !== undefined) breaker.trip({ at: now(), path, why: over.tripped });
    return over;
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
    act: InParent<T>,
    terms?: Terms,
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
    return this.vfs.perform(caller, verb, path, found, cancel, undefined, terms);
  }

  /** A directory that exists only because something is mounted below it. */
  private between(op: Op): Node {
    if (this.vfs.policy.namespace.below(op.path).size > 0) return { kind: 'dir', list: () => [] };
    throw noSuch(op.path);
  }

  private again(caller: Caller, path: Path, mount: MountPoint, made = false): Again {
    return againThrough(this.vfs, { caller, path, mount, made, stat: () => this.stat(caller, path) });
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof AosError && error.kind === 'not_found';
}

/** What is done to a name in a directory. */
type InParent<T> = (dir: DirNode, name: string, op: Op, mount: MountPoint) => Maybe<T>;
