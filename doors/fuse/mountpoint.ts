/** What is mounted where, and what to do about a mount whose server died. */

import { spawnSync } from 'node:child_process';
import { accessSync, constants, readdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { AosError, asAosError } from '../../core/errors.ts';
import { makeDirs } from '../dirs.ts';

/** How long a mount may take to say that it lives. */
const ANSWER_MS = 3000;
/** Dead mounts may lie on top of one another. */
const LAYERS_MAX = 16;

/** The type of what is mounted exactly at `dir` (`fuse.aos`, `ext4`), the topmost; undefined where nothing is. Never touches `dir` itself. */
export function mountedAt(dir: string): string | undefined {
  const wanted = resolve(dir);
  let type: string | undefined;
  for (const line of mountinfo().split('\n')) {
    // proc_pid_mountinfo(5): field 5 is the mount point; the type follows the separator.
    const fields = line.split(' ');
    const point = fields[4];
    if (point === undefined || unescapeOctal(point) !== wanted) continue;
    type = fields[fields.indexOf('-', 6) + 1];
  }
  return type;
}

function mountinfo(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return '';
  }
}

/** Spaces and the like are written in octal. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Where a program is on PATH, the system directories included. */
export function findProgram(name: string): string | undefined {
  for (const dir of [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/bin', '/usr/sbin', '/sbin']) {
    if (dir === '') continue;
    const path = join(dir, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this directory.
    }
  }
  return undefined;
}

type Life = 'alive' | 'dead' | 'silent';

/**
 * Asked in a process of its own, because a server that hangs would hang whoever asks; and of the file system, since of a
 * directory the kernel may still know the attributes.
 */
function lifeOf(dir: string): Life {
  const asked = spawnSync('stat', ['-f', '--', dir], {
    timeout: ANSWER_MS,
    killSignal: 'SIGKILL',
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (asked.status === 0) return 'alive';
  if (asked.status === null) return 'silent';
  return /not connected|connection abort/i.test(asked.stderr) ? 'dead' : 'alive';
}

/** Unmounts what is left at `dir` of a server that died. True if there was such a thing and it is gone. */
export function healMountpoint(dir: string): boolean {
  let healed = false;
  for (let i = 0; i < LAYERS_MAX; i++) {
    if (!mountedAt(dir)?.startsWith('fuse') || lifeOf(dir) !== 'dead' || !detach(dir)) break;
    healed = true;
  }
  return healed;
}

/** The commands that take a mount away at once, in the order to try them. */
export function detachCommands(dir: string): string[][] {
  const asRoot = ['umount', '-l', '--', dir];
  const asUser = [findProgram('fusermount3') ?? 'fusermount', '-u', '-z', '--', dir];
  return process.getuid?.() === 0 ? [asRoot, asUser] : [asUser, asRoot];
}

function detach(dir: string): boolean {
  for (const [program = '', ...args] of detachCommands(dir)) {
    if (spawnSync(program, args, { timeout: ANSWER_MS, stdio: 'ignore' }).status === 0) return true;
  }
  return false;
}

/** Makes `dir` ready to be mounted on: it exists, is empty, and nothing is mounted there. Throws AosError where it cannot be. */
export function prepareMountpoint(dir: string): void {
  healMountpoint(dir);
  const type = mountedAt(dir);
  if (type !== undefined) {
    const silent = type.startsWith('fuse') && lifeOf(dir) === 'silent';
    throw new AosError('busy', {
      component: 'kernel door',
      path: dir,
      why: silent ? `a ${type} is mounted there whose server does not answer` : `a ${type} is mounted there already`,
      remedy: silent
        ? `end its server, or run: umount -l ${dir}`
        : `use it, take it away with aos umount, or set AOS_MOUNT to another directory`,
    });
  }
  const names = readOrMake(dir);
  if (names.length > 0) {
    throw new AosError('not_empty', {
      component: 'kernel door',
      path: dir,
      why: `the directory to mount on holds ${names.length === 1 ? 'a file' : `${names.length} files`}, which the mount would hide`,
      remedy: 'set AOS_MOUNT to an empty directory',
    });
  }
}

function readOrMake(dir: string): string[] {
  try {
    makeDirs(dir);
    if (!statSync(dir).isDirectory()) throw Object.assign(new Error('not a directory'), { code: 'ENOTDIR' });
    return readdirSync(dir);
  } catch (error) {
    const { kind, why } = asAosError(error, 'kernel door', dir);
    throw new AosError(kind === 'exists' ? 'not_dir' : kind, {
      component: 'kernel door',
      path: dir,
      why: `it cannot be mounted on: ${kind === 'exists' ? 'it is not a directory' : why}`,
      remedy: 'make it a directory of your own, or set AOS_MOUNT to one',
      cause: error,
    });
  }
}
