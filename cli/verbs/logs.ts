/** Shows the daemon's log, straight from its file: it works when the daemon does not. */

import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { AosError, asAosError } from '../../core/errors.ts';
import { logFile } from '../env.ts';
import { line } from '../output.ts';
import { isFields } from '../shape.ts';
import type { Context, Verb } from '../verb.ts';

const LINES = 200;
const CHUNK_BYTES = 64 * 1024;
const POLL_MS = 200;
/** In every line, and of no use to who reads. */
const DULL: readonly string[] = ['level', 'time', 'msg'];

export const verb: Verb = {
  name: 'logs',
  summary: "Show the daemon's log",
  flags: [
    { flags: '-f, --follow', help: 'go on as it grows' },
    { flags: '-n, --lines <count>', help: `how many of the last lines, ${LINES} if not said` },
  ],
  notes:
    'It reads $AOS_HOME/log/daemon.log, and so works when the daemon does not. With --json the lines are as the file has them.',
  async run(context: Context) {
    const file = logFile(context.env);
    const fd = open(file);
    try {
      const show = (text: string): void => line(context.json ? text : pretty(text));
      const wanted = Math.floor(context.flags.number('lines', 0) ?? LINES);
      const whole = readFrom(fd, 0);
      for (const text of lastLines(whole.text, wanted)) show(text);
      if (context.flags.on('follow')) await follow(file, fd, whole, show);
    } finally {
      closeSync(fd);
    }
  },
};

interface Piece {
  readonly text: string;
  /** Where the next read begins. */
  readonly end: number;
}

function open(file: string): number {
  try {
    return openSync(file, 'r');
  } catch (thrown) {
    const error = asAosError(thrown, 'aos logs', file);
    if (error.kind !== 'not_found') throw error;
    throw new AosError('not_found', {
      component: 'aos logs',
      path: file,
      why: 'no daemon has written a log there',
      remedy: 'start one with `aos-mount`, or set AOS_HOME to the home of the one you mean',
    });
  }
}

/** Whole lines from `start` on; what follows the last newline is left for the next read. */
function readFrom(fd: number, start: number): Piece {
  const chunks: Buffer[] = [];
  let offset = start;
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const count = readSync(fd, chunk, 0, chunk.length, offset);
    if (count === 0) break;
    chunks.push(chunk.subarray(0, count));
    offset += count;
  }
  const bytes = Buffer.concat(chunks);
  const whole = bytes.subarray(0, bytes.lastIndexOf('\n') + 1);
  return { text: whole.toString(), end: start + whole.length };
}

function lastLines(text: string, count: number): string[] {
  const all = text.split('\n').filter(one => one !== '');
  return count === 0 ? [] : all.slice(-count);
}

/** Until Ctrl-C. A file that was replaced or emptied is read from its beginning. */
async function follow(file: string, first: number, from: Piece, show: (text: string) => void): Promise<never> {
  let fd = first;
  let offset = from.end;
  for (;;) {
    await new Promise(resolve => setTimeout(resolve, POLL_MS));
    const now = statSync(file, { throwIfNoEntry: false });
    const mine = fstatSync(fd);
    if (now !== undefined && now.ino !== mine.ino) {
      for (const text of lastLines(readFrom(fd, offset).text, Number.POSITIVE_INFINITY)) show(text);
      if (fd !== first) closeSync(fd);
      fd = openSync(file, 'r');
      offset = 0;
    } else if (mine.size < offset) {
      offset = 0;
    }
    const piece = readFrom(fd, offset);
    offset = piece.end;
    for (const text of lastLines(piece.text, Number.POSITIVE_INFINITY)) show(text);
  }
}

/** `time level message key=value...`; what is not one of the logger's lines is shown as it is. */
function pretty(raw: string): string {
  let record: unknown;
  try {
    record = JSON.parse(raw);
  } catch {
    return raw;
  }
  if (!isFields(record) || typeof record.time !== 'string') return raw;
  const more = Object.entries(record)
    .filter(([name]) => !DULL.includes(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const message = typeof record.msg === 'string' ? record.msg : '';
  return [record.time, String(record.level).padEnd(5), message, ...more].join(' ').trimEnd();
}
