/** Whether the daemon can go on: `ok`, or what is short. */

import { statfsSync } from 'node:fs';
import { asAosError } from '../plugin-sdk/index.ts';

/** With less on its disk than this the next message may be refused. */
const FREE_BYTES_MIN = 4 * 1024 * 1024;

/** One line. `free` gives the bytes that are left on the disk that holds a directory. */
export function healthOf(home: string, free: (dir: string) => number = freeBytes): string {
  try {
    const left = free(home);
    if (left >= FREE_BYTES_MIN) return 'ok';
    return `degraded: ${Math.floor(left / 1024)} KiB are left on the disk that holds ${home}; free some space`;
  } catch (thrown) {
    return `degraded: ${asAosError(thrown, 'system', home).message}`;
  }
}

function freeBytes(dir: string): number {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize;
}
