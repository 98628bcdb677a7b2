/** What every open node has in common. Each kind adds the verbs it can; the rest are refused here. */

import { AosError, asAosError, type ErrorKind } from '../errors.ts';
import { caught, then } from '../maybe.ts';
import type { Cancel, Handle, Maybe, NodeKind, Op, Path, Stat, Verb } from '../types.ts';

/** How a handle reaches the gate again. */
export interface Again {
  readonly component: string;
  /** Looks again whether the handle may still be used this way. Throws AosError where not. */
  check(verb: Verb): void;
  /** Performs a further operation on the handle's path. */
  perform<T>(verb: Verb, act: (op: Op) => Maybe<T>, cancel?: Cancel): Maybe<T>;
  stat(): Maybe<Stat>;
}

export abstract class BaseHandle implements Handle {
  abstract readonly kind: NodeKind;
  readonly path: Path;
  readonly direct: boolean = true;
  readonly keep: boolean = false;
  readonly seekable: boolean = true;
  protected readonly again: Again;

  constructor(path: Path, again: Again) {
    this.path = path;
    this.again = again;
  }

  get ended(): boolean {
    return true;
  }

  read(_offset: number, _length: number, _cancel?: Cancel): Maybe<Uint8Array> {
    throw this.no('not_readable', 'it cannot be read', 'it only takes writes');
  }

  write(_offset: number, _data: Uint8Array, _cancel?: Cancel): Maybe<number> {
    throw this.no('read_only', 'it cannot be written');
  }

  truncate(_size: number, _cancel?: Cancel): Maybe<void> {
    throw this.no('read_only', 'it cannot be written');
  }

  flush(_cancel?: Cancel, _last?: boolean): Maybe<unknown> {
    return undefined;
  }

  sync(_cancel?: Cancel): Maybe<void> {
    return undefined;
  }

  stat(): Maybe<Stat> {
    return this.again.stat();
  }

  poll(_offset: number, _wake?: () => void): boolean {
    return true;
  }

  allocate(_mode: number, _offset: number, _length: number): void {
    throw this.no('unsupported', 'space cannot be set aside for it');
  }

  seek(_offset: number, _whence: number): number {
    throw this.no('not_seekable', 'it has no position to seek to');
  }

  close(): void {}

  /** Leaves the error where whoever only sees its errno can read it: the gate hears of it, as of a refusal of its own. */
  protected told(verb: Verb, error: AosError): AosError {
    try {
      void this.again.perform(verb, () => {
        throw error;
      });
    } catch {
      // It, or what forbids the verb by now: either was told.
    }
    return error;
  }

  /** Gives what was written once the node has nothing against it. What it refuses is refused from now on. */
  protected checked(
    check: (() => Maybe<void>) | undefined,
    buffer: WriteBuffer,
    written: number,
    verb: Verb = 'write',
  ): Maybe<number> {
    if (check === undefined) return written;
    return caught(
      () => then(check(), () => written),
      thrown => buffer.refuse(this.told(verb, asAosError(thrown, this.again.component, this.path))),
    );
  }

  abandon(): void {
    this.close();
  }

  protected no(kind: ErrorKind, why: string, remedy?: string): AosError {
    return new AosError(kind, { component: this.again.component, path: this.path, why, remedy });
  }
}

const NEWLINE = 0x0a;

export function endsLine(written: Uint8Array): boolean {
  return written.at(-1) === NEWLINE;
}

export const EMPTY = new Uint8Array(0);

/**
 * A buffer that grows to a limit, written at offsets. What it begins with is somebody else's and is copied before it changes.
 * Once something did not fit, nothing of it can be taken any more: half of what was meant is worse than none.
 */
export class WriteBuffer {
  private bytes: Uint8Array;
  private owned = false;
  private refusal: AosError | undefined;
  length: number;
  private readonly limit: number;
  private readonly tooLarge: () => AosError;

  constructor(start: Uint8Array, limit: number, tooLarge: () => AosError) {
    this.bytes = start;
    this.length = start.length;
    this.limit = limit;
    this.tooLarge = tooLarge;
  }

  write(offset: number, data: Uint8Array): number {
    const end = offset + data.length;
    this.reserve(end);
    if (offset > this.length) this.bytes.fill(0, this.length, offset);
    this.bytes.set(data, offset);
    this.length = Math.max(this.length, end);
    return data.length;
  }

  /** Takes no more, and gives nothing of what it has: every use throws the reason. */
  refuse(why: AosError): never {
    this.refusal = why;
    this.bytes = EMPTY;
    this.length = 0;
    throw why;
  }

  resize(size: number): void {
    this.reserve(size);
    if (size > this.length) this.bytes.fill(0, this.length, size);
    this.length = size;
  }

  read(offset: number, length: number): Uint8Array {
    this.complete();
    return this.bytes.slice(offset, Math.min(offset + length, this.length));
  }

  /** A copy: the buffer goes on being written. */
  take(): Uint8Array {
    this.complete();
    return this.bytes.slice(0, this.length);
  }

  /** Room for so many bytes, of its own. */
  private reserve(size: number): void {
    this.complete();
    if (size > this.limit) this.refuse(this.tooLarge());
    if (this.owned && size <= this.bytes.length) return;
    const room = Math.max(size, this.length);
    const grown = new Uint8Array(this.owned ? Math.min(this.limit, Math.max(room, this.bytes.length * 2)) : room);
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.owned = true;
  }

  private complete(): void {
    if (this.refusal !== undefined) throw this.refusal;
  }
}
