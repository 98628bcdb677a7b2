/** Operations on the connection itself. */

import { AosError } from '../../../core/errors.ts';
import { LIMITS } from '../../../core/limits.ts';
import type { Server } from '../server.ts';
import { IN_HEADER, INIT, INIT2, OUT_HEADER, PROTOCOL_MAJOR, PROTOCOL_MINOR, PROTOCOL_MINOR_MIN } from '../wire.ts';

/** What we ask for; the kernel grants what it also has. */
const WANTED =
  INIT.ASYNC_READ |
  INIT.ATOMIC_O_TRUNC |
  INIT.BIG_WRITES |
  INIT.AUTO_INVAL_DATA |
  INIT.DO_READDIRPLUS |
  INIT.READDIRPLUS_AUTO |
  INIT.PARALLEL_DIROPS |
  INIT.MAX_PAGES |
  INIT.HANDLE_KILLPRIV_V2 |
  INIT.EXT;
/** Files that are read past the page cache can be mapped all the same, also to be written: sqlite does. */
const WANTED2 = INIT2.DIRECT_IO_ALLOW_MMAP;
/** Bytes of struct fuse_init_in that a kernel with `flags2` sends. */
const INIT_IN_EXT = 20;

/** Requests nobody waits for (read-ahead) that the kernel keeps going at once. */
const BACKGROUND_MAX = 64;
const PAGE = 4096;

/** FUSE_INIT: major, minor, max_readahead, flags, flags2 u32. The first request; everything else depends on what it settles. */
export function init(server: Server): void {
  const { request, reply } = server;
  const major = request.u32(IN_HEADER);
  const minor = request.u32(IN_HEADER + 4);
  if (major < PROTOCOL_MAJOR || (major === PROTOCOL_MAJOR && minor < PROTOCOL_MINOR_MIN)) {
    throw new AosError('unsupported', {
      component: 'kernel door',
      why: `the kernel speaks FUSE ${major}.${minor}, older than ${PROTOCOL_MAJOR}.${PROTOCOL_MINOR_MIN}`,
      remedy: 'use Linux 5.4 or newer, or the aos command without a mount',
    });
  }
  const at = OUT_HEADER;
  reply.zero(at, at + 64);
  reply.u32(at, PROTOCOL_MAJOR);
  reply.u32(at + 4, PROTOCOL_MINOR);
  if (major === PROTOCOL_MAJOR) {
    server.minor = Math.min(minor, PROTOCOL_MINOR);
    reply.u32(at + 8, request.u32(IN_HEADER + 8));
    const flags = WANTED & request.u32(IN_HEADER + 12);
    const extended = (flags & INIT.EXT) !== 0 && request.length >= IN_HEADER + INIT_IN_EXT;
    reply.u32(at + 12, flags);
    reply.u16(at + 16, BACKGROUND_MAX);
    reply.u16(at + 18, (BACKGROUND_MAX * 3) / 4);
    reply.u32(at + 20, LIMITS.write_bytes_max);
    reply.u32(at + 24, 1);
    reply.u16(at + 28, LIMITS.write_bytes_max / PAGE);
    reply.u32(at + 32, extended ? WANTED2 & request.u32(IN_HEADER + 16) : 0);
  }
  // To a newer major one says one's own and is asked again.
  server.send(reply.header(request, at + 64));
}

/** FUSE_DESTROY: the mount is about to go. */
export function destroy(server: Server): void {
  server.ok(server.request);
}

/** FUSE_INTERRUPT: unique u64 of the request that nobody waits for any more. It has no answer of its own. */
export function interrupt(server: Server): void {
  const { request } = server;
  server.interrupt(request.u32(IN_HEADER), request.u32(IN_HEADER + 4));
}
