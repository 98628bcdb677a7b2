/** The audit log: one JSON object a line, each with the hash of the one before, so that a line taken out shows. */

import { closeSync, fstatSync, ftruncateSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { AosError, type Log, type LogSource, type Millis, type Settled } from '../plugin-sdk/index.ts';
import { asideName, asideNumbers, CURRENT, FIRST, link } from './audit-chain.ts';

/** More than any one line: reasons and paths are bounded. */
const TAIL_BYTES = 256 * 1024;
/** What is kept of a line that a crash cut short. */
const TORN_CHARS_MAX = 4096;
/** After how much more a file that could not be put aside is tried again. */
const TRY_AGAIN_BYTES = 1024 * 1024;
const NEWLINE = 10;

export interface Audit {
  /** Throws where it could not be written down whole: then nothing of it is in the file. */
  append(record: Settled): void;
  readonly source: LogSource;
  close(): void;
}

export interface AuditOptions {
  /** A file that has grown to this is put aside, and another begun. */
  bytesMax(): number;
  now(): Millis;
  readonly log: Pick<Log, 'error'>;
}

/** Opens the log in `dir`. A last line that a crash cut short is taken out, and a line of its own says what it was. */
export function openAudit(dir: string, options: AuditOptions): Audit {
  const log = new AuditLog(dir, options);
  log.repair();
  return log;
}

class AuditLog implements Audit, LogSource {
  readonly ended = false;
  private readonly dir: string;
  private readonly options: AuditOptions;
  private readonly watchers = new Set<() => void>();
  private fd: number;
  private bytes: number;
  /** A file that could not be put aside is tried again when it has grown to this. */
  private tryAt = 0;
  private previous: string;

  constructor(dir: string, options: AuditOptions) {
    this.dir = dir;
    this.options = options;
    this.fd = openLog(dir);
    this.bytes = fstatSync(this.fd).size;
    this.previous = lastHash(dir, this.fd);
  }

  get source(): LogSource {
    return this;
  }

  get size(): number {
    return this.bytes;
  }

  get mtime(): Millis {
    return fstatSync(this.fd).mtimeMs || this.options.now();
  }

  append(record: Settled): void {
    this.add({ ...record, at: new Date(record.at).toISOString() });
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(length, this.bytes - offset)));
    return bytes.subarray(0, bytes.length === 0 ? 0 : readSync(this.fd, bytes, 0, bytes.length, offset));
  }

  watch(wake: () => void): () => void {
    this.watchers.add(wake);
    return () => this.watchers.delete(wake);
  }

  close(): void {
    closeSync(this.fd);
  }

  /** What follows the last newline was never acknowledged whole. It goes, and the chain says that it went. */
  repair(): void {
    const { from, torn } = tornEnd(this.fd);
    if (torn === '') return;
    ftruncateSync(this.fd, from);
    this.bytes = from;
    const at = new Date(this.options.now()).toISOString();
    this.add({ at, repair: 'a line that a crash cut short was taken out', torn: torn.slice(0, TORN_CHARS_MAX) });
  }

  private add(record: object): void {
    if (this.bytes >= Math.max(this.options.bytesMax(), this.tryAt)) this.rotate();
    const { line, hash } = link(record, this.previous);
    const bytes = Buffer.from(`${line}\n`);
    this.write(bytes);
    this.bytes += bytes.length;
    this.previous = hash;
    for (const wake of [...this.watchers]) wake();
  }

  /** The whole line or nothing: half a line would break the chain for what follows. */
  private write(bytes: Uint8Array): void {
    let written = 0;
    try {
      written = writeSync(this.fd, bytes, 0, bytes.length, this.bytes);
    } finally {
      if (written !== bytes.length) ftruncateSync(this.fd, this.bytes);
    }
    if (written === bytes.length) return;
    throw new AosError('no_space', {
      component: 'system',
      path: '/aos/system/audit.jsonl',
      why: 'a line of the audit log could not be written whole',
      remedy: 'make room on the disk that holds $AOS_HOME',
    });
  }

  /** Where it cannot be done the log goes on in the file there is: a line too many in it is better than one that is lost. */
  private rotate(): void {
    try {
      const next = openNext(this.dir);
      closeSync(this.fd);
      this.fd = next;
      this.bytes = 0;
      this.tryAt = 0;
    } catch (err) {
      this.tryAt = this.bytes + TRY_AGAIN_BYTES;
      this.options.log.error({ err }, 'the audit log could not be put aside and goes on in the same file');
    }
  }
}

/** Puts the current file aside and gives another in its place. Throws where there is none to be had: then all is as it was. */
function openNext(dir: string): number {
  const [current, next] = [`${dir}/${CURRENT}`, `${dir}/${CURRENT}.next`];
  const aside = `${dir}/${asideName((asideNumbers(dir).at(-1) ?? 0) + 1)}`;
  // One that a crash left behind is taken over, empty.
  const fd = openSync(next, 'w+', 0o600);
  try {
    renameSync(current, aside);
    try {
      renameSync(next, current);
    } catch (error) {
      renameSync(aside, current);
      throw error;
    }
  } catch (error) {
    closeSync(fd);
    rmSync(next, { force: true });
    throw error;
  }
  return fd;
}

/** Not for appending: each line is written where the last whole one ended. */
function openLog(dir: string): number {
  const file = `${dir}/${CURRENT}`;
  try {
    return openSync(file, 'r+');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    return openSync(file, 'wx+', 0o600);
  }
}

/** What follows the last newline, and where it begins. */
function tornEnd(fd: number): { from: number; torn: string } {
  const { start, bytes } = tail(fd);
  const end = bytes.lastIndexOf(NEWLINE) + 1;
  return { from: start + end, torn: bytes.subarray(end).toString() };
}

/** The hash of the last whole line, of this file or of the newest put aside; the first of all chains where there is none. */
function lastHash(dir: string, fd: number): string {
  const here = hashIn(tail(fd).bytes);
  if (here !== undefined) return here;
  const newest = asideNumbers(dir).at(-1);
  if (newest === undefined) return FIRST;
  const aside = openSync(`${dir}/${asideName(newest)}`, 'r');
  try {
    return hashIn(tail(aside).bytes) ?? FIRST;
  } finally {
    closeSync(aside);
  }
}

/** A line that cannot be read is passed over: verifying shows where the chain is broken. */
function hashIn(bytes: Buffer): string | undefined {
  const whole = bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1).toString();
  for (const line of whole.split('\n').reverse()) {
    try {
      const record: unknown = JSON.parse(line);
      if (typeof record === 'object' && record !== null && 'hash' in record) return String(record.hash);
    } catch {
      // The empty end, or what somebody else wrote.
    }
  }
  return undefined;
}

function tail(fd: number): { start: number; bytes: Buffer } {
  const { size } = fstatSync(fd);
  const start = Math.max(0, size - TAIL_BYTES);
  const bytes = Buffer.alloc(size - start);
  return { start, bytes: bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, start)) };
}
