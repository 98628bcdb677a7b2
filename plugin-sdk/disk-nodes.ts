/** A directory, a file and a link of the disk, with all their verbs. */

import type { Stats } from 'node:fs';
import * as fs from 'node:fs';
import { asAosError } from '../core/errors.ts';
import type {
  Attr,
  AttrChange,
  DirNode,
  Entry,
  FileBody,
  FileNode,
  LinkNode,
  NodeKind,
  Op,
  OpenHow,
  RenameHow,
} from '../core/types.ts';
import { attrOf } from './disk-file.ts';
import { type DiskHost, SET_UID } from './disk-host.ts';

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } = fs.constants;
/** Never a link's target, and never a wait for a pipe's other end. */
const O_SAFE = O_NOFOLLOW | O_NONBLOCK;
const SET_GID = 0o2000;
const IS_ROOT = process.getuid?.() === 0;

/** What the three kinds share. */
abstract class DiskNode {
  readonly attr: Attr;
  protected readonly disk: DiskHost;
  protected readonly rest: string;

  constructor(disk: DiskHost, rest: string, stats: Stats) {
    this.disk = disk;
    this.rest = rest;
    this.attr = attrOf(stats, disk.isFrozen(rest));
  }

  change(op: Op, change: AttrChange): void {
    this.disk.change(op, [this.rest], host => {
      if (change.uid !== undefined || change.gid !== undefined) this.own(op, host, change);
      if (change.mode !== undefined) this.permit(op, host, change.mode);
      if (change.atime !== undefined || change.mtime !== undefined) this.date(host, change);
    });
  }

  /** As on any disk: only root gives files away. */
  private own(op: Op, host: string, change: AttrChange): void {
    const { uid = -1, gid = -1 } = this.attr;
    const to = { uid: change.uid ?? uid, gid: change.gid ?? gid };
    if (to.uid === uid && to.gid === gid) return;
    const { caller } = op;
    const isOwn = caller.uid === uid && to.uid === uid && to.gid === caller.gid;
    if (IS_ROOT && caller.uid !== 0 && !isOwn) {
      throw this.disk.error('not_permitted', op, 'only root gives files away', 'ask root for it');
    }
    fs.lchownSync(host, to.uid, to.gid);
  }

  private permit(op: Op, host: string, mode: number): void {
    const { disk } = this;
    if (this.kind === 'link') throw disk.error('unsupported', op, 'a link has no mode', 'change its target');
    // The files belong to the daemon: a set-uid file would lend its rights on the host.
    if ((mode & SET_UID) !== 0 || (this.kind === 'file' && (mode & SET_GID) !== 0)) {
      throw disk.error('not_permitted', op, 'set-uid and set-gid files are not kept here', 'leave these bits out');
    }
    if (IS_ROOT && op.caller.uid !== 0 && op.caller.uid !== this.attr.uid) {
      throw disk.error('not_permitted', op, 'only its owner changes its mode', 'ask the owner or root for it');
    }
    fs.chmodSync(host, mode);
  }

  private date(host: string, change: AttrChange): void {
    const { atime = 0, mtime = 0 } = this.attr;
    // As text: Node takes a number below 0, a time before 1970, for now.
    fs.lutimesSync(host, String((change.atime ?? atime) / 1000), String((change.mtime ?? mtime) / 1000));
  }

  abstract readonly kind: NodeKind;
}

export class DiskDir extends DiskNode implements DirNode {
  readonly kind = 'dir';

  list(op: Op): Entry[] {
    const { disk, rest } = this;
    const { hidden, overlay } = disk.options;
    const entries: Entry[] = [];
    if (rest === '' && overlay !== undefined) for (const name of overlay.names) entries.push({ name, kind: 'dir' });
    const found = disk.attempt(op, () => fs.readdirSync(disk.hostDir(rest, op), { withFileTypes: true }));
    for (const dirent of found) {
      const kind = dirent.isFile()
        ? 'file'
        : dirent.isDirectory()
          ? 'dir'
          : dirent.isSymbolicLink()
            ? 'link'
            : undefined;
      const { name } = dirent;
      if (kind === undefined || hidden?.(this.below(name))) continue;
      if (rest === '' && overlay?.names.includes(name)) continue;
      entries.push({ name, kind });
    }
    return entries;
  }

  makeFile(op: Op, name: string, mode: number, how: OpenHow): FileBody {
    const { disk } = this;
    const rest = this.below(name);
    disk.unpinned(rest, op);
    return disk.change(op, [rest], host => {
      const flags = O_SAFE | accessOf(how);
      const bits = disk.modeOf(rest, mode) & ~SET_GID;
      const made = openNew(host, flags, bits, how.exclusive === true);
      const fd = made ?? fs.openSync(host, flags);
      try {
        if (made !== undefined) {
          // Whatever the daemon's own umask is, the caller's has been applied.
          fs.fchmodSync(fd, bits);
          if (givesAway(op)) fs.fchownSync(fd, op.caller.uid, op.caller.gid);
        }
        return disk.body(fd, rest, 0);
      } catch (thrown) {
        fs.closeSync(fd);
        throw thrown;
      }
    });
  }

  makeDir(op: Op, name: string, mode: number): void {
    const rest = this.below(name);
    this.disk.change(op, [rest], host => {
      const bits = this.disk.modeOf(rest, mode);
      fs.mkdirSync(host, { mode: bits });
      fs.chmodSync(host, bits | (fs.lstatSync(host).mode & SET_GID));
      if (givesAway(op)) fs.lchownSync(host, op.caller.uid, op.caller.gid);
    });
  }

  makeLink(op: Op, name: string, target: string): void {
    const rest = this.below(name);
    this.disk.unpinned(rest, op);
    this.disk.change(op, [rest], host => {
      fs.symlinkSync(target, host);
      if (givesAway(op)) fs.lchownSync(host, op.caller.uid, op.caller.gid);
    });
  }

  /** The file at `from` must be one that may change: a second name would be a way around. */
  makeHardLink(op: Op, name: string, from: string): void {
    const rest = this.below(name);
    this.disk.unpinned(rest, op);
    this.disk.change(op, [rest, from], (host, source) => fs.linkSync(source, host));
  }

  remove(op: Op, name: string): void {
    this.disk.change(op, [this.below(name)], host => fs.unlinkSync(host));
  }

  removeDir(op: Op, name: string): void {
    this.disk.change(op, [this.below(name)], host => fs.rmdirSync(host));
  }

  rename(op: Op, name: string, to: string, how: RenameHow): void {
    const { disk } = this;
    if (how.exchange) throw disk.error('unsupported', op, 'two names are not exchanged at once', 'rename them in turn');
    const from = this.below(name);
    disk.unpinned(from, op);
    disk.unpinned(to, op);
    disk.change(op, [from, to], (host, target) => {
      const there = fs.lstatSync(target, { throwIfNoEntry: false }) !== undefined;
      if (how.noReplace && there) throw disk.error('exists', op, 'the new name exists already', 'choose another name');
      fs.renameSync(host, target);
    });
  }

  private below(name: string): string {
    return this.rest === '' ? name : `${this.rest}/${name}`;
  }
}

export class DiskFile extends DiskNode implements FileNode {
  readonly kind = 'file';

  open(op: Op, how: OpenHow): FileBody {
    const { disk, rest } = this;
    if (how.write || how.truncate) disk.changeable(rest, op);
    return disk.attempt(op, () => {
      const fd = fs.openSync(disk.host(rest, op), O_SAFE | accessOf(how));
      if (how.truncate) disk.options.onChange?.(rest);
      return disk.body(fd, rest, how.truncate ? 0 : (this.attr.size ?? 0));
    });
  }

  truncate(op: Op, size: number): void {
    this.disk.change(op, [this.rest], host => {
      const fd = fs.openSync(host, O_SAFE | O_WRONLY);
      try {
        fs.ftruncateSync(fd, size);
      } finally {
        fs.closeSync(fd);
      }
    });
  }
}

export class DiskLink extends DiskNode implements LinkNode {
  readonly kind = 'link';
  readonly target: string;

  constructor(disk: DiskHost, rest: string, stats: Stats) {
    super(disk, rest, stats);
    this.target = fs.readlinkSync(`${disk.root}/${rest}`);
  }
}

/** Undefined where the file is there already and need not be new. */
function openNew(host: string, flags: number, mode: number, exclusive: boolean): number | undefined {
  try {
    return fs.openSync(host, flags | O_CREAT | O_EXCL, mode);
  } catch (thrown) {
    if (exclusive || asAosError(thrown, 'disk').kind !== 'exists') throw thrown;
    return undefined;
  }
}

function accessOf(how: OpenHow): number {
  const access = how.write ? (how.read ? O_RDWR : O_WRONLY) : O_RDONLY;
  return access | (how.append ? O_APPEND : 0) | (how.truncate && how.write ? O_TRUNC : 0);
}

/** A daemon of root makes files for others: they belong to who asked, as on any disk. */
function givesAway(op: Op): boolean {
  return IS_ROOT && op.caller.uid !== 0;
}
