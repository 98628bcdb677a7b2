/** Operations on an open file. */

import { ERRNO } from '../../../core/errors.ts';
import { isPromise, then } from '../../../core/maybe.ts';
import { readIdentity } from '../../identity.ts';
import type { OpenFile } from '../handles.ts';
import { hasOpen } from '../peek.ts';
import type { Ticket } from '../request.ts';
import type { Server } from '../server.ts';
import { IN_HEADER, OUT_HEADER, POLL_SCHEDULE_NOTIFY, WRITE_IN, WRITE_KILL_SUIDGID } from '../wire.ts';
import { dropPrivileges } from './attributes.ts';

const SEEK_DATA = 3;
const SEEK_HOLE = 4;
/** poll(2): POLLIN | POLLRDNORM, POLLOUT | POLLWRNORM. */
const READABLE = 0x041;
const WRITABLE = 0x104;

/** FUSE_READ: fh, offset u64, size u32, read_flags u32, lock_owner u64, flags u32, padding. */
export function read(server: Server): void {
  const { request } = server;
  const file = server.file(request.u64(IN_HEADER));
  const offset = request.offset(IN_HEADER + 8);
  const size = Math.min(request.u32(IN_HEADER + 16), server.reply.bytes.length - OUT_HEADER);
  const cancel = server.cancel();
  const data = file.handle.read(offset, size, cancel);
  if (isPromise(data))
    server.later(data, cancel, (ticket, found) => answerRead(server, ticket, file, offset, size, found));
  else answerRead(server, request, file, offset, size, data);
}

function answerRead(
  server: Server,
  ticket: Ticket,
  file: OpenFile,
  offset: number,
  size: number,
  data: Uint8Array,
): void {
  const length = Math.min(data.length, size);
  file.position = offset + length;
  server.send(server.reply.data(ticket, data, length));
}

/** FUSE_WRITE: fh, offset u64, size u32, write_flags u32, lock_owner u64, flags u32, padding, data. struct fuse_write_out: size u32, padding. */
export function write(server: Server): void {
  const { request } = server;
  const file = server.file(request.u64(IN_HEADER));
  const offset = request.offset(IN_HEADER + 8);
  const data = request.data(IN_HEADER + WRITE_IN, request.u32(IN_HEADER + 16));
  const killing = (request.u32(IN_HEADER + 20) & WRITE_KILL_SUIDGID) !== 0 && (file.inode.mode & 0o6000) !== 0;
  const caller = killing ? server.caller() : undefined;
  const cancel = server.cancel();
  const written = file.handle.write(offset, data, cancel);
  if (caller !== undefined) {
    const bare = then(written, size => then(dropPrivileges(server, file.inode, caller, cancel), () => size));
    server.finish(bare, cancel, (ticket, size) => answerWrite(server, ticket, size));
  } else if (isPromise(written)) server.later(written, cancel, (ticket, size) => answerWrite(server, ticket, size));
  else answerWrite(server, request, written);
}

function answerWrite(server: Server, ticket: Ticket, size: number): void {
  server.reply.u32(OUT_HEADER, size);
  server.reply.u32(OUT_HEADER + 4, 0);
  server.send(server.reply.header(ticket, OUT_HEADER + 8));
}

/**
 * FUSE_FLUSH: fh u64, unused, padding, lock_owner u64. Sent at each close of a descriptor, so also for the copy that a shell closes
 * before anything was written, and for the one that a child inherited. Its errno is what close returns. What was written is whole when
 * the process that opened the file closes its last descriptor of it, or has ended, and at the last close of all.
 */
export function flush(server: Server): void {
  const { request } = server;
  const file = server.file(request.u64(IN_HEADER));
  if (file.writable && file.handle.kind !== 'file' && !isLast(file, request.pid)) {
    server.ok(request);
    return;
  }
  const cancel = server.cancel();
  server.finish(file.handle.flush(cancel), cancel, ticket => server.ok(ticket));
}

function isLast({ opener, handle }: OpenFile, thread: number): boolean {
  const first = readIdentity(opener);
  if (first.startTime === 0) return true;
  return (opener === thread || first.pid === readIdentity(thread).pid) && !hasOpen(first.pid, handle.path);
}

/** FUSE_FSYNC: fh u64, fsync_flags u32, padding. */
export function fsync(server: Server): void {
  const file = server.file(server.request.u64(IN_HEADER));
  const cancel = server.cancel();
  server.finish(file.handle.sync(cancel), cancel, ticket => server.ok(ticket));
}

/** FUSE_FALLOCATE: fh, offset, length u64, mode u32, padding. */
export function fallocate(server: Server): void {
  const { request } = server;
  const file = server.file(request.u64(IN_HEADER));
  const mode = request.u32(IN_HEADER + 24);
  file.handle.allocate(mode, request.offset(IN_HEADER + 8), request.offset(IN_HEADER + 16));
  server.ok(request);
}

/** FUSE_LSEEK: fh, offset u64, whence u32, padding. Only for SEEK_DATA and SEEK_HOLE; the rest is the kernel's. */
export function lseek(server: Server): void {
  const { request } = server;
  const file = server.file(request.u64(IN_HEADER));
  const whence = request.u32(IN_HEADER + 16);
  if (whence !== SEEK_DATA && whence !== SEEK_HOLE) {
    server.refuse(request, ERRNO.EINVAL);
    return;
  }
  server.reply.u64(OUT_HEADER, file.handle.seek(request.offset(IN_HEADER + 8), whence));
  server.send(server.reply.header(request, OUT_HEADER + 8));
}

/** FUSE_POLL: fh, kh u64, flags u32, events u32. With SCHEDULE_NOTIFY a wake-up for `kh` is owed once there is something to read. */
export function poll(server: Server): void {
  const { request } = server;
  const file = server.file(request.u64(IN_HEADER));
  const wanted = (request.u32(IN_HEADER + 16) & POLL_SCHEDULE_NOTIFY) !== 0;
  const watched = file.poller !== undefined;
  if (wanted) file.poller = { lo: request.u32(IN_HEADER + 8), hi: request.u32(IN_HEADER + 12) };
  const readable =
    wanted && !watched ? file.handle.poll(file.position, () => wake(server, file)) : file.handle.poll(file.position);
  if (readable) file.poller = undefined;
  server.reply.u32(OUT_HEADER, (readable ? READABLE : 0) | (file.writable ? WRITABLE : 0));
  server.reply.u32(OUT_HEADER + 4, 0);
  server.send(server.reply.header(request, OUT_HEADER + 8));
}

function wake(server: Server, file: OpenFile): void {
  const { poller } = file;
  file.poller = undefined;
  if (poller !== undefined) server.notices.wake(poller);
}
