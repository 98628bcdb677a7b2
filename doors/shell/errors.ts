/** What went wrong in the tree, put into what commands say: they report most failures as a missing file. */

import type { TreeFailure } from './protocol.ts';

/** As strerror(3) has it. */
const SAID: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  EACCES: 'Permission denied',
  EPERM: 'Operation not permitted',
  EROFS: 'Read-only file system',
  EEXIST: 'File exists',
  EISDIR: 'Is a directory',
  ENOTDIR: 'Not a directory',
  ENOTEMPTY: 'Directory not empty',
  EXDEV: 'Invalid cross-device link',
  ELOOP: 'Too many levels of symbolic links',
  EINVAL: 'Invalid argument',
  EILSEQ: 'Invalid or incomplete multibyte or wide character',
  ENAMETOOLONG: 'File name too long',
  EFBIG: 'File too large',
  ENOSPC: 'No space left on device',
  EDQUOT: 'Disk quota exceeded',
  EAGAIN: 'Resource temporarily unavailable',
  EBUSY: 'Device or resource busy',
  EIO: 'Input/output error',
  EINTR: 'Interrupted system call',
  ETIMEDOUT: 'Connection timed out',
  ESTALE: 'Stale file handle',
  ENOTSUP: 'Operation not supported',
  ENOSYS: 'Function not implemented',
  EMFILE: 'Too many open files',
  ESPIPE: 'Illegal seek',
  EMSGSIZE: 'Message too long',
  EBADMSG: 'Bad message',
};

export function saidOf(errno: string): string {
  return SAID[errno] ?? errno;
}

/** A refusal, as a file system's error for the commands: most know the code, some print the message. */
export class TreeError extends Error {
  readonly code: string;
  readonly path: string;
  readonly failure: TreeFailure;

  constructor(failure: TreeFailure, op: string, path: string) {
    super(`${failure.errno}: ${saidOf(failure.errno).toLowerCase()}, ${op} '${path}'`);
    this.name = 'TreeError';
    this.code = failure.errno;
    this.path = path;
    this.failure = failure;
  }
}

export interface Failed {
  readonly path: string;
  readonly failure: TreeFailure;
  /** Only looked: whoever asked may have expected it. */
  readonly probe: boolean;
}

/** What commands say in place of the reason. */
const VAGUE =
  /No such file or directory|cannot open redirect target|\bE[A-Z]{2,}: .*$|File exists|Not a directory|cannot safely determine .*$/;

/**
 * The lines of a command's standard error with what really happened: the errno's own words and, where it helps, a line with
 * the reason. What no line tells of is added, unless it was only a look.
 */
export function explained(stderr: string, failures: readonly Failed[], command: string | undefined): string {
  if (failures.length === 0) return stderr;
  const left = [...failures];
  const lines = stderr === '' ? [] : stderr.replace(/\n$/, '').split('\n');
  const out: string[] = [];
  for (const line of lines) {
    const at = left.findIndex(({ path }) => names(line, path));
    const failed = left[at];
    if (failed === undefined || !(VAGUE.test(line) || line.endsWith(saidOf(failed.failure.errno)))) {
      out.push(line);
      continue;
    }
    left.splice(at, 1);
    out.push(line.replace(VAGUE, saidOf(failed.failure.errno)));
    if (failed.failure.telling) out.push(failed.failure.reason);
  }
  const said = new Set(out);
  for (const { path, failure, probe } of left) {
    if (probe || failure.errno === 'ENOENT' || said.has(failure.reason)) continue;
    said.add(failure.reason);
    out.push(`${command ?? 'bash'}: ${path}: ${saidOf(failure.errno)}`, failure.reason);
  }
  return out.length === 0 ? '' : `${out.join('\n')}\n`;
}

/** Whether a line is about a path: in full, or by a relative one that ends like it. */
function names(line: string, path: string): boolean {
  if (line.includes(path)) return true;
  const words = line.split(/[\s:'"`]+/);
  return words.some(
    word => word !== '' && word !== '/' && path.endsWith(`/${word.replace(/^(?:\.\.?\/)+|\/+$/g, '')}`),
  );
}
