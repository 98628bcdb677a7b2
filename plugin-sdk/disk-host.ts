/** The host's side of a disk tree: every path is checked here before a system call sees it. */

import { realpathSync } from 'node:fs';
import { AosError, asAosError, type ErrorKind } from '../core/errors.ts';
import type { FileBody, Op, Tree } from '../core/types.ts';
import { DiskBody } from './disk-file.ts';

export interface DiskOptions {
  /** Named in errors. */
  readonly component: string;
  /** Never changes again: the kernel may keep it, and every change is refused with EROFS. */
  frozen?(rest: string): boolean;
  /** Not there, for anybody. */
  hidden?(rest: string): boolean;
  /** False: changes are refused with EROFS for now. */
  writable?(rest: string): boolean;
  /** Keeps its name and is a directory: it is not moved, and no link or file takes the name. */
  pinned?(rest: string): boolean;
  /** Why `frozen` or not `writable`, and what to do instead. */
  refusal?(rest: string): { readonly why: string; readonly remedy: string };
  /** The permission bits of a new file or directory. */
  modeOf?(rest: string, mode: number): number;
  /** After a change that came through the tree; for a file that was written, at its close. */
  onChange?(rest: string): void;
  /** Names at the top that another tree serves. They hide what the disk has there. */
  readonly overlay?: { readonly names: readonly string[]; readonly tree: Tree };
}

/** Set-uid: the files belong to the daemon, and such a file would lend its rights on the host. */
export const SET_UID = 0o4000;

/** The directory behind a disk tree: which of its paths may be touched, and how a change is made. */
export class DiskHost {
  readonly root: string;
  readonly options: DiskOptions;
  /** The directory that was found to be one last: for this tick only, and only until something here changes. */
  private checked = '';
  private readonly forget = (): void => {
    this.checked = '';
  };

  constructor(root: string, options: DiskOptions) {
    this.root = root;
    this.options = options;
  }

  /** The host's path of `rest`, sure to have no link among its parents. */
  host(rest: string, op: Op): string {
    const slash = rest.lastIndexOf('/');
    if (slash === -1) return rest === '' ? this.root : `${this.root}/${rest}`;
    return this.hostDir(rest.slice(0, slash), op) + rest.slice(slash);
  }

  /** The host's path of a directory, sure to be no link and to have none on the way. */
  hostDir(rest: string, op: Op): string {
    if (rest === '') return this.root;
    const host = `${this.root}/${rest}`;
    if (host === this.checked) return host;
    if (realpathSync.native(host) !== host) {
      throw this.error('link_loop', op, 'a directory on the way is a symbolic link', 'use the path it points to');
    }
    this.checked = host;
    queueMicrotask(this.forget);
    return host;
  }

  isFrozen(rest: string): boolean {
    return this.options.frozen?.(rest) === true;
  }

  /** Throws where `rest` may not change. */
  changeable(rest: string, op: Op): void {
    if (this.options.overlay?.names.includes(rest)) {
      throw this.error('exists', op, 'the name is taken by a view', 'choose another name');
    }
    if (!this.isFrozen(rest) && this.options.writable?.(rest) !== false) return;
    const said = this.options.refusal?.(rest) ?? { why: 'it does not change', remedy: 'copy it to change the copy' };
    throw this.error('read_only', op, said.why, said.remedy);
  }

  /** One change of the disk: allowed, made, told. `paths` are all that it touches. */
  change<T>(op: Op, paths: readonly string[], work: (...hosts: string[]) => T): T {
    for (const rest of paths) this.changeable(rest, op);
    const result = this.attempt(op, () => work(...paths.map(rest => this.host(rest, op))));
    this.forget();
    for (const rest of paths) this.options.onChange?.(rest);
    return result;
  }

  /** Throws where the name is kept for a directory. */
  unpinned(rest: string, op: Op): void {
    if (!this.options.pinned?.(rest)) return;
    throw this.error('read_only', op, 'the name is kept for a directory', 'choose another name, or copy it');
  }

  attempt<T>(op: Op, work: () => T): T {
    try {
      return work();
    } catch (thrown) {
      throw asAosError(thrown, this.options.component, op.path);
    }
  }

  error(kind: ErrorKind, op: Op, why: string, remedy: string): AosError {
    return new AosError(kind, { component: this.options.component, path: op.path, why, remedy });
  }

  modeOf(rest: string, mode: number): number {
    return (this.options.modeOf?.(rest, mode) ?? mode) & ~SET_UID;
  }

  body(fd: number, rest: string, size: number): FileBody {
    return new DiskBody(fd, { fixed: this.isFrozen(rest), size, changed: () => this.options.onChange?.(rest) });
  }
}
