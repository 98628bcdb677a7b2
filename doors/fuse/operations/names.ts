/** Operations on names: looking up, making, removing, moving. */

import { AosError } from '../../../core/errors.ts';
import { isPromise, then } from '../../../core/maybe.ts';
import { isWithin, OUTSIDE } from '../../../core/path.ts';
import { noSuch } from '../../../core/refusals.ts';
import type { Cancel, Maybe, Path, Stat } from '../../../core/types.ts';
import { errnoOf } from '../errno.ts';
import type { Inode } from '../inodes.ts';
import { intentOf, leadsOn } from '../intent.ts';
import type { Ticket } from '../request.ts';
import type { Server } from '../server.ts';
import { asFile, TWIN } from '../twins.ts';
import { IN_HEADER, OUT_HEADER, S } from '../wire.ts';

const ENOENT = 2;
const RENAME_NOREPLACE = 1;
const RENAME_EXCHANGE = 2;
/** Behind the name of a directory that is only the way on from a file: no name of the tree holds a NUL. */
const WAY = '\0/';

/** FUSE_LOOKUP: name. Sent for every part of a path that the kernel may not take from its cache. */
export function lookup(server: Server): void {
  const parent = server.inode();
  const name = server.request.name(IN_HEADER);
  const path = server.pathOf(parent, name);
  const thread = server.request.pid;
  const cancel = server.cancel();
  try {
    const stat = server.aos.stat(server.caller(), path, cancel);
    if (!isPromise(stat) && !isTwofold(path, stat)) {
      named(server, server.request, parent, name, path, stat);
      return;
    }
    const found = then(stat, one => asWanted(server, thread, path, one));
    if (isPromise(found)) {
      const watched = found.catch(error => missed(server, parent, name, error));
      server.later(watched, cancel, (ticket, one) => looked(server, parent, name, path, ticket, one));
    } else looked(server, parent, name, path, server.request, found);
  } catch (error) {
    missed(server, parent, name, error);
  }
}

/** A name that turned out not to exist is no longer known. Throws `error` on. */
function missed(server: Server, parent: Inode, name: string, error: unknown): never {
  if (parent.children?.has(name) && errnoOf(error) === ENOENT) {
    server.inodes.unlink(parent, name);
  }
  throw error;
}

function named(server: Server, ticket: Ticket, parent: Inode, name: string, path: Path, stat: Stat): void {
  server.entry(ticket, server.inodes.resolve(parent, name, path, stat), stat);
}

/** What a name is for the thread that asks, and what stands behind it where its inode is one of several. */
interface Side {
  readonly stat: Stat;
  readonly mark: string;
}

/** As `named`, for one side of a name: the sides are kept apart. */
function looked(server: Server, parent: Inode, name: string, path: Path, ticket: Ticket, { stat, mark }: Side): void {
  named(server, ticket, parent, name + mark, path, stat);
}

/** Whether the name may be a file and a directory, so that it is for the thread that asks to say which is meant. */
function isTwofold(path: Path, stat: Stat): boolean {
  return stat.opens === true || (stat.kind === 'value' && isWithin(path, OUTSIDE));
}

/** A directory or the file that it also is, a file or the way to what is below it. What is not known to be there is in nobody's way. */
function asWanted(server: Server, thread: number, path: Path, stat: Stat): Maybe<Side> {
  const itself = { stat, mark: '' };
  if (!isTwofold(path, stat)) return itself;
  if (stat.opens !== true) return then(leadsOn(thread, path), onward => (onward ? asWay(stat) : itself));
  const file = (): Side => ({ stat: asFile(stat), mark: TWIN });
  if (server.twins.wants(thread, path)) return file();
  return then(intentOf(thread, path), intent => {
    if (intent === 'make') throw noSuch(path);
    return intent === 'change' ? file() : itself;
  });
}

/** What a file is on the way to something below it: a field of it, or what a service has there though it listed a file. */
function asWay(stat: Stat): Side {
  return { stat: { ...stat, kind: 'dir', mode: S.IFDIR | 0o555, nlink: 1, size: 0, blocks: 0 }, mark: WAY };
}

/** FUSE_FORGET: nlookup u64. The kernel gives back references. No reply. */
export function forget(server: Server): void {
  const inode = server.inodes.get(server.request.nodeid);
  if (inode !== undefined) server.inodes.forget(inode, server.request.u64(IN_HEADER));
}

/** FUSE_BATCH_FORGET: count u32, dummy u32, then per node: nodeid u64, nlookup u64. No reply. */
export function batchForget(server: Server): void {
  const { request, inodes } = server;
  const count = Math.min(request.u32(IN_HEADER), Math.floor((request.length - IN_HEADER - 8) / 16));
  for (let i = 0, at = IN_HEADER + 8; i < count; i++, at += 16) {
    const inode = inodes.get(request.u64(at));
    if (inode !== undefined) inodes.forget(inode, request.u64(at + 8));
  }
}

/** FUSE_READLINK: nothing. The target without a NUL. */
export function readlink(server: Server): void {
  const path = server.path(server.inode());
  const cancel = server.cancel();
  server.finish(server.aos.stat(server.caller(), path, cancel), cancel, (ticket, stat) => {
    if (stat.target === undefined) {
      throw new AosError('invalid', {
        component: 'kernel door',
        path,
        why: 'it is not a link',
        remedy: 'read it as what it is',
      });
    }
    const target = Buffer.from(stat.target);
    server.send(server.reply.data(ticket, target, target.length));
  });
}

/** Makes something under `name`, then answers with its entry. */
function make(server: Server, name: string, act: (path: Path, cancel: Cancel) => Maybe<unknown>): void {
  const parent = server.inode();
  const path = server.pathOf(parent, name);
  const caller = server.caller();
  const cancel = server.cancel();
  const made = then(act(path, cancel), () => server.aos.stat(caller, path, cancel));
  server.finish(made, cancel, (ticket, stat) => named(server, ticket, parent, name, path, stat));
}

/** FUSE_SYMLINK: name, target. */
export function symlink(server: Server): void {
  const { request } = server;
  const name = request.name(IN_HEADER);
  const target = request.text(request.endOf(IN_HEADER) + 1);
  const caller = server.caller();
  make(server, name, (path, cancel) => server.aos.makeLink(caller, path, target, cancel));
}

/** FUSE_MKDIR: mode u32, umask u32 (already applied), name. */
export function mkdir(server: Server): void {
  const mode = server.request.u32(IN_HEADER) & 0o7777;
  const caller = server.caller();
  make(server, server.request.name(IN_HEADER + 8), (path, cancel) => server.aos.makeDir(caller, path, mode, cancel));
}

/** FUSE_MKNOD: mode u32, rdev u32, umask u32, padding, name. Ordinary files only. */
export function mknod(server: Server): void {
  const mode = server.request.u32(IN_HEADER);
  const name = server.request.name(IN_HEADER + 16);
  const caller = server.caller();
  const type = mode & S.IFMT;
  make(server, name, (path, cancel) => {
    if (type !== S.IFREG && type !== 0) {
      const remedy = 'make it outside the mount';
      throw new AosError('not_permitted', {
        component: 'kernel door',
        path,
        why: 'the tree has no devices, pipes or sockets',
        remedy,
      });
    }
    const how = { read: false, write: true, append: false, truncate: false, exclusive: true };
    return then(server.aos.create(caller, path, mode & 0o7777, how, cancel), handle => handle.close());
  });
}

/** FUSE_LINK: oldnodeid u64, name. */
export function link(server: Server): void {
  const { request } = server;
  const target = server.inode(request.u64(IN_HEADER));
  const from = server.path(target);
  const parent = server.inode();
  const name = request.name(IN_HEADER + 8);
  const path = server.pathOf(parent, name);
  const caller = server.caller();
  const cancel = server.cancel();
  const made = then(server.aos.makeHardLink(caller, path, from, cancel), () => server.aos.stat(caller, path, cancel));
  server.finish(made, cancel, (ticket, stat) => {
    server.inodes.addName(target, parent, name, path);
    target.learn(stat);
    server.entry(ticket, target, stat);
  });
}

/** FUSE_UNLINK: name. */
export function unlink(server: Server): void {
  remove(server, (caller, path, cancel) => server.aos.remove(caller, path, cancel));
}

/** FUSE_RMDIR: name. */
export function rmdir(server: Server): void {
  remove(server, (caller, path, cancel) => server.aos.removeDir(caller, path, cancel));
}

function remove(
  server: Server,
  act: (caller: ReturnType<Server['caller']>, path: Path, cancel: Cancel) => Maybe<void>,
): void {
  const parent = server.inode();
  const name = server.request.name(IN_HEADER);
  const cancel = server.cancel();
  server.finish(act(server.caller(), server.pathOf(parent, name), cancel), cancel, ticket => {
    server.inodes.unlink(parent, name);
    server.ok(ticket);
  });
}

/** FUSE_RENAME: newdir u64, name, new name. */
export function rename(server: Server): void {
  move(server, 0, IN_HEADER + 8);
}

/** FUSE_RENAME2: newdir u64, flags u32, padding, name, new name. */
export function rename2(server: Server): void {
  move(server, server.request.u32(IN_HEADER + 8), IN_HEADER + 16);
}

function move(server: Server, flags: number, at: number): void {
  const { request } = server;
  const from = server.inode();
  const to = server.inode(request.u64(IN_HEADER));
  const name = request.name(at);
  const toName = request.name(request.endOf(at) + 1);
  const path = server.pathOf(from, name);
  const noReplace = (flags & RENAME_NOREPLACE) !== 0;
  const exchange = (flags & RENAME_EXCHANGE) !== 0;
  if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) !== 0 || (noReplace && exchange)) {
    const remedy = 'rename without RENAME_WHITEOUT, and with one of the others at most';
    throw new AosError('invalid', {
      component: 'kernel door',
      path,
      why: `no such way to rename: flags ${flags}`,
      remedy,
    });
  }
  const cancel = server.cancel();
  const how = { noReplace, exchange };
  const moved = server.aos.rename(server.caller(), path, server.pathOf(to, toName), how, cancel);
  server.finish(moved, cancel, ticket => {
    if (exchange) server.inodes.exchange(from, name, to, toName);
    else server.inodes.rename(from, name, to, toName);
    server.ok(ticket);
  });
}

/** The entry of something that was just made, with more of the reply behind it. Counts the lookup; `forget` undoes it. */
export function entryFor(
  server: Server,
  parent: Inode,
  name: string,
  path: Path,
  stat: Stat,
): { inode: Inode; end: number } {
  const inode = server.inodes.resolve(parent, name, path, stat);
  inode.lookups++;
  return { inode, end: server.reply.entry(OUT_HEADER, inode, stat, server.validity(inode, stat)) };
}
