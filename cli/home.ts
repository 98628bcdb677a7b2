/** The daemon's home: made, and held by one daemon at a time. */

import { ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import koffi from 'koffi';
import { AosError, asAosError } from '../core/errors.ts';
import { makeDirs } from '../doors/dirs.ts';

/** From flock(2). */
const LOCK_EX = 2;
const LOCK_NB = 4;

/**
 * Makes the home (0700) and takes its lock, which ends with the process however that ends.
 * Throws `busy` naming the daemon that holds it, or why the home cannot be used.
 */
export function takeHome(home: string): void {
  const file = `${home}/daemon.lock`;
  let fd: number;
  try {
    makeDirs(home, 0o700);
    fd = openSync(file, 'a+', 0o600);
  } catch (thrown) {
    const error = asAosError(thrown, 'daemon', home);
    const remedy = 'set AOS_HOME to a directory of yours that can be written';
    throw new AosError(error.kind, { component: 'daemon', path: home, why: error.why, remedy, cause: thrown });
  }
  const flock = koffi.load(null).func('int flock(int fd, int operation)');
  if (flock(fd, LOCK_EX | LOCK_NB) !== 0) {
    const pid = readFileSync(file, 'utf8').trim() || 'unknown';
    throw new AosError('busy', {
      component: 'daemon',
      path: home,
      why: `a daemon (pid ${pid}) serves this home already`,
      remedy: 'use it, stop it with: aos umount, or set another AOS_HOME',
    });
  }
  ftruncateSync(fd, 0);
  writeSync(fd, `${process.pid}\n`);
}
