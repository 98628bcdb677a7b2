/** Who is at the other end of a unix socket, as the kernel recorded it when the connection was made. */

import type { Socket } from 'node:net';
import koffi from 'koffi';
import { AosError } from '../../core/errors.ts';
import { readIdentity } from '../identity.ts';

/** socket(7), asm-generic. */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** struct ucred of unix(7): pid i32, uid u32, gid u32. */
const UCRED_BYTES = 12;

export interface Peer {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** With `pid` it names the process for good; 0 where `/proc` does not show it. */
  readonly startTime: number;
}

type GetSockOpt = (fd: number, level: number, option: number, value: Buffer, length: Buffer) => number;

let getSockOpt: GetSockOpt | undefined;

/** Binds the system call. Throws `unsupported` where there is none, so that no socket opens whose callers are unknown. */
export function preparePeers(): void {
  if (getSockOpt !== undefined) return;
  if (process.platform !== 'linux') {
    throw new AosError('unsupported', {
      component: 'socket door',
      why: `callers cannot be told apart on ${process.platform}: SO_PEERCRED is Linux only`,
      remedy: 'run the daemon on Linux',
    });
  }
  const bound = koffi.load(null).func('int getsockopt(int fd, int level, int option, void *value, void *length)');
  getSockOpt = (fd, level, option, value, length) => Number(bound(fd, level, option, value, length));
}

/** Undefined where the kernel gives no credentials: the connection is then to be refused. */
export function readPeer(socket: Socket): Peer | undefined {
  const fd = descriptorOf(socket);
  if (fd === undefined || getSockOpt === undefined) return undefined;
  const value = Buffer.alloc(UCRED_BYTES);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(UCRED_BYTES);
  if (getSockOpt(fd, SOL_SOCKET, SO_PEERCRED, value, length) !== 0 || length.readUInt32LE() !== UCRED_BYTES) {
    return undefined;
  }
  const pid = value.readInt32LE(0);
  return { pid, uid: value.readUInt32LE(4), gid: value.readUInt32LE(8), startTime: readIdentity(pid).startTime };
}

/** Node has the descriptor only on the handle below the socket, which has no public name. */
function descriptorOf(socket: Socket): number | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null) return undefined;
  const fd: unknown = Reflect.get(handle, 'fd');
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}
