/**
 * What of a waiting thread can be seen in `/proc`: its system call, a text in its memory, and what its process has open. Nothing is
 * known where it may not be read.
 */

import { close, open, read, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A path from its beginning, where that is known. */
export function wholeOf(thread: number, base: string, typed: string): string {
  if (typed.startsWith('/')) return typed;
  try {
    return `${readlinkSync(`/proc/${thread}/${base}`).replace(/ \(deleted\)$/, '')}/${typed}`;
  } catch {
    return typed;
  }
}

/** The line of proc_pid_syscall(5); empty where it may not be read. */
export function lineOf(thread: number): string {
  try {
    return readFileSync(`/proc/${thread}/syscall`, 'latin1');
  } catch {
    return '';
  }
}

const PATH_MAX = 4096;
/** The smallest page there is. */
const PAGE = 4096;
/** A page of memory that is there is read in microseconds. */
const PATIENCE_MS = 50;
/** The read that goes on, or went on last. */
let before: Promise<unknown> = Promise.resolve();
/** It takes longer than anybody waits; until it is over no other is begun. */
let isStuck = false;

/**
 * The text that a thread's pointer leads to. Off the main thread, one at a time and with a bound: a process can have its memory be a
 * file of this very mount, or let whoever touches it wait.
 */
export function textAt(thread: number, address: bigint): Promise<string | undefined> {
  const text = before.then(() => (isStuck ? undefined : textInTime(thread, address)));
  before = text;
  return text;
}

function textInTime(thread: number, address: bigint): Promise<string | undefined> {
  return new Promise(resolve => {
    // Twice: what the first wait was too short for may have been this thread, busy with something else.
    let waits = 2;
    const timer = setTimeout(() => {
      if (--waits > 0) {
        timer.refresh();
        return;
      }
      isStuck = true;
      resolve(undefined);
    }, PATIENCE_MS);
    readText(thread, address, text => {
      clearTimeout(timer);
      isStuck = false;
      resolve(text);
    });
  });
}

/** Calls `done` once, with undefined where there is no text or it may not be read. */
function readText(thread: number, address: bigint, done: (text: string | undefined) => void): void {
  open(`/proc/${thread}/mem`, 'r', (refused, fd) => {
    if (refused !== null) {
      done(undefined);
      return;
    }
    const buffer = Buffer.alloc(PATH_MAX);
    const finish = (text: string | undefined): void => {
      close(fd);
      done(text);
    };
    // To the end of a page and no further: what lies behind the text is none of ours, and may not be there.
    const goOn = (from: number): void => {
      const size = Math.min(PAGE - Number((address + BigInt(from)) % BigInt(PAGE)), PATH_MAX - from);
      read(fd, buffer, from, size, address + BigInt(from), (failed, length) => {
        const end = buffer.subarray(0, from + length).indexOf(0, from);
        if (failed !== null || length === 0) finish(undefined);
        else if (end !== -1) finish(buffer.toString('utf8', 0, end));
        else if (from + length < PATH_MAX) goOn(from + length);
        else finish(undefined);
      });
    };
    goOn(0);
  });
}

/** Whether a process has a descriptor of this path of the tree, wherever that is mounted. */
export function hasOpen(pid: number, path: string): boolean {
  // Below the mountpoint, which may have any name.
  const below = path.slice(path.indexOf('/', 1));
  const dir = `/proc/${pid}/fd`;
  try {
    return readdirSync(dir).some(fd => linkOf(`${dir}/${fd}`).endsWith(below));
  } catch {
    return false;
  }
}

/** Empty for what was closed meanwhile. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
