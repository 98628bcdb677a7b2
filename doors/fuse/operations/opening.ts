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
  const asked = { how, caller, thread: request.pid };
  const cancel = server.cancel();
  const handle = server.aos.open(caller, server.path(inode), how, cancel);
  if (how.truncate && request.u32(IN_HEADER + 4) & OPEN_KILL_SUIDGID && inode.mode & 0o6000) {
    const bare = then(handle, opened => then(dropPrivileges(server, inode, caller, cancel), () => opened));
    server.finish(bare, cancel, (ticket, opened) => answerOpen(server, ticket, inode, opened, asked), abandon);
  } else if (isPromise(handle)) {
    server.later(handle, cancel, (ticket, opened) => answerOpen(server, ticket, inode, opened, asked), abandon);
  } else answerOpen(server, request, inode, handle, asked);
}

function abandon(handle: Handle): void {
  handle.abandon();
}

/** By whom a file was opened, and what for. */
interface Asked {
  readonly how: OpenHow;
  readonly caller: Caller;
  readonly thread: number;
}

function answerOpen(server: Server, ticket: Ticket, inode: Inode, handle: Handle, asked: Asked): void {
  const fh = keep(server, inode, handle, asked);
  const end = server.reply.open(OUT_HEADER, fh, flagsOf(server, inode, handle, asked));
  if (!server.send(server.reply.header(ticket, end))) undo(server, fh);
}

function keep(server: Server, inode: Inode, handle: Handle, { how, thread }: Asked): number {
  let fh: number;
  try {
    fh = server.files.add(new OpenFile(handle, inode, how.write, thread));
  } catch (error) {
    handle.abandon();
    throw error;
  }
  inode.opens++;
  return fh;
}

/** What the kernel may do with the open file. A handle that cannot be written needs no FLUSH. */
function flagsOf(server: Server, inode: Inode, handle: Handle, { how, caller }: Asked): number {
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
  const asked = { how, caller, thread: request.pid };
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
      const fh = keep(server, inode, handle, asked);
      const length = server.reply.open(end, fh, flagsOf(server, inode, handle, asked));
      if (server.send(server.reply.header(ticket, length))) return;
      undo(server, fh);
      server.inodes.forget(inode, 1);
    },
    ({ handle }) => handle.abandon(),
  );
}

function closing(handle: Handle): (error: unknown) => never {
  return error => {
    handle.abandon();
    throw error;
  };
}

/** FUSE_RELEASE: fh u64, flags u32, release_flags u32, lock_owner u64. The last descriptor is closed; nobody hears the answer. */
export function release(server: Server): void {
  letGo(server, server.request.u64(IN_HEADER));
  server.ok(server.request);
}

function letGo(server: Server, fh: number): void {
  const handle = removed(server, fh);
  if (handle === undefined) return;
  if (handle.kind === 'file') server.shut(handle);
  else commitRest(server, handle);
}

/** What was left by processes that did not open it. The gate tells of what is refused; close has nobody to tell. */
function commitRest(server: Server, handle: Handle): void {
  const shut = (): void => server.shut(handle);
  try {
    const done = handle.flush(undefined, true);
    if (isPromise(done)) done.then(shut, shut);
    else shut();
  } catch {
    shut();
  }
}

/** Nobody got the file. */
function undo(server: Server, fh: number): void {
  removed(server, fh)?.abandon();
}

function removed(server: Server, fh: number): Handle | undefined {
  const file = server.files.remove(fh);
  if (file !== undefined) server.inodes.closed(file.inode);
  return file?.handle;
}
