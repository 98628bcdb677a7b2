/**
 * Two connections to one file in WAL mode, one for each promise (design, section 5). What `durable` commits is on the
 * disk when it returns (synchronous FULL). What `journal` commits has reached the kernel when it returns, so a killed
 * process loses nothing, and the disk within `SYNC_MS` (synchronous NORMAL, and an fsync of the log file in groups).
 */

import { closeSync, existsSync, fsync, fsyncSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AosError, asAosError } from '../core/errors.ts';
import type { Log, Millis } from '../core/types.ts';
import { isForeign, storeError } from './failure.ts';
import { migrate } from './schema.ts';

/** A power cut loses at most 100 ms of the ledger; the rest of it is left for the fsync itself. */
const SYNC_MS = 80;

/** How long a statement waits for another process's transaction. */
const BUSY_MS = 2_000;

/** What every SQLite file begins with. https://www.sqlite.org/fileformat.html */
const HEADER = 'SQLite format 3\0';

export interface StoreOptions {
  now(): Millis;
  readonly log: Log;
}

export interface Database {
  readonly durable: DatabaseSync;
  readonly journal: DatabaseSync;
  /** To be called after each commit on `journal` that a power cut must not lose. */
  dirty(): void;
  close(): void;
  /** Where a file that was no database was put. */
  readonly moved: string | undefined;
}

/** Opens `file`, making it and its directory where they are missing. A file that is no database is moved aside. */
export function openDatabase(file: string, options: StoreOptions): Database {
  if (statSync(file, { throwIfNoEntry: false })?.size === 0) tellEmpty(file, options.log);
  prepareFile(file);
  let moved = hasHeader(file) ? undefined : moveAside(file, options);
  let durable: DatabaseSync;
  try {
    durable = connect(file, 'FULL');
  } catch (thrown) {
    if (!isForeign(thrown)) throw storeError(thrown);
    moved = moveAside(file, options);
    durable = connect(file, 'FULL');
  }
  try {
    const journal = connect(file, 'NORMAL');
    const sync = groupSync(`${file}-wal`, options.log);
    return { durable, journal, dirty: sync.dirty, moved, close: () => closeAll(sync, journal, durable) };
  } catch (thrown) {
    durable.close();
    throw storeError(thrown);
  }
}

/** A store that was begun is never empty, so somebody emptied it, and nothing tells what was in it. */
function tellEmpty(file: string, log: Log): void {
  log.error(
    { component: 'store', file },
    `store: ${file} is empty: what was spent, leased, mounted and queued before is not known any more; to go on with a backup, stop the daemon and put it back`,
  );
}

/** Only the owner may read it: it holds prompts. SQLite gives its own files the same mode. */
function prepareFile(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    closeSync(openSync(file, 'a', 0o600));
  } catch (thrown) {
    const error = asAosError(thrown, 'store', file);
    throw new AosError(error.kind === 'no_space' ? 'no_space' : 'io', {
      component: 'store',
      path: file,
      why: `the store cannot be opened: ${error.why}`,
      remedy: 'see that AOS_HOME is a directory that the daemon may write',
      cause: thrown,
    });
  }
}

function connect(file: string, synchronous: 'FULL' | 'NORMAL'): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: BUSY_MS });
  try {
    db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}`);
    migrate(db, file);
    return db;
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

/** Looked at before SQLite does, which would fold a write-ahead log into whatever it finds. Empty is a new database. */
function hasHeader(file: string): boolean {
  const fd = openSync(file, 'r');
  try {
    const head = Buffer.alloc(HEADER.length);
    const length = readSync(fd, head, 0, head.length, 0);
    return length === 0 || head.toString('latin1') === HEADER;
  } finally {
    closeSync(fd);
  }
}

/** The log and shared-memory files go along: left behind, they would be read into the new database. */
function moveAside(file: string, options: StoreOptions): string {
  const stamp = new Date(options.now()).toISOString().replace(/[-:]|\.\d+/g, '');
  let target = `${file}.not-a-database-${stamp}`;
  for (let n = 2; existsSync(target); n++) target = `${file}.not-a-database-${stamp}-${n}`;
  renameSync(file, target);
  for (const suffix of ['-wal', '-shm']) {
    if (existsSync(file + suffix)) renameSync(file + suffix, target + suffix);
  }
  options.log.error(
    { component: 'store', file, moved: target },
    `store: ${file} is not a database; it was moved to ${target} and a new store begun; to go on with a backup, stop the daemon and put it back`,
  );
  prepareFile(file);
  return target;
}

/** fsync of the write-ahead log, off the main thread, at most once in SYNC_MS and only after something was written. */
function groupSync(wal: string, log: Log): { dirty(): void; stop(): void } {
  const fd = openSync(wal, 'r');
  let timer: NodeJS.Timeout | undefined;
  let running = false;
  let again = false;
  let stopped = false;

  const done = (error: Error | null): void => {
    running = false;
    if (error !== null) {
      log.error(
        { component: 'store', error: error.message },
        'store: the ledger did not reach the disk; check the disk that holds AOS_HOME',
      );
    }
    if (stopped) closeSync(fd);
    else if (again) {
      again = false;
      dirty();
    }
  };
  const sync = (): void => {
    timer = undefined;
    running = true;
    fsync(fd, done);
  };
  const dirty = (): void => {
    if (stopped || timer !== undefined) return;
    if (running) again = true;
    else timer = setTimeout(sync, SYNC_MS).unref();
  };
  const stop = (): void => {
    if (stopped) return;
    stopped = true;
    clearTimeout(timer);
    fsyncSync(fd);
    if (!running) closeSync(fd);
  };
  return { dirty, stop };
}

function closeAll(sync: { stop(): void }, journal: DatabaseSync, durable: DatabaseSync): void {
  try {
    sync.stop();
  } finally {
    if (journal.isOpen) journal.close();
    if (durable.isOpen) durable.close();
  }
}
