/** Extended attributes: the fields of a node, and what a real file keeps. */

import { ERRNO } from '../../../core/errors.ts';
import { isPromise, then } from '../../../core/maybe.ts';
import type { Ticket } from '../request.ts';
import type { Server } from '../server.ts';
import { IN_HEADER, OUT_HEADER } from '../wire.ts';

const XATTR_CREATE = 1;
const XATTR_REPLACE = 2;

/** FUSE_GETXATTR: size u32, padding, name. */
export function getxattr(server: Server): void {
  const { request } = server;
  const size = request.u32(IN_HEADER);
  const name = request.text(IN_HEADER + 8);
  const reserved = reservedErrno(name, ERRNO.ENODATA);
  if (reserved !== 0) {
    server.refuse(request, reserved);
    return;
  }
  const path = server.path(server.inode());
  const cancel = server.cancel();
  const value = server.aos.getXattr(server.caller(), path, name, cancel);
  if (isPromise(value)) server.later(value, cancel, (ticket, found) => sized(server, ticket, size, found));
  else sized(server, request, size, value);
}

/** The kernel asks for these on its own, at almost every use: answered without asking the tree. 0 for all others. */
function reservedErrno(name: string, security: number): number {
  if (name.startsWith('security.')) return security;
  return name.startsWith('system.') ? ERRNO.ENOTSUP : 0;
}

/** The value; its size alone where 0 bytes were asked for; ERANGE where it does not fit. */
function sized(server: Server, ticket: Ticket, size: number, value: Uint8Array | undefined): void {
  if (value === undefined) {
    server.refuse(ticket, ERRNO.ENODATA);
    return;
  }
  if (size === 0) {
    server.reply.u32(OUT_HEADER, value.length);
    server.reply.u32(OUT_HEADER + 4, 0);
    server.send(server.reply.header(ticket, OUT_HEADER + 8));
    return;
  }
  if (value.length > size) server.refuse(ticket, ERRNO.ERANGE);
  else server.send(server.reply.data(ticket, value, value.length));
}

/** FUSE_LISTXATTR: size u32, padding. Names, each ended by NUL. */
export function listxattr(server: Server): void {
  const size = server.request.u32(IN_HEADER);
  const path = server.path(server.inode());
  const cancel = server.cancel();
  server.finish(server.aos.listXattrs(server.caller(), path, cancel), cancel, (ticket, names) => {
    sized(server, ticket, size, Buffer.from(names.map(name => `${name}\0`).join('')));
  });
}

/** FUSE_SETXATTR: size u32, flags u32, name, value. */
export function setxattr(server: Server): void {
  const { request } = server;
  const size = request.u32(IN_HEADER);
  const flags = request.u32(IN_HEADER + 4);
  const nameAt = IN_HEADER + 8;
  const name = request.text(nameAt);
  const value = request.data(request.endOf(nameAt) + 1, size);
  const reserved = reservedErrno(name, ERRNO.ENOTSUP);
  if (reserved !== 0) {
    server.refuse(request, reserved);
    return;
  }
  const path = server.path(server.inode());
  const caller = server.caller();
  const cancel = server.cancel();
  const { aos } = server;
  const errno = flags === 0 ? 0 : then(aos.getXattr(caller, path, name, cancel), found => conflict(flags, found));
  const done = then(errno, refused =>
    refused === 0 ? then(aos.setXattr(caller, path, name, value, cancel), () => 0) : refused,
  );
  server.finish(done, cancel, (ticket, refused) => server.refuse(ticket, refused));
}

function conflict(flags: number, found: Uint8Array | undefined): number {
  if (flags & XATTR_CREATE && found !== undefined) return ERRNO.EEXIST;
  if (flags & XATTR_REPLACE && found === undefined) return ERRNO.ENODATA;
  return 0;
}

/** FUSE_REMOVEXATTR: name. */
export function removexattr(server: Server): void {
  const { request } = server;
  const name = request.text(IN_HEADER);
  const reserved = reservedErrno(name, ERRNO.ENODATA);
  if (reserved !== 0) {
    server.refuse(request, reserved);
    return;
  }
  const cancel = server.cancel();
  const removed = server.aos.removeXattr(server.caller(), server.path(server.inode()), name, cancel);
  server.finish(removed, cancel, ticket => server.ok(ticket));
}
