import type { FileBody } from '../../core/types.ts';

/** An open file with nothing in it, which takes nothing. */
export function emptyBody(): FileBody {
  return {
    read: () => new Uint8Array(0),
    write: () => 0,
    truncate() {},
    sync() {},
    attr: () => ({}),
    close() {},
  };
}
