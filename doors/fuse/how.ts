/** How a file is opened. */

import type { OpenHow } from '../../core/types.ts';
import { O } from './wire.ts';

/** Every way to open, made once: 32 of them. */
const HOW: readonly OpenHow[] = Array.from({ length: 32 }, (_, bits) =>
  Object.freeze({
    read: (bits & 1) !== 0,
    write: (bits & 2) !== 0,
    append: (bits & 4) !== 0,
    truncate: (bits & 8) !== 0,
    exclusive: (bits & 16) !== 0,
  }),
);
const READ_ONLY: OpenHow = { read: true, write: false, append: false, truncate: false };

/** The flags of open(2) as the tree understands them. */
export function howOf(flags: number): OpenHow {
  const access = flags & O.ACCMODE;
  const bits =
    (access !== O.WRONLY ? 1 : 0) |
    (access === O.WRONLY || access === O.RDWR ? 2 : 0) |
    (flags & O.APPEND ? 4 : 0) |
    (flags & O.TRUNC ? 8 : 0) |
    (flags & O.EXCL ? 16 : 0);
  return HOW[bits] ?? READ_ONLY;
}
