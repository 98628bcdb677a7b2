/**
 * Paths that are a directory and a file at once. The kernel knows one of the two for each name, and asks which before it says
 * what for. It is told "a directory"; when that is then opened without O_DIRECTORY, a file was meant: ESTALE makes the
 * kernel look the name up once more, and for the thread that asked it is a file until it has opened it.
 */

import type { Stat } from '../../core/types.ts';
import { S } from './wire.ts';

/** Threads that are between the two look-ups; the oldest is forgotten first. */
const WAITING_MAX = 1024;

/** Behind the name of a file that is a directory's twin: no name of the tree holds a NUL. */
export const TWIN = '\0';

export class Twins {
  /** The path that a thread wants as a file. */
  readonly #wanted = new Map<number, string>();

  want(thread: number, path: string): void {
    this.#wanted.delete(thread);
    this.#wanted.set(thread, path);
    if (this.#wanted.size <= WAITING_MAX) return;
    for (const oldest of this.#wanted.keys()) {
      this.#wanted.delete(oldest);
      return;
    }
  }

  wants(thread: number, path: string): boolean {
    return this.#wanted.size > 0 && this.#wanted.get(thread) === path;
  }

  /** It was opened, or opening it failed. */
  done(thread: number): void {
    if (this.#wanted.size > 0) this.#wanted.delete(thread);
  }
}

/** What `stat` said of the directory, as it is for the file. */
export function asFile(stat: Stat): Stat {
  return { ...stat, kind: 'value', mode: S.IFREG | (stat.mode & 0o666), nlink: 1, size: 0, blocks: 0 };
}
