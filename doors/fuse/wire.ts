/**
 * Numbers of the FUSE kernel protocol, version 7.45 (`include/uapi/linux/fuse.h`). Names are the header's, without the `FUSE_` in
 * front. All integers on the wire are little-endian.
 */

import { constants } from 'node:fs';

export const PROTOCOL_MAJOR = 7;
export const PROTOCOL_MINOR = 45;
/** The oldest kernel spoken to: 7.31, Linux 5.4. */
export const PROTOCOL_MINOR_MIN = 31;
/** From this minor on the kernel forgets every name at one notification (INC_EPOCH). */
export const MINOR_WITH_EPOCH = 44;

/** enum fuse_opcode */
export const OP = {
  LOOKUP: 1,
  FORGET: 2,
  GETATTR: 3,
  SETATTR: 4,
  READLINK: 5,
  SYMLINK: 6,
  MKNOD: 8,
  MKDIR: 9,
  UNLINK: 10,
  RMDIR: 11,
  RENAME: 12,
  LINK: 13,
  OPEN: 14,
  READ: 15,
  WRITE: 16,
  STATFS: 17,
  RELEASE: 18,
  FSYNC: 20,
  SETXATTR: 21,
  GETXATTR: 22,
  LISTXATTR: 23,
  REMOVEXATTR: 24,
  FLUSH: 25,
  INIT: 26,
  OPENDIR: 27,
  READDIR: 28,
  RELEASEDIR: 29,
  FSYNCDIR: 30,
  ACCESS: 34,
  CREATE: 35,
  INTERRUPT: 36,
  DESTROY: 38,
  POLL: 40,
  BATCH_FORGET: 42,
  FALLOCATE: 43,
  READDIRPLUS: 44,
  RENAME2: 45,
  LSEEK: 46,
} as const;

/** One more than the largest opcode served. */
export const OPCODES = 47;

/** struct fuse_in_header: len u32, opcode u32, unique u64, nodeid u64, uid u32, gid u32, pid u32, total_extlen u16, padding u16. */
export const IN_HEADER = 40;
/** struct fuse_out_header: len u32, error i32, unique u64. */
export const OUT_HEADER = 16;
/** struct fuse_attr */
export const ATTR = 88;
/** struct fuse_entry_out: nodeid, generation, entry_valid, attr_valid u64, entry_valid_nsec, attr_valid_nsec u32, attr. */
export const ENTRY_OUT = 40 + ATTR;
/** struct fuse_attr_out: attr_valid u64, attr_valid_nsec u32, dummy u32, attr. */
export const ATTR_OUT = 16 + ATTR;
/** struct fuse_open_out: fh u64, open_flags u32, backing_id i32. */
export const OPEN_OUT = 16;
/** struct fuse_dirent up to its name: ino u64, off u64, namelen u32, type u32. */
export const DIRENT = 24;
/** struct fuse_write_in, after which the data begins. */
export const WRITE_IN = 40;

/** Bytes a request's body has at least: the fixed struct, and two more (one byte and a NUL) for each name behind it. */
export const BODY_MIN: Readonly<Record<number, number>> = {
  [OP.LOOKUP]: 1,
  [OP.FORGET]: 8,
  [OP.GETATTR]: 16,
  [OP.SETATTR]: 88,
  [OP.SYMLINK]: 2,
  [OP.MKNOD]: 17,
  [OP.MKDIR]: 9,
  [OP.UNLINK]: 1,
  [OP.RMDIR]: 1,
  [OP.RENAME]: 10,
  [OP.LINK]: 9,
  [OP.OPEN]: 8,
  [OP.READ]: 40,
  [OP.WRITE]: WRITE_IN,
  [OP.RELEASE]: 24,
  [OP.FSYNC]: 16,
  [OP.SETXATTR]: 9,
  [OP.GETXATTR]: 9,
  [OP.LISTXATTR]: 8,
  [OP.REMOVEXATTR]: 1,
  [OP.FLUSH]: 24,
  [OP.INIT]: 16,
  [OP.OPENDIR]: 8,
  [OP.READDIR]: 40,
  [OP.RELEASEDIR]: 24,
  [OP.FSYNCDIR]: 16,
  [OP.ACCESS]: 8,
  [OP.CREATE]: 17,
  [OP.INTERRUPT]: 8,
  [OP.POLL]: 24,
  [OP.BATCH_FORGET]: 8,
  [OP.FALLOCATE]: 32,
  [OP.READDIRPLUS]: 40,
  [OP.RENAME2]: 18,
  [OP.LSEEK]: 24,
};

/** Flags of struct fuse_init_out, the low 32 bits. */
export const INIT = {
  ASYNC_READ: 1 << 0,
  ATOMIC_O_TRUNC: 1 << 3,
  BIG_WRITES: 1 << 5,
  AUTO_INVAL_DATA: 1 << 12,
  DO_READDIRPLUS: 1 << 13,
  READDIRPLUS_AUTO: 1 << 14,
  PARALLEL_DIROPS: 1 << 18,
  MAX_PAGES: 1 << 22,
  HANDLE_KILLPRIV_V2: 1 << 28,
  /** There are high bits too. */
  EXT: 1 << 30,
} as const;

/** The high 32 bits. */
export const INIT2 = {
  DIRECT_IO_ALLOW_MMAP: 1 << 4,
} as const;

/** FOPEN_*: what the kernel may do with an open file. */
export const FOPEN = {
  DIRECT_IO: 1,
  KEEP_CACHE: 2,
  NONSEEKABLE: 4,
  CACHE_DIR: 8,
  NOFLUSH: 32,
} as const;

/** FATTR_*: which fields of struct fuse_setattr_in are meant. */
export const FATTR = {
  MODE: 1 << 0,
  UID: 1 << 1,
  GID: 1 << 2,
  SIZE: 1 << 3,
  ATIME: 1 << 4,
  MTIME: 1 << 5,
  FH: 1 << 6,
  ATIME_NOW: 1 << 7,
  MTIME_NOW: 1 << 8,
  KILL_SUIDGID: 1 << 11,
} as const;

/** enum fuse_notify_code */
export const NOTIFY = { POLL: 1, INVAL_INODE: 2, INVAL_ENTRY: 3, INC_EPOCH: 8 } as const;

export const GETATTR_FH = 1;
export const OPEN_KILL_SUIDGID = 1;
export const WRITE_KILL_SUIDGID = 4;
export const POLL_SCHEDULE_NOTIFY = 1;

/** Flags of open(2), asm-generic/fcntl.h. The kernel hands on the caller's as they are, and O_DIRECTORY differs by processor. */
export const O = {
  ACCMODE: 3,
  WRONLY: 1,
  RDWR: 2,
  CREAT: 0o100,
  EXCL: 0o200,
  TRUNC: 0o1000,
  APPEND: 0o2000,
  DIRECTORY: constants.O_DIRECTORY,
} as const;

/** stat(2) */
export const S = { IFMT: 0o170000, IFDIR: 0o040000, IFREG: 0o100000, IFLNK: 0o120000, SUID_SGID: 0o6000 } as const;

/** The nodeid of the top of the mount. */
export const ROOT_ID = 1;
