/**
 * What a thread is about to do with a name that it looks up. The kernel says so only after it has heard whether the name is a
 * file or a directory; but the thread waits in its system call, and proc_pid_syscall(5) shows which one that is. It is a hint and gives
 * nobody a right: a thread may have changed the text meanwhile, and only has its own name taken for something else. Where
 * it may not be read (another user's thread, or a kernel that restricts ptrace), or the processor is not known here, nothing is known.
 */

import { arch } from 'node:process';
import type { Maybe } from '../../core/types.ts';
import { lineOf, textAt, wholeOf } from './peek.ts';
import { O } from './wire.ts';

/** The path is wanted as a file that is to be written, cut or removed; or as nothing that is there yet. */
export type Intent = 'change' | 'make';

/** What a system call means to do with a path. */
export interface Asked {
  readonly intent: Intent;
  /** Where in the thread's memory the path is. */
  readonly address: bigint;
  /** Where a relative path begins, below the thread's directory in `/proc`. */
  readonly base: string;
}

/** Where a system call has its path, and what it means by it, given the argument after the path. */
interface Call {
  readonly path: number;
  means(next: number): Intent | undefined;
}

const opening = (flags: number): Intent | undefined => {
  if ((flags & O.DIRECTORY) !== 0) return undefined;
  return (flags & O.ACCMODE) !== 0 || (flags & (O.CREAT | O.TRUNC)) !== 0 ? 'change' : undefined;
};
const changing = (): Intent => 'change';
const making = (): Intent => 'make';
/** AT_REMOVEDIR is about a directory. */
const removing = (flags: number): Intent | undefined => (flags === 0 ? 'change' : undefined);

/** By number: open creat truncate unlink mkdir openat unlinkat mkdirat. asm/unistd_64.h and asm-generic/unistd.h. */
const CALLS: Readonly<Record<string, ReadonlyMap<number, Call>>> = {
  x64: new Map([
    [2, { path: 0, means: opening }],
    [85, { path: 0, means: changing }],
    [76, { path: 0, means: changing }],
    [87, { path: 0, means: changing }],
    [83, { path: 0, means: making }],
    [257, { path: 1, means: opening }],
    [263, { path: 1, means: removing }],
    [258, { path: 1, means: making }],
  ]),
  arm64: new Map([
    [45, { path: 0, means: changing }],
    [56, { path: 1, means: opening }],
    [35, { path: 1, means: removing }],
    [34, { path: 1, means: making }],
  ]),
};

/** Fields of the line: the call's number, six arguments, the stack pointer, the program counter. */
const FIELDS = 9;
const STACK = 7;
const AT_FDCWD = -100;
/** Below it lies the stack of a 32-bit process, whose calls have other numbers. */
const HIGH = 0x1_0000_0000n;

/** What a line of proc_pid_syscall(5) says of a thread that is about to write, remove or make something; else undefined. */
export function callIn(line: string, processor: string = arch): Asked | undefined {
  const fields = line.trim().split(' ');
  const call = CALLS[processor]?.get(Number(fields[0]));
  if (call === undefined || fields.length !== FIELDS) return undefined;
  // Of a register that holds an int the upper half is anything.
  const argument = (at: number): bigint => BigInt(fields[1 + at] ?? 0);
  const intent = call.means(Number(BigInt.asUintN(32, argument(call.path + 1))));
  if (intent === undefined || BigInt(fields[STACK] ?? 0) < HIGH) return undefined;
  return { intent, address: argument(call.path), base: baseOf(call.path, fields) };
}

/** A call whose path is the second argument has the directory that it begins in as its first. */
function baseOf(path: number, fields: readonly string[]): string {
  const dir = path === 0 ? AT_FDCWD : Number(BigInt.asIntN(32, BigInt(fields[1] ?? 0)));
  return dir === AT_FDCWD ? 'cwd' : `fd/${dir}`;
}

/**
 * What was meant by a call with the path `typed`, when `path` is looked up, as the tree names it. `typed` may lack its beginning. Undefined
 * where `path` is, or could as well be, a directory on the way; what leads through a symbolic link is not known either.
 */
export function meant(intent: Intent, typed: string, path: string): Intent | undefined {
  // What ends in a slash or a dot is a directory, unless it is to become one.
  if (/(^|\/)\.{1,2}$/.test(typed) || (intent === 'change' && typed.endsWith('/'))) return undefined;
  // Below the mountpoint, which may have any name.
  const names = path.split('/').slice(2);
  const ways = waysOf(typed);
  const target = ways.pop();
  const isOnTheWay = ways.some(way => endsAlike(way, names));
  return target !== undefined && !isOnTheWay && endsAlike(target, names) ? intent : undefined;
}

/** The way to each name that is looked up in turn, the last one's last. */
function waysOf(typed: string): string[][] {
  const way: string[] = [];
  const ways: string[][] = [];
  for (const step of typed.split('/')) {
    if (step === '..') way.pop();
    else if (step !== '' && step !== '.') {
      way.push(step);
      ways.push([...way]);
    }
  }
  return ways;
}

/** Whether the last names are the same, as many as both have. */
function endsAlike(way: readonly string[], names: readonly string[]): boolean {
  const count = Math.min(way.length, names.length);
  const end = names.slice(-count);
  return count > 0 && way.slice(-count).every((name, i) => name === end[i]);
}

/** What the thread means to do with `path`, and not with something below it; undefined where not known. */
export function intentOf(thread: number, path: string): Maybe<Intent | undefined> {
  const asked = callIn(lineOf(thread));
  if (asked === undefined) return undefined;
  return textAt(thread, asked.address).then(typed =>
    typed === undefined ? undefined : meant(asked.intent, wholeOf(thread, asked.base, typed), path),
  );
}

/**
 * Calls that follow a path, by number, and which of their arguments it is: open stat lstat access execve truncate chdir readlink
 * setxattr lsetxattr getxattr lgetxattr listxattr llistxattr, and openat openat2 newfstatat statx faccessat faccessat2 unlinkat mkdirat
 * readlinkat fchmodat fchownat utimensat, where there are such.
 */
const FOLLOWING: Readonly<Record<string, ReadonlyMap<number, number>>> = {
  x64: byArgument(
    [2, 4, 6, 21, 59, 76, 80, 83, 84, 85, 87, 89, 188, 189, 191, 192, 194, 195],
    [257, 437, 262, 332, 269, 439, 263, 258, 267, 268, 260, 280],
  ),
  arm64: byArgument([5, 6, 8, 9, 11, 12, 45, 49, 221], [56, 437, 79, 291, 48, 439, 35, 34, 78, 53, 54, 88]),
};

function byArgument(first: readonly number[], second: readonly number[]): ReadonlyMap<number, number> {
  return new Map([...first.map(call => [call, 0] as const), ...second.map(call => [call, 1] as const)]);
}

/** Where a thread that follows a path has it; undefined where it does something else. */
export function followedIn(line: string, processor: string = arch): Omit<Asked, 'intent'> | undefined {
  const fields = line.trim().split(' ');
  const at = FOLLOWING[processor]?.get(Number(fields[0]));
  if (at === undefined || fields.length !== FIELDS || BigInt(fields[STACK] ?? 0) < HIGH) return undefined;
  return { address: BigInt(fields[1 + at] ?? 0), base: baseOf(at, fields) };
}

/** Whether `typed` leads through `path`, and certainly not to it. */
export function leadsThrough(typed: string, path: string): boolean {
  const names = path.split('/').slice(2);
  const ways = waysOf(typed);
  const target = ways.pop();
  return target !== undefined && !endsAlike(target, names) && ways.some(way => endsAlike(way, names));
}

/** Whether the thread looks `path` up on its way to something below it; false where that is not known. */
export function leadsOn(thread: number, path: string): Maybe<boolean> {
  const asked = followedIn(lineOf(thread));
  if (asked === undefined) return false;
  return textAt(thread, asked.address).then(
    typed => typed !== undefined && leadsThrough(wholeOf(thread, asked.base, typed), path),
  );
}
