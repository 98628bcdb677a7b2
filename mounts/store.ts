/** What is kept of the mounts over restarts. Secrets are in a file that only the daemon's user can read, and nowhere else. */

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import type { Given, KeyState } from '../plugin-sdk/index.ts';

export interface MountRecord {
  readonly path: string;
  readonly type: string;
  /** Who made it. */
  readonly uid: number;
  /** By flag name. */
  readonly options: Given;
}

const SPACE = 'mounts';

export class MountStore {
  private readonly keys: KeyState;
  private readonly file: string;

  constructor(keys: KeyState, dir: string) {
    this.keys = keys;
    this.file = `${dir}/secrets.json`;
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
    this.keys.set(SPACE, record.path, JSON.stringify({ ...record, options: open }));
  }

  remove(path: string): void {
    this.keys.remove(SPACE, path);
    const all = this.secrets();
    if (all[path] === undefined) return;
    delete all[path];
    this.write(all);
  }

  list(): MountRecord[] {
    const secrets = this.secrets();
    return this.keys.list(SPACE).map(({ value }) => {
      // Written by `save`.
      const record = JSON.parse(value) as MountRecord;
      return { ...record, options: { ...record.options, ...secrets[record.path] } };
    });
  }

  private secrets(): Record<string, Given> {
    let text: string;
    try {
      text = readFileSync(this.file, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
      throw error;
    }
    // Written by `write`.
    return JSON.parse(text) as Record<string, Given>;
  }

  private write(all: Record<string, Given>): void {
    const next = `${this.file}.next`;
    const fd = openSync(next, 'w', 0o600);
    try {
      writeSync(fd, JSON.stringify(all));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(next, this.file);
  }
}
