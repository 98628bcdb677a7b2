/**
 * The files of a turn as the daemon itself reads and writes them. Whoever may write below /aos/conversations may have put a
 * link, a pipe or a huge file in the place of one, so nothing here follows a link, waits, or reads without a bound.
 */

import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  type Stats,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { AosError } from '../plugin-sdk/index.ts';

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants;
/** Never a link's target, and never a wait for a pipe's other end. */
const O_SAFE = O_NOFOLLOW | O_NONBLOCK;
/** Those of a turn's directory, `YYYY/MM/DD/<id>`: what lies above them is the daemon's own. */
const NAMES_BELOW_ROOT = 4;
const MODE = 0o666;
const LINE_FEED = 10;
/** Says nothing of the file: it may be there all the same. */
const NO_ROOM = ['EMFILE', 'ENFILE', 'ENOMEM'];

export interface Head {
  readonly bytes: Buffer;
  /** Of the whole file. */
  readonly size: number;
}

/**
 * The first `max` bytes of an ordinary file in a turn's directory; undefined where there is none. Throws only where the
 * machine has no room to open it.
 */
export function readHead(dir: string, name: string, max: number): Head | undefined {
  try {
    return isOnTheWay(dir, name) ? headOf(`${dir}/${name}`, max) : undefined;
  } catch (thrown) {
    if (NO_ROOM.includes(codeOf(thrown))) throw thrown;
    return undefined;
  }
}

function headOf(file: string, max: number): Head | undefined {
  const fd = openSync(file, O_RDONLY | O_SAFE);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) return undefined;
    const bytes = Buffer.allocUnsafe(Math.min(stats.size, max));
    return { bytes: bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0)), size: stats.size };
  } finally {
    closeSync(fd);
  }
}

/** Whole or not at all: a reader, or a crash, never finds half of it. `name` may lie in a directory of the turn's. */
export function writeWhole(dir: string, name: string, text: string): void {
  checkWay(dir, name);
  const temporary = `${dir}/.${name.replaceAll('/', '_')}.tmp`;
  const fd = openAnew(temporary);
  try {
    try {
      writeFileSync(fd, text);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, `${dir}/${name}`);
  } catch (thrown) {
    unlinkSync(temporary);
    throw thrown;
  }
}

/** Whatever a crash, or somebody else, left in its place is taken away first. */
function openAnew(temporary: string): number {
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  try {
    return openSync(temporary, flags, MODE);
  } catch (thrown) {
    if (codeOf(thrown) !== 'EEXIST') throw thrown;
    unlinkSync(temporary);
    return openSync(temporary, flags, MODE);
  }
}

/** A descriptor of a file in a turn's directory that lines are added to; it is made where it is missing. */
export function openLog(dir: string, name: string): number {
  checkWay(dir, name);
  const fd = openSync(`${dir}/${name}`, O_RDWR | O_CREAT | O_APPEND | O_SAFE, MODE);
  try {
    const stats = fstatSync(fd);
    // Another name of a file may be anybody's.
    if (!stats.isFile() || stats.nlink !== 1) throw notOurs(`${name} is no file, or has another name elsewhere`);
    return fd;
  } catch (thrown) {
    closeSync(fd);
    throw thrown;
  }
}

/** On a line of its own, even where the last write was cut. */
export function addLine(fd: number, line: string): void {
  const { size } = fstatSync(fd);
  const last = Buffer.alloc(1);
  const isWhole = size === 0 || (readSync(fd, last, 0, 1, size - 1) === 1 && last[0] === LINE_FEED);
  writeSync(fd, `${isWhole ? '' : '\n'}${line}\n`);
}

/**
 * Whether the directory is one that the daemon made: what others make through a daemon of root belongs to them. In a home that
 * was moved all belongs to whom its root belongs to.
 */
export function isMadeHere(root: string, dir: string): boolean {
  const made = lstatSync(dir, { throwIfNoEntry: false });
  return made?.isDirectory() === true && [process.geteuid?.(), lstatSync(root).uid].includes(made.uid);
}

function checkWay(dir: string, name: string): void {
  if (!isOnTheWay(dir, name)) throw notOurs(`what leads to ${name} is missing, or is no directory`);
}

/**
 * Whether all that leads to a file, from the root down, are directories and no links. It stays so while the file is opened:
 * only the daemon's own user reaches the root, and what others do there comes through this thread, one call at a time.
 */
function isOnTheWay(dir: string, name: string): boolean {
  const names = `${dir}/${name}`.split('/');
  const depth = NAMES_BELOW_ROOT + name.split('/').length;
  for (let end = names.length - depth + 1; end < names.length; end++) {
    const stats: Stats | undefined = lstatSync(names.slice(0, end).join('/'), { throwIfNoEntry: false });
    if (stats?.isDirectory() !== true) return false;
  }
  return true;
}

function notOurs(why: string): AosError {
  return new AosError('not_permitted', {
    component: 'conversations',
    why,
    remedy: 'see who put it there, and move it away',
  });
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
}
