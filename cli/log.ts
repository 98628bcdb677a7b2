/** The daemon's log: JSON lines in a file, or readable on a terminal. */

import { copyFileSync, mkdirSync, statSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import { pino } from 'pino';
import type { Log } from '../core/types.ts';

const FILE_BYTES_MAX = 10 * 1024 * 1024;
/** What is kept of lines that cannot be written; what comes after is dropped. */
const WAITING_BYTES_MAX = 1024 * 1024;

/** One log for each component, all to `file`. A file that has grown large makes room: one older one is kept. */
export function openLog(file: string, level: string, bytesMax: number = FILE_BYTES_MAX): (component: string) => Log {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const destination = pino.destination({ dest: file, sync: true, mode: 0o600, maxLength: WAITING_BYTES_MAX });
  // A full disk: what could not be written waits for the next line, and the daemon goes on.
  destination.on('error', () => undefined);
  let bytes = statSync(file).size;
  const stream = {
    write(line: string): void {
      bytes += Buffer.byteLength(line);
      if (bytes > bytesMax) {
        makeRoom(file);
        bytes = Buffer.byteLength(line);
      }
      destination.write(line);
    },
  };
  const root = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: label => ({ level: label }) } },
    stream,
  );
  return component => root.child({ component });
}

/** The file itself stays: the daemon's standard output and error go to it, too. */
function makeRoom(file: string): void {
  try {
    copyFileSync(file, `${file}.1`);
    truncateSync(file, 0);
  } catch {
    // No room for a copy: it goes on growing, and is looked at again when it has grown as much once more.
  }
}
