/** Reading and writing a handle's whole content, at once where every step answers at once. */

import { AosError } from './errors.ts';
import { LIMITS } from './limits.ts';
import { caught, isPromise, then } from './maybe.ts';
import type { Cancel, Handle, Maybe, OpenHow } from './types.ts';

export const READ: OpenHow = { read: true, write: false, append: false, truncate: false };
export const REPLACE: OpenHow = { read: false, write: true, append: false, truncate: true };

/** Runs `first`; where it fails in a way that `test` knows, `second` with the error. */
export function orElse<T>(
  first: () => Maybe<T>,
  test: (error: unknown) => boolean,
  second: (error: unknown) => Maybe<T>,
): Maybe<T> {
  return caught(first, error => {
    if (test(error)) return second(error);
    throw error;
  });
}

const PIECE = 256 * 1024;

export function readAll(handle: Handle, cancel: Cancel | undefined): Maybe<Uint8Array> {
  const parts: Uint8Array[] = [];
  let at = 0;
  for (;;) {
    const part = handle.read(at, PIECE, cancel);
    if (isPromise(part)) return readLater(handle, parts, at, part, cancel);
    if (part.length === 0) return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
    parts.push(part);
    at += part.length;
  }
}

async function readLater(
  handle: Handle,
  parts: Uint8Array[],
  from: number,
  first: Promise<Uint8Array>,
  cancel: Cancel | undefined,
): Promise<Uint8Array> {
  let part = await first;
  for (let at = from; part.length > 0; part = await handle.read(at, PIECE, cancel)) {
    parts.push(part);
    at += part.length;
  }
  return Buffer.concat(parts);
}

/**
 * Writes all of `body` from `at` on, in pieces where it is long or is not taken whole; an empty one is written too. Throws `io`
 * where nothing more is taken.
 */
export function writeAll(handle: Handle, body: Uint8Array, cancel: Cancel | undefined, at: number = 0): Maybe<void> {
  return then(handle.write(at, body.subarray(0, LIMITS.write_bytes_max), cancel), written => {
    if (written === body.length) return undefined;
    if (written <= 0) {
      throw new AosError('io', { component: 'core', path: handle.path, why: 'nothing more could be written' });
    }
    return writeAll(handle, body.subarray(written), cancel, at + written);
  });
}

/** What `act` makes of a handle, which is closed afterwards however that ends. */
export function closing<T>(handle: Handle, act: () => Maybe<T>): Maybe<T> {
  let result: Maybe<T>;
  try {
    result = act();
  } catch (error) {
    handle.close();
    throw error;
  }
  if (isPromise(result)) return result.finally(() => handle.close());
  handle.close();
  return result;
}
