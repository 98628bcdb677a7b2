/** What SQLite's errors mean to a user. https://www.sqlite.org/rescode.html */

import { AosError, type ErrorKind } from '../core/errors.ts';

const PRIMARY = 0xff;
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;
/** Extended code: the shared-memory file could not be grown. */
const IOERR_SHMSIZE = 4874;

interface Meaning {
  readonly kind: ErrorKind;
  readonly why: string;
  readonly remedy: string;
}

const FULL_DISK: Meaning = {
  kind: 'no_space',
  why: 'there is no space left for the store',
  remedy: 'free some space on the disk that holds AOS_HOME',
};

const MEANINGS: Readonly<Record<number, Meaning>> = {
  [BUSY]: { kind: 'busy', why: 'another process holds the store', remedy: 'stop the other daemon of this AOS_HOME' },
  [LOCKED]: { kind: 'busy', why: 'the store is locked', remedy: 'try again' },
  [READONLY]: {
    kind: 'io',
    why: 'the store cannot be written',
    remedy: 'make AOS_HOME and the files in it writable for the daemon',
  },
  [IOERR]: { kind: 'io', why: 'the disk failed under the store', remedy: 'check the disk that holds AOS_HOME' },
  [CORRUPT]: {
    kind: 'io',
    why: 'the store is damaged',
    remedy: 'stop the daemon and move the file away, or restore it from a backup',
  },
  [FULL]: FULL_DISK,
  [CANTOPEN]: {
    kind: 'io',
    why: 'the store cannot be opened',
    remedy: 'see that AOS_HOME is a directory that the daemon may write',
  },
  [NOTADB]: { kind: 'io', why: 'the store is not a database', remedy: 'restart the daemon: it moves the file aside' },
};

/** SQLite's result code, or undefined where the error is not SQLite's. */
export function resultCode(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !('errcode' in thrown) || typeof thrown.errcode !== 'number') return undefined;
  return thrown.errcode;
}

/** True where what was opened is not a database, or one whose pages make no sense. */
export function isForeign(thrown: unknown): boolean {
  const code = resultCode(thrown);
  return code !== undefined && ((code & PRIMARY) === NOTADB || (code & PRIMARY) === CORRUPT);
}

/** Any failure of the store as an AosError of component `store`. */
export function storeError(thrown: unknown): AosError {
  if (thrown instanceof AosError) return thrown;
  const code = resultCode(thrown);
  const meaning = code === IOERR_SHMSIZE ? FULL_DISK : code === undefined ? undefined : MEANINGS[code & PRIMARY];
  if (meaning !== undefined) return new AosError(meaning.kind, { component: 'store', ...meaning, cause: thrown });
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  return new AosError('io', { component: 'store', why, remedy: 'see `aos logs`', cause: thrown });
}
