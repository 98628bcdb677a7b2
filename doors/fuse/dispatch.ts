/** opcode → operation. Answers every request once: with what the operation says, or with an errno. */

import { ERRNO } from '../../core/errors.ts';
import { LookAgain, WireError } from './errno.ts';
import * as attributes from './operations/attributes.ts';
import * as dirs from './operations/dirs.ts';
import * as files from './operations/files.ts';
import * as names from './operations/names.ts';
import * as opening from './operations/opening.ts';
import * as session from './operations/session.ts';
import * as xattrs from './operations/xattrs.ts';
import { RefusedName } from './request.ts';
import type { Server } from './server.ts';
import { OP, OPCODES } from './wire.ts';

type Operation = (server: Server) => void;

const OPERATIONS: (Operation | undefined)[] = new Array<Operation | undefined>(OPCODES).fill(undefined);
OPERATIONS[OP.LOOKUP] = names.lookup;
OPERATIONS[OP.FORGET] = names.forget;
OPERATIONS[OP.BATCH_FORGET] = names.batchForget;
OPERATIONS[OP.READLINK] = names.readlink;
OPERATIONS[OP.SYMLINK] = names.symlink;
OPERATIONS[OP.MKNOD] = names.mknod;
OPERATIONS[OP.MKDIR] = names.mkdir;
OPERATIONS[OP.UNLINK] = names.unlink;
OPERATIONS[OP.RMDIR] = names.rmdir;
OPERATIONS[OP.RENAME] = names.rename;
OPERATIONS[OP.RENAME2] = names.rename2;
OPERATIONS[OP.LINK] = names.link;
OPERATIONS[OP.GETATTR] = attributes.getattr;
OPERATIONS[OP.SETATTR] = attributes.setattr;
OPERATIONS[OP.ACCESS] = attributes.access;
OPERATIONS[OP.STATFS] = attributes.statfs;
OPERATIONS[OP.SETXATTR] = xattrs.setxattr;
OPERATIONS[OP.GETXATTR] = xattrs.getxattr;
OPERATIONS[OP.LISTXATTR] = xattrs.listxattr;
OPERATIONS[OP.REMOVEXATTR] = xattrs.removexattr;
OPERATIONS[OP.OPEN] = opening.open;
OPERATIONS[OP.CREATE] = opening.create;
OPERATIONS[OP.RELEASE] = opening.release;
OPERATIONS[OP.READ] = files.read;
OPERATIONS[OP.WRITE] = files.write;
OPERATIONS[OP.FLUSH] = files.flush;
OPERATIONS[OP.FSYNC] = files.fsync;
OPERATIONS[OP.FALLOCATE] = files.fallocate;
OPERATIONS[OP.LSEEK] = files.lseek;
OPERATIONS[OP.POLL] = files.poll;
OPERATIONS[OP.OPENDIR] = dirs.opendir;
OPERATIONS[OP.READDIR] = dirs.readdir;
OPERATIONS[OP.READDIRPLUS] = dirs.readdirplus;
OPERATIONS[OP.RELEASEDIR] = dirs.releasedir;
OPERATIONS[OP.FSYNCDIR] = dirs.fsyncdir;
OPERATIONS[OP.INIT] = session.init;
OPERATIONS[OP.DESTROY] = session.destroy;
OPERATIONS[OP.INTERRUPT] = session.interrupt;

/** Serves the frame of `length` bytes in the request buffer. Never throws. */
export function dispatch(server: Server, length: number): void {
  const request = server.request;
  if (!request.load(length)) {
    server.api.log.warn({ bytes: length }, 'kernel door: a frame without a whole header was dropped');
    return;
  }
  const operation = OPERATIONS[request.opcode];
  if (operation === undefined) {
    server.refuse(request, ERRNO.ENOSYS);
    return;
  }
  try {
    request.check();
    operation(server);
  } catch (error) {
    failed(server, error);
  }
}

function failed(server: Server, error: unknown): void {
  const { request } = server;
  const { opcode } = request;
  if (error instanceof WireError && !(error instanceof LookAgain)) {
    server.api.log.warn({ opcode, nodeid: request.nodeid, bytes: request.length }, `kernel door: ${error.message}`);
  }
  if (error instanceof RefusedName) server.refusedName(error);
  // These three have no answer, not even a bad one.
  if (opcode === OP.FORGET || opcode === OP.BATCH_FORGET || opcode === OP.INTERRUPT) return;
  server.fail(request, error);
}
