/** Opening, creating and letting go of files. */

import { isPromise, then } from '../../../core/maybe.ts';
import type { Caller, Handle, OpenHow } from '../../../core/types.ts';
import { OpenFile } from '../handles.ts';
import { howOf } from '../how.ts';
import type { Inode } from '../inodes.ts';
import type { Ticket } from '../request.ts';
import type { Server } from '../server.ts';
import { isAskedEachTime } from '../sharing.ts';
import { FOPEN, IN_HEADER, OPEN_KILL_SUIDGID, OUT_HEADER } from '../wire.ts';
import { dropPrivileges } from './attributes.ts';
import { entryFor } from './names.ts';

/** FUSE_OPEN: flags u32, open_flags u32. */
export function open(server: Server): void {
  const { request } = server;
  const inode = server.inode();
  const flags = request.u32(IN_HEADER);
  server.twins.done(request.pid);
  const how = howOf(flags);
  const caller = server.caller();
  const cancel = server.cancel();
  const handle = server.aos.open(caller, server.path(inode), how, cancel);
  if (how.truncate && request.u32(IN_HEADER + 4) & OPEN_KILL_SUIDGID && inode.mode & 0o6000) {
    const bare = then(handle, opened => then(dropPrivileges(server, inode, caller, cancel), () => opened));
    server.finish(bare, cancel, (ticket, opened) => answerOpen(server, ticket, inode, opened, how, caller), close);
  } else if (isPromise(handle)) {
    server.later(handle, cancel, (ticket, opened) => answerOpen(server, ticket, inode, opened, how, caller), close);
  } else answerOpen(server, request, inode, handle, how, caller);
}

function close(handle: Handle): void {
  handle.close();
}

function answerOpen(server: Server, ticket: Ticket, inode: Inode, handle: Handle, how: OpenHow, caller: Caller): void {
  const fh = keep(server, inode, handle, how);
  const end = server.reply.open(OUT_HEADER, fh, flagsOf(server, inode, handle, how, caller));
  if (!server.send(server.reply.header(ticket, end))) letGo(server, fh);
}

function keep(server: Server, inode: Inode, handle: Handle, how: OpenHow): number {
  let fh: number;
  try {
    fh = server.files.add(new OpenFile(handle, inode, how.write));
  } catch (error) {
    handle.close();
    throw error;
  }
  inode.opens++;
  return fh;
}

/** What the kernel may do with the open file. A handle that cannot be written needs no FLUSH. */
function flagsOf(server: Server, inode: Inode, handle: Handle, how: OpenHow, caller: Caller): number {
  let flags = how.write ? 0 : FOPEN.NOFLUSH;
  if (handle.direct || isAskedEachTime(caller, handle.path, server.owner)) flags |= FOPEN.DIRECT_IO;
  else if (handle.keep) {
    flags |= FOPEN.KEEP_CACHE;
    inode.kept = true;
  }
  if (!handle.seekable) flags |= FOPEN.NONSEEKABLE;
  return flags;
}

/** FUSE_CREATE: flags u32, mode u32, umask u32 (already applied), open_flags u32, name. An entry and an open file in one. */
export function create(server: Server): void {
  const { request } = server;
  const parent = server.inode();
  const how = howOf(request.u32(IN_HEADER));
  const mode = request.u32(IN_HEADER + 4) & 0o7777;
  const name = request.name(IN_HEADER + 16);
  const path = server.pathOf(parent, name);
  const caller = server.caller();
  const cancel = server.cancel();
  const made = then(server.aos.create(caller, path, mode, how, cancel), handle => {
    try {
      const stat = server.aos.stat(caller, path, cancel);
      if (isPromise(stat)) return stat.then(found => ({ handle, stat: found }), closing(handle));
      return { handle, stat };
    } catch (error) {
      return closing(handle)(error);
    }
  });
  server.finish(
    made,
    cancel,
    (ticket, { handle, stat }) => {
      const { inode, end } = entryFor(server, parent, name, path, stat);
      const fh = keep(server, inode, handle, how);
      const length = server.reply.open(end, fh, flagsOf(server, inode, handle, how, caller));
      if (server.send(server.reply.header(ticket, length))) return;
      letGo(server, fh);
      server.inodes.forget(inode, 1);
    },
    ({ handle }) => handle.close(),
  );
}

function closing(handle: Handle): (error: unknown) => never {
  return error => {
    handle.close();
    throw error;
  };
}

/** FUSE_RELEASE: fh u64, flags u32, release_flags u32, lock_owner u64. The last descriptor is closed; nobody hears the answer. */
export function release(server: Server): void {
  letGo(server, server.request.u64(IN_HEADER));
  server.ok(server.request);
}

function letGo(server: Server, fh: number): void {
  const file = server.files.remove(fh);
  if (file === undefined) return;
  server.inodes.closed(file.inode);
  server.shut(file.handle);
}
