/** Operations on what `stat` shows. */

import { AosError, ERRNO } from '../../../core/errors.ts';
import { isPromise, then } from '../../../core/maybe.ts';
import type { AttrChange, Caller, Cancel, Maybe, Path, Stat, Verb } from '../../../core/types.ts';
import { errnoOf, LookAgain } from '../errno.ts';
import type { Inode } from '../inodes.ts';
import type { Ticket } from '../request.ts';
import type { Server } from '../server.ts';
import { asFile, TWIN } from '../twins.ts';
import { FATTR, IN_HEADER, OUT_HEADER, S } from '../wire.ts';

/** What statfs counts in, bytes. */
const BLOCK = 4096;
const NAME_MAX = 255;

/** FUSE_GETATTR: getattr_flags u32, dummy u32, fh u64. */
export function getattr(server: Server): void {
  const inode = server.inode();
  const cancel = server.cancel();
  const stat = then(statOf(server, inode, server.caller(), cancel), found =>
    inode.name.endsWith(TWIN) && found.opens === true ? asFile(found) : found,
  );
  if (isPromise(stat)) server.later(stat, cancel, (ticket, found) => attr(server, ticket, inode, found));
  else attr(server, server.request, inode, stat);
}

/** A file that lost its name is asked through a handle that is open on it. */
function statOf(server: Server, inode: Inode, caller: Caller, cancel: Cancel): Maybe<Stat> {
  if (!inode.linked) return nameless(server, inode);
  if (inode.opens === 0) return server.aos.stat(caller, inode.path, cancel);
  try {
    const stat = server.aos.stat(caller, inode.path, cancel);
    return isPromise(stat) ? stat.catch(error => orNameless(server, inode, caller, error)) : stat;
  } catch (error) {
    return orNameless(server, inode, caller, error);
  }
}

/** The name may have gone behind our back. What is withheld from the caller is not there for it, open or not. */
function orNameless(server: Server, inode: Inode, caller: Caller, error: unknown): Maybe<Stat> {
  if (errnoOf(error) !== ERRNO.ENOENT || !may(server, caller, 'stat', inode.path)) throw error;
  return nameless(server, inode);
}

function nameless(server: Server, inode: Inode): Maybe<Stat> {
  const open = inode.opens === 0 ? undefined : server.files.find(file => file.inode === inode);
  if (open === undefined) {
    const parts = {
      component: 'kernel door',
      path: inode.path,
      why: 'it was removed',
      remedy: 'look at the directory again',
    };
    throw new AosError('not_found', parts);
  }
  return open.handle.stat();
}

function attr(server: Server, ticket: Ticket, inode: Inode, stat: Stat): void {
  if (inode.linked && !inode.isSame(stat)) {
    // Another file has taken the name: the kernel looks it up again when told that this one is stale.
    if (inode.parent !== undefined) server.inodes.unlink(inode.parent, inode.name);
    throw new LookAgain(`${inode.path} was replaced by another file`);
  }
  inode.learn(stat);
  const end = server.reply.attr(OUT_HEADER, inode, stat, server.attrValidity(stat));
  server.send(server.reply.header(ticket, end));
}

/**
 * FUSE_SETATTR: valid u32, padding, fh, size, lock_owner, atime, mtime, ctime u64, three nsec u32, mode u32, unused, uid u32, gid u32,
 * unused. `valid` says which are meant.
 */
export function setattr(server: Server): void {
  const { request } = server;
  const inode = server.inode();
  const caller = server.caller();
  const cancel = server.cancel();
  const valid = request.u32(IN_HEADER);
  const change = changeIn(server, valid, inode);
  const size = (valid & FATTR.SIZE) === 0 ? undefined : request.offset(IN_HEADER + 16);
  const open = (valid & FATTR.FH) === 0 ? undefined : server.files.get(request.u64(IN_HEADER + 8));
  const sized =
    size === undefined
      ? undefined
      : open !== undefined
        ? open.handle.truncate(size, cancel)
        : server.aos.truncate(caller, server.path(inode), size, cancel);
  const changed = then(sized, () =>
    change === undefined ? undefined : server.aos.change(caller, server.path(inode), change, cancel),
  );
  const stat = then(changed, () => statOf(server, inode, caller, cancel));
  server.finish(stat, cancel, (ticket, found) => attr(server, ticket, inode, found));
}

function changeIn(server: Server, valid: number, inode: Inode): AttrChange | undefined {
  const { request } = server;
  const change: { -readonly [K in keyof AttrChange]: AttrChange[K] } = {};
  if (valid & FATTR.MODE) change.mode = request.u32(IN_HEADER + 68) & 0o7777;
  else if (valid & FATTR.KILL_SUIDGID && inode.mode & S.SUID_SGID) change.mode = withoutPrivileges(inode.mode);
  if (valid & FATTR.UID) change.uid = request.u32(IN_HEADER + 76);
  if (valid & FATTR.GID) change.gid = request.u32(IN_HEADER + 80);
  if (valid & FATTR.ATIME_NOW) change.atime = server.api.now();
  else if (valid & FATTR.ATIME) change.atime = millis(request.i64(IN_HEADER + 32), request.u32(IN_HEADER + 56));
  if (valid & FATTR.MTIME_NOW) change.mtime = server.api.now();
  else if (valid & FATTR.MTIME) change.mtime = millis(request.i64(IN_HEADER + 40), request.u32(IN_HEADER + 60));
  for (const _ in change) return change;
  return undefined;
}

function millis(sec: number, nsec: number): number {
  return sec * 1000 + nsec / 1e6;
}

/** Permission bits without set-user-id, and without set-group-id where the group may execute, as Linux does on a write. */
function withoutPrivileges(mode: number): number {
  const kept = mode & 0o7777 & ~0o4000;
  return (mode & 0o010) === 0 ? kept : kept & ~0o2000;
}

/** Takes the privileges off a file that was written to by somebody who may not give them. */
export function dropPrivileges(server: Server, inode: Inode, caller: Caller, cancel: Cancel): Maybe<void> {
  if ((inode.mode & S.SUID_SGID) === 0 || !inode.linked) return undefined;
  const mode = withoutPrivileges(inode.mode);
  inode.mode = (inode.mode & S.IFMT) | mode;
  return server.aos.change(caller, inode.path, { mode }, cancel);
}

/** FUSE_ACCESS: mask u32, padding. For access(2) and chdir(2) only; every operation decides for itself again. */
export function access(server: Server): void {
  const path = server.path(server.inode());
  const caller = server.caller();
  const mask = server.request.u32(IN_HEADER);
  const cancel = server.cancel();
  server.finish(server.aos.stat(caller, path, cancel), cancel, (ticket, stat) => {
    if (isAllowed(server, caller, path, mask, stat)) server.ok(ticket);
    else server.refuse(ticket, ERRNO.EACCES);
  });
}

const R_OK = 4;
const W_OK = 2;
const X_OK = 1;

/** A special file's bits say which verbs it has; an ordinary one's bind all but root. Both need a grant. */
function isAllowed(server: Server, caller: Caller, path: Path, mask: number, stat: Stat): boolean {
  const isDir = stat.kind === 'dir';
  const free = caller.uid === 0 && (stat.kind === 'file' || isDir);
  if (mask & R_OK) {
    if (!free && (stat.mode & 0o444) === 0) return false;
    if (!may(server, caller, isDir ? 'list' : 'read', path)) return false;
  }
  if (mask & W_OK) {
    if (!free && (stat.mode & 0o222) === 0) return false;
    if (!may(server, caller, isDir ? 'create' : 'write', path)) return false;
  }
  return (mask & X_OK) === 0 || isDir || (stat.mode & 0o111) !== 0;
}

function may(server: Server, caller: Caller, verb: Verb, path: Path): boolean {
  return server.aos.explain(caller, verb, path).allowed;
}

/** FUSE_STATFS: nothing. struct fuse_kstatfs: blocks, bfree, bavail, files, ffree u64, bsize, namelen, frsize u32, spare. */
export function statfs(server: Server): void {
  const { reply, request } = server;
  const space = server.aos.space(server.caller(), server.inode().path);
  const at = OUT_HEADER;
  reply.zero(at, at + 80);
  reply.u64(at, space.blocks);
  reply.u64(at + 8, space.free);
  reply.u64(at + 16, space.free);
  reply.u64(at + 24, space.files);
  reply.u64(at + 32, space.filesFree);
  reply.u32(at + 40, BLOCK);
  reply.u32(at + 44, NAME_MAX);
  reply.u32(at + 48, BLOCK);
  server.send(reply.header(request, at + 80));
}
