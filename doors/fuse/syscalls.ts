/** The system calls that Node lacks, through koffi. Loaded when the first mount is made. */

import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { AosError } from '../../core/errors.ts';

/** Memory that stays where it is, with its address for the kernel. */
export interface Memory {
  readonly bytes: Buffer;
  readonly address: number;
}

/** Results are the call's own; after -1, `errno()` says why. Addresses come from `Memory`. */
export interface Syscalls {
  memory(size: number): Memory;
  errno(): number;
  read(fd: number, address: number, length: number): number;
  write(fd: number, address: number, length: number): number;
  /** `timeout` is the address of a timespec. */
  ppoll(fds: number, count: number, timeout: number): number;
  /** Whether the kernel sends this process SIGIO when `fd` becomes readable. The descriptor does not block in any case. */
  signalWhenReadable(fd: number, wanted: boolean): void;
  /** Names this process as the one to signal. */
  own(fd: number): void;
  mount(source: string, dir: string, type: string, flags: number, data: string): number;
  /** Off the main thread: the kernel may ask us something first. Gives 0 or the errno. */
  unmountLater(dir: string, flags: number): Promise<number>;
  /** A connected pair of stream sockets. */
  socketpair(): [number, number] | undefined;
  /** The descriptor that the other end sends, or -1. Blocks until the other end sends or closes. */
  receiveDescriptor(socket: number): number;
}

const AF_UNIX = 1;
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000;
const O_RDWR = 2;
const F_SETFL = 4;
const F_SETOWN = 8;
const O_NONBLOCK = 0o4000;
const O_ASYNC = 0o20000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;

let loaded: Syscalls | undefined;

/** Throws `unsupported` where koffi or the C library cannot be loaded. */
export function syscalls(): Syscalls {
  loaded ??= load();
  return loaded;
}

type Koffi = typeof import('koffi');

function load(): Syscalls {
  let koffi: Koffi;
  try {
    // What require gives is the module that the type names.
    koffi = createRequire(import.meta.url)('koffi') as Koffi;
  } catch (cause) {
    throw new AosError('unsupported', {
      component: 'kernel door',
      why: 'the package koffi, which makes system calls, cannot be loaded on this machine',
      remedy: 'run npm ci again, or start without a mount: aos-mount --no-fuse',
      cause,
    });
  }
  return bind(koffi);
}

function bind(koffi: Koffi): Syscalls {
  const libc = koffi.load(null);
  const read: Syscalls['read'] = libc.func('long read(int fd, uintptr_t buf, size_t count)');
  const write: Syscalls['write'] = libc.func('long write(int fd, uintptr_t buf, size_t count)');
  const poll = libc.func('int ppoll(uintptr_t fds, unsigned long n, uintptr_t timeout, uintptr_t mask)');
  const umount2 = libc.func('int umount2(const char *target, int flags)');
  const mount = libc.func(
    'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
  );
  const socketpair = libc.func('int socketpair(int domain, int type, int protocol, uintptr_t fds)');
  const recvmsg = libc.func('long recvmsg(int fd, uintptr_t message, int flags)');
  const fcntl = libc.func('int fcntl(int fd, int command, ...)');

  const memory = (size: number): Memory => {
    const bytes = Buffer.from(new ArrayBuffer(size));
    return { bytes, address: Number(koffi.address(bytes)) };
  };

  return {
    memory,
    errno: () => koffi.errno(),
    read,
    write,
    ppoll: (fds, count, timeout) => poll(fds, count, timeout, 0),
    signalWhenReadable: (fd, wanted) => {
      fcntl(fd, F_SETFL, 'int', O_RDWR | O_NONBLOCK | (wanted ? O_ASYNC : 0));
    },
    own: fd => {
      fcntl(fd, F_SETOWN, 'int', process.pid);
    },
    mount,
    unmountLater: (dir, flags) =>
      new Promise(resolve => {
        umount2.async(dir, flags, (error: unknown, result: number) => {
          resolve(error === null && result === 0 ? 0 : constants.errno.EBUSY);
        });
      }),
    socketpair: () => {
      const fds = memory(8);
      if (socketpair(AF_UNIX, SOCK_STREAM_CLOEXEC, 0, fds.address) !== 0) return undefined;
      return [fds.bytes.readInt32LE(0), fds.bytes.readInt32LE(4)];
    },
    receiveDescriptor: socket => receive(socket, memory, recvmsg),
  };
}

/** recvmsg(2) for one byte of data and one SCM_RIGHTS descriptor. Layout of 64-bit Linux: msghdr 56 bytes, iovec 16, cmsghdr 16. */
function receive(
  socket: number,
  memory: (size: number) => Memory,
  recvmsg: (fd: number, message: number, flags: number) => number,
): number {
  const data = memory(1);
  const control = memory(24);
  const vector = memory(16);
  vector.bytes.writeBigUInt64LE(BigInt(data.address), 0);
  vector.bytes.writeBigUInt64LE(1n, 8);
  const message = memory(56);
  message.bytes.writeBigUInt64LE(BigInt(vector.address), 16);
  message.bytes.writeBigUInt64LE(1n, 24);
  message.bytes.writeBigUInt64LE(BigInt(control.address), 32);
  message.bytes.writeBigUInt64LE(24n, 40);
  if (recvmsg(socket, message.address, MSG_CMSG_CLOEXEC) <= 0) return -1;
  const isRights = control.bytes.readInt32LE(8) === SOL_SOCKET && control.bytes.readInt32LE(12) === SCM_RIGHTS;
  return isRights && control.bytes.readUInt32LE(0) >= 20 ? control.bytes.readInt32LE(16) : -1;
}
