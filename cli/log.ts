/** The daemon's log: JSON lines in a file, or readable on a terminal. */

import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { pino } from 'pino';
import type { Log } from '../core/types.ts';

const FILE_BYTES_MAX = 10 * 1024 * 1024;
/** What is kept of lines that cannot be written; what comes after is dropped. */
const WAITING_BYTES_MAX = 1024 * 1024;

/** One log for each component, all to `file`. A file that has grown large makes room: one older one is kept. */
export function openLog(file: string, level: string): (component: string) => Log {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  if (existsSync(file) && statSync(file).size > FILE_BYTES_MAX) renameSync(file, `${file}.1`);
  const destination = pino.destination({ dest: file, sync: true, mode: 0o600, maxLength: WAITING_BYTES_MAX });
  // A full disk: what could not be written waits for the next line, and the daemon goes on.
  destination.on('error', () => undefined);
  const root = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: label => ({ level: label }) } },
    destination,
  );
  return component => root.child({ component });
}
