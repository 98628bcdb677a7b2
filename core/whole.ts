/** Reading and writing a handle's whole content, at once where every step answers at once. */

import { LIMITS } from './limits.ts';
import { isPromise, then } from './maybe.ts';
import type { Cancel, Handle, Maybe, OpenHow } from './types.ts';

export const READ: OpenHow = { read: true, write: false, append: false, truncate: false };
export const REPLACE: OpenHow = { read: false, write: true, append: false, truncate: true };

/** Runs `first`; where it fails in a way that `test` knows, `second` with the error. */
export function orElse<T>(
  first: () => Maybe<T>,
  test: (error: unknown) => boolean,
  second: (error: unknown) => Maybe<T>,
): Maybe<T> {
  const recover = (error: unknown): Maybe<T> => {
    if (test(error)) return second(error);
    throw error;
  };
  try {
    const result = first();
    return isPromise(result) ? result.catch(recover) : result;
  } catch (error) {
    return recover(error);
  }
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

/** A file that cannot be written whole at once is written on. */
export function writeAll(handle: Handle, body: Uint8Array, cancel: Cancel | undefined, from: number = 0): Maybe<void> {
  if (from >= body.length && from > 0) return undefined;
  return then(handle.write(from, body.subarray(from, from + LIMITS.write_bytes_max), cancel), written =>
    body.length === 0 ? undefined : writeAll(handle, body, cancel, from + written),
  );
}
