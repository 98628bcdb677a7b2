/** What is kept of the mounts over restarts. Secrets are in a file that only the daemon's user can read, and nowhere else. */

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { Given, KeyState, Log } from '../plugin-sdk/index.ts';

export interface MountRecord {
  readonly path: string;
  readonly type: string;
  /** Who made it. */
  readonly uid: number;
  /** By flag name. */
  readonly options: Given;
}

/** A record as it was kept. */
export interface KeptMount {
  readonly record: MountRecord;
  /** Flags of its secrets that are kept no more. */
  readonly lost: readonly string[];
}

/** As it is stored: the secrets' values are elsewhere, and their flags here. */
interface Stored extends MountRecord {
  readonly secrets?: readonly string[];
}

const SPACE = 'mounts';

export class MountStore {
  private readonly keys: KeyState;
  private readonly file: string;
  private readonly log: Pick<Log, 'error'>;

  constructor(keys: KeyState, dir: string, log: Pick<Log, 'error'>) {
    this.keys = keys;
    this.file = `${dir}/secrets.json`;
    this.log = log;
  }

  /** `isSecret` says of a flag whether its value is one. */
  save(record: MountRecord, isSecret: (flag: string) => boolean): void {
    const entries = Object.entries(record.options);
    const secret = Object.fromEntries(entries.filter(([flag]) => isSecret(flag)));
    const open = Object.fromEntries(entries.filter(([flag]) => !isSecret(flag)));
    const all = this.secrets();
    const before = all[record.path] !== undefined;
    delete all[record.path];
    if (Object.keys(secret).length > 0) all[record.path] = secret;
    // Secrets first: a record without them would be made again without its credentials.
    if (before || all[record.path] !== undefined) this.write(all);
    const stored: Stored = { ...record, options: open, secrets: Object.keys(secret) };
    this.keys.set(SPACE, record.path, JSON.stringify(stored));
  }

  remove(path: string): void {
    this.keys.remove(SPACE, path);
    const all = this.secrets();
    if (all[path] === undefined) return;
    delete all[path];
    this.write(all);
  }

  list(): KeptMount[] {
    const known = this.secrets();
    return this.keys.list(SPACE).map(({ value }) => {
      // Written by `save`.
      const { secrets = [], ...record } = JSON.parse(value) as Stored;
      const given = known[record.path] ?? {};
      const lost = secrets.filter(flag => !Object.hasOwn(given, flag));
      return { record: { ...record, options: { ...record.options, ...given } }, lost };
    });
  }

  /** A file that cannot be understood is put aside, for whoever can mend it, and begun anew. */
  private secrets(): Record<string, Given> {
    let text: string;
    try {
      text = readFileSync(this.file, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
      throw error;
    }
    const all = parsed(text);
    if (all !== undefined) return all;
    const aside = `${this.file}.damaged-${Math.trunc(statSync(this.file).mtimeMs)}`;
    renameSync(this.file, aside);
    this.log.error({ file: aside }, 'the secrets of the mounts could not be read; what the file held is put aside');
    return {};
  }

  /** All of it is on the disk before it takes the place of what was there. */
  private write(all: Record<string, Given>): void {
    const next = `${this.file}.next`;
    try {
      const fd = openSync(next, 'w', 0o600);
      try {
        writeFileSync(fd, JSON.stringify(all));
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(next, this.file);
    } catch (error) {
      rmSync(next, { force: true });
      throw error;
    }
  }
}

function parsed(text: string): Record<string, Given> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    // Written by `write`.
    return typeof value === 'object' && value !== null ? (value as Record<string, Given>) : undefined;
  } catch {
    return undefined;
  }
}
