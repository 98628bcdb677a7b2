/**
 * The closed list of what can go wrong. An error carries its kind; errno and exit code follow from the kind by the tables
 * below and nowhere else, so every door says the same thing about the same failure.
 */

import type { Path } from './types.ts';

/** kind → [errno name, exit code] */
const TABLE = {
  not_found: ['ENOENT', 1],
  denied: ['EACCES', 96],
  locked: ['EACCES', 1],
  lease_expired: ['EACCES', 100],
  not_readable: ['EACCES', 1],
  not_permitted: ['EPERM', 1],
  read_only: ['EROFS', 1],
  unsupported: ['ENOTSUP', 1],
  not_implemented: ['ENOSYS', 1],
  exists: ['EEXIST', 1],
  is_dir: ['EISDIR', 1],
  not_dir: ['ENOTDIR', 1],
  not_empty: ['ENOTEMPTY', 1],
  cross_mount: ['EXDEV', 1],
  link_loop: ['ELOOP', 1],
  no_attribute: ['ENODATA', 1],
  no_space: ['ENOSPC', 1],
  busy: ['EBUSY', 1],
  io: ['EIO', 1],
  too_many: ['EMFILE', 1],
  gone: ['ESTALE', 1],
  ended: ['ESRCH', 1],
  not_seekable: ['ESPIPE', 2],
  usage: ['EINVAL', 2],
  invalid: ['EINVAL', 2],
  bad_bytes: ['EILSEQ', 2],
  name_too_long: ['ENAMETOOLONG', 2],
  too_large: ['EFBIG', 2],
  out_of_range: ['ERANGE', 2],
  budget: ['EDQUOT', 64],
  unpriced: ['EDQUOT', 64],
  /** Dearer than what is done unasked. */
  costly: ['EDQUOT', 1],
  rate_limited: ['EAGAIN', 65],
  timeout: ['ETIMEDOUT', 66],
  queue_full: ['EAGAIN', 67],
  velocity: ['EAGAIN', 68],
  context_overflow: ['EMSGSIZE', 97],
  upstream: ['EIO', 98],
  contaminated: ['EBADMSG', 99],
  not_running: ['ECONNREFUSED', 1],
  interrupted: ['EINTR', 130],
} as const;

export type ErrorKind = keyof typeof TABLE;
export type ErrnoName = (typeof TABLE)[ErrorKind][0];

/** Linux's numbers, asm-generic/errno-base.h and errno.h. */
export const ERRNO: Readonly<Record<ErrnoName | 'EBADF' | 'ENOTCONN' | 'ENXIO' | 'EXDEV', number>> = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  EBADF: 9,
  EAGAIN: 11,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  EMFILE: 24,
  EFBIG: 27,
  ENOSPC: 28,
  ESPIPE: 29,
  EROFS: 30,
  ERANGE: 34,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  ELOOP: 40,
  ENODATA: 61,
  EBADMSG: 74,
  EILSEQ: 84,
  EMSGSIZE: 90,
  ENOTSUP: 95,
  ENOTCONN: 107,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  ESTALE: 116,
  EDQUOT: 122,
};

export interface ErrorParts {
  /** Who says so: `core`, a plugin's name, a door's. */
  readonly component: string;
  readonly path?: Path | string | undefined;
  /** The reason, as a clause: `the queue holds 100 messages already`. */
  readonly why: string;
  /** What to do about it, as an instruction. */
  readonly remedy?: string | undefined;
  readonly cause?: unknown;
}

/** Any failure, in one sentence: component, path, why; then what to do. */
export class AosError extends Error {
  readonly kind: ErrorKind;
  readonly component: string;
  readonly path: string | undefined;
  readonly why: string;
  readonly remedy: string | undefined;

  constructor(kind: ErrorKind, parts: ErrorParts) {
    super(sentence(parts), parts.cause === undefined ? undefined : { cause: parts.cause });
    this.name = 'AosError';
    this.kind = kind;
    this.component = parts.component;
    this.path = parts.path;
    this.why = parts.why;
    this.remedy = parts.remedy;
  }

  get errno(): ErrnoName {
    return TABLE[this.kind][0];
  }

  get exitCode(): number {
    return TABLE[this.kind][1];
  }

  /** The shape that `--json` and the socket carry (contract section 6). */
  toJSON(): ErrorShape {
    return {
      kind: this.kind,
      errno: this.errno,
      component: this.component,
      path: this.path ?? null,
      why: this.why,
      remedy: this.remedy ?? null,
    };
  }
}

export interface ErrorShape {
  readonly kind: ErrorKind;
  readonly errno: ErrnoName;
  readonly component: string;
  readonly path: string | null;
  readonly why: string;
  readonly remedy: string | null;
}

function sentence(parts: ErrorParts): string {
  const where = parts.path === undefined ? '' : `${parts.path}: `;
  const remedy = parts.remedy === undefined ? '' : `; ${parts.remedy}`;
  return `${parts.component}: ${where}${parts.why}${remedy}`;
}

export function isErrorKind(text: string): text is ErrorKind {
  return Object.hasOwn(TABLE, text);
}

/** An error from the wire, made whole again. */
export function fromShape(shape: ErrorShape): AosError {
  return new AosError(isErrorKind(shape.kind) ? shape.kind : 'io', {
    component: shape.component,
    path: shape.path ?? undefined,
    why: shape.why,
    remedy: shape.remedy ?? undefined,
  });
}

const BY_ERRNO: Readonly<Record<string, ErrorKind>> = {
  ENOENT: 'not_found',
  EACCES: 'not_readable',
  EPERM: 'not_permitted',
  EROFS: 'read_only',
  EEXIST: 'exists',
  EISDIR: 'is_dir',
  ENOTDIR: 'not_dir',
  ENOTEMPTY: 'not_empty',
  EXDEV: 'cross_mount',
  ELOOP: 'link_loop',
  ENODATA: 'no_attribute',
  ENOSPC: 'no_space',
  EDQUOT: 'no_space',
  EBUSY: 'busy',
  EMFILE: 'too_many',
  ENFILE: 'too_many',
  ESTALE: 'gone',
  EINVAL: 'invalid',
  ENAMETOOLONG: 'name_too_long',
  EFBIG: 'too_large',
  ENOTSUP: 'unsupported',
  EOPNOTSUPP: 'unsupported',
  ETIMEDOUT: 'timeout',
};

/** Whatever was thrown, as an AosError: Node's system errors keep their errno, an abort is `interrupted`, the rest is EIO. */
export function asAosError(thrown: unknown, component: string, path?: string): AosError {
  if (thrown instanceof AosError) return thrown;
  if (thrown instanceof Error) {
    if (thrown.name === 'AbortError') {
      return new AosError('interrupted', { component, path, why: 'the operation was interrupted', cause: thrown });
    }
    const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
    const kind = Object.hasOwn(BY_ERRNO, code) ? BY_ERRNO[code] : undefined;
    if (kind !== undefined) {
      const why = SAID[kind] ?? thrown.message;
      return new AosError(kind, { component, path, why, remedy: REMEDIES[kind], cause: thrown });
    }
    return new AosError('io', { component, path, why: thrown.message || thrown.name, cause: thrown });
  }
  return new AosError('io', { component, path, why: String(thrown), cause: thrown });
}

/** What a system error means, without the host path that Node puts into its message. */
const SAID: Partial<Record<ErrorKind, string>> = {
  not_found: 'no such file or directory',
  not_readable: 'permission denied',
  not_permitted: 'operation not permitted',
  read_only: 'read-only',
  exists: 'it exists already',
  is_dir: 'it is a directory',
  not_dir: 'not a directory',
  not_empty: 'the directory is not empty',
  cross_mount: 'not within one mount',
  link_loop: 'too many levels of symbolic links',
  no_attribute: 'no such attribute',
  no_space: 'no space left on the device',
  busy: 'it is in use',
  too_many: 'too many open files',
  gone: 'it is gone',
  invalid: 'invalid argument',
  name_too_long: 'the name is too long',
  too_large: 'too large',
  unsupported: 'not supported',
  timeout: 'timed out',
};

/** What helps against a system error, whatever was being done. */
const REMEDIES: Partial<Record<ErrorKind, string>> = {
  not_found: 'check the name',
  not_readable: 'ask the owner, or see: ls -l',
  exists: 'choose another name',
  is_dir: 'name a file in it',
  not_dir: 'name a directory',
  not_empty: 'remove what is in it first',
  cross_mount: 'copy it instead',
  link_loop: 'correct the links',
  no_space: 'free some space on the disk that holds it',
  busy: 'try again when it is free',
  too_many: 'close some',
  gone: 'open it again',
  name_too_long: 'choose a shorter name',
  too_large: 'write less',
  timeout: 'try again',
};
