/** An open ordinary file: passes bytes through, and tells once that it was written. */

import type { Attr, Cancel, FileBody, Handle, Maybe, OpenHow, Path, Stat } from '../types.ts';
import { type Again, BaseHandle } from './handle.ts';
import { type StatDefaults, statFromAttr } from './stat.ts';

export function fileHandle(
  body: FileBody,
  path: Path,
  how: OpenHow,
  attr: Attr | undefined,
  again: Again,
  defaults: StatDefaults,
): Handle {
  return new FileHandle(path, again, body, how, attr?.fixed === true, defaults);
}

class FileHandle extends BaseHandle {
  readonly kind = 'file';
  override readonly direct = false;
  override readonly keep: boolean;
  private readonly body: FileBody;
  private readonly append: boolean;
  private readonly defaults: StatDefaults;
  private changed: boolean;
  private closed = false;

  constructor(path: Path, again: Again, body: FileBody, how: OpenHow, fixed: boolean, defaults: StatDefaults) {
    super(path, again);
    this.body = body;
    this.append = how.append;
    this.changed = how.write && how.truncate;
    this.keep = fixed;
    this.defaults = defaults;
  }

  override read(offset: number, length: number): Maybe<Uint8Array> {
    this.again.check('read');
    return this.body.read(offset, length);
  }

  override write(offset: number, data: Uint8Array): Maybe<number> {
    this.again.check('write');
    this.changed = true;
    return this.body.write(this.append ? (this.body.attr().size ?? offset) : offset, data);
  }

  override truncate(size: number): Maybe<void> {
    this.again.check('write');
    this.changed = true;
    return this.body.truncate(size);
  }

  /** One record for all the writes since the last flush. */
  override flush(cancel?: Cancel): Maybe<unknown> {
    if (!this.changed) return undefined;
    this.changed = false;
    return this.again.perform('write', () => undefined, cancel);
  }

  override sync(): Maybe<void> {
    return this.body.sync();
  }

  override stat(): Stat {
    return statFromAttr('file', this.body.attr(), this.defaults);
  }

  override allocate(mode: number, offset: number, length: number): void {
    this.again.check('write');
    if (this.body.allocate === undefined) {
      super.allocate(mode, offset, length);
    } else {
      this.changed = true;
      this.body.allocate(mode, offset, length);
    }
  }

  override seek(offset: number, whence: number): number {
    if (this.body.seek === undefined) throw this.no('unsupported', 'where it has holes is not known', 'read it all');
    return this.body.seek(offset, whence);
  }

  override close(): void {
    if (this.closed) return;
    this.closed = true;
    this.body.close();
  }
}
