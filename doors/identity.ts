/** Who is behind a request: what `/proc` says of a process, read when first needed and kept for a moment. */

import { closeSync, openSync, readSync } from 'node:fs';
import { AosError } from '../core/errors.ts';
import type { Authority, Caller, DoorName, Identity, ProcessId } from '../core/types.ts';

/** How long an answer is believed before `/proc` is read again. */
const KEPT_MS = 50;
/** Threads remembered at once; the memory is emptied when it is full. */
const KEPT_MAX = 1024;

interface Known {
  readonly identity: Identity;
  readonly at: number;
}

const known = new Map<number, Known>();
const buffer = Buffer.allocUnsafe(4096);

/**
 * What `/proc` says of the process that the thread `pid` belongs to. Never throws: a process that has ended, is hidden, or lives
 * in another pid namespace (0) gives zeros and an empty name. Linux only; elsewhere everything but the pid is unknown.
 */
export function readIdentity(pid: number): Identity {
  if (!Number.isInteger(pid) || pid <= 0) return unknown(0);
  const status = readHead(`/proc/${pid}/status`);
  const group = status === undefined ? undefined : /^Tgid:\s*(\d+)$/m.exec(status)?.[1];
  const leader = group === undefined ? pid : Number(group);
  const stat = readHead(`/proc/${leader}/stat`);
  if (stat === undefined) return unknown(leader);
  const own = parseStat(leader, stat);
  return { ...own, leaderStart: own.sid === leader ? own.startTime : startOf(own.sid) };
}

/** 0 where there is no such process. */
function startOf(pid: number): number {
  const stat = pid <= 0 ? undefined : readHead(`/proc/${pid}/stat`);
  return stat === undefined ? 0 : parseStat(pid, stat).startTime;
}

/** The fields of proc_pid_stat(5). The name may hold spaces and brackets, so counting starts after the last bracket. */
function parseStat(pid: number, stat: string): Identity {
  const open = stat.indexOf('(');
  const close = stat.lastIndexOf(')');
  if (open < 0 || close < open) return unknown(pid);
  // The first field after the bracket is number 3, the state.
  const fields = stat.slice(close + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3] ?? 0) || 0;
  return { pid, startTime: field(22), sid: field(6), tty: field(7), comm: stat.slice(open + 1, close) };
}

function unknown(pid: number): Identity {
  return { pid, startTime: 0, sid: 0, tty: 0, comm: '' };
}

/** How far up a process's parents are looked at: deeper than any shell script, and an end to whatever goes round. */
const PARENTS_MAX = 64;

/** The parents of a process, the nearest first. Ends at init, or where `/proc` shows no more. */
export function readParents(pid: number): ProcessId[] {
  const parents: ProcessId[] = [];
  let parent = parentOf(pid);
  while (parent > 0 && parents.length < PARENTS_MAX) {
    const startTime = startOf(parent);
    if (startTime === 0) break;
    parents.push({ pid: parent, startTime });
    parent = parentOf(parent);
  }
  return parents;
}

/** 0 for init, and where it is not known. */
function parentOf(pid: number): number {
  const stat = readHead(`/proc/${pid}/stat`);
  if (stat === undefined) return 0;
  // The second field after the name, which may hold spaces and brackets.
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) || 0;
}

/** The first bytes of a file of procfs, which gives the whole of a short one in a single read. */
function readHead(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, 0));
  } catch {
    // The process ended between the open and the read.
    return undefined;
  } finally {
    closeSync(fd);
  }
}

function recall(tid: number, fresh: boolean): Identity {
  const now = performance.now();
  if (!fresh) {
    const kept = known.get(tid);
    if (kept !== undefined && now - kept.at < KEPT_MS) return kept.identity;
  }
  const identity = readIdentity(tid);
  if (known.size >= KEPT_MAX) known.clear();
  known.set(tid, { identity, at: now });
  return identity;
}

export interface CallerParts {
  readonly uid: number;
  readonly gid: number;
  /** A thread or process id; 0 where it is not known. */
  readonly tid: number;
  readonly door: DoorName;
  readonly authority: Authority;
  /** The start time the process must have, where a connection outlives one request. Another one is another process. */
  readonly startTime?: number;
  /** Whoever acts as an agent; its set is in the authority. */
  readonly agent?: string;
}

/** A caller at a door. Cheap to make for every request: `/proc` is read only when the identity is asked for. */
export function makeCaller(parts: CallerParts): Caller {
  return new DoorCaller(parts);
}

class DoorCaller implements Caller {
  readonly uid: number;
  readonly gid: number;
  readonly door: DoorName;
  readonly authority: Authority;
  readonly agent?: string;
  readonly #tid: number;
  readonly #startTime: number;

  constructor(parts: CallerParts) {
    this.uid = parts.uid;
    this.gid = parts.gid;
    this.door = parts.door;
    this.authority = parts.authority;
    if (parts.agent !== undefined) this.agent = parts.agent;
    this.#tid = parts.tid;
    this.#startTime = parts.startTime ?? 0;
  }

  /** Throws `gone` where the process that this caller was made for has ended and its id serves another. */
  identity(fresh = false): Identity {
    const identity = recall(this.#tid, fresh);
    if (this.#startTime !== 0 && identity.startTime !== this.#startTime) {
      throw new AosError('gone', {
        component: `${this.door} door`,
        why: `process ${this.#tid}, which asked for this, has ended`,
        remedy: 'ask again from a process that lives',
      });
    }
    return identity;
  }

  ancestors(): readonly ProcessId[] {
    return readParents(this.identity(true).pid);
  }
}
