/** What was thrown, as the number that the kernel hands to the caller. */

import { AosError, asAosError, ERRNO } from '../../core/errors.ts';

/** A failure that is the protocol's own and has no kind: an unknown handle, a malformed frame. */
export class WireError extends Error {
  readonly errno: number;

  constructor(errno: number, message: string) {
    super(message);
    this.name = 'WireError';
    this.errno = errno;
  }
}

/** ESTALE where the kernel looks the name up once more and goes on with what it then is: nothing went wrong. */
export class LookAgain extends WireError {
  constructor(message: string) {
    super(ERRNO.ESTALE, message);
  }
}

/** The positive errno. Node's own system errors keep theirs; whatever else was thrown is EIO. */
export function errnoOf(thrown: unknown): number {
  if (thrown instanceof AosError) return ERRNO[thrown.errno];
  if (thrown instanceof WireError) return thrown.errno;
  if (thrown instanceof Error && 'errno' in thrown && typeof thrown.errno === 'number') {
    const errno = Math.abs(thrown.errno);
    if (errno > 0 && errno < 512) return errno;
  }
  return ERRNO[asAosError(thrown, 'kernel door').errno];
}

/** Whether it was foreseen. What was not is a fault of a plugin or of ours and belongs in the log. */
export function isForeseen(thrown: unknown): boolean {
  return (
    thrown instanceof AosError ||
    thrown instanceof WireError ||
    (thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' && thrown.code.startsWith('E'))
  );
}
