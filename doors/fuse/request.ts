/** One request of the kernel, read in place from the buffer that every request arrives in. No I/O. */

import { AosError, ERRNO } from '../../core/errors.ts';
import { nameFromBytes } from '../../core/path.ts';
import { WireError } from './errno.ts';
import { BODY_MIN, IN_HEADER } from './wire.ts';

const HIGH = 0x1_0000_0000;
const NEWLINE = 10;
const DOT = 46;
const SLASH = 47;

/** Names the request that a reply belongs to: `unique`, in halves so that none is lost. */
export interface Ticket {
  readonly lo: number;
  readonly hi: number;
}

/** Fields are valid until the next `load`. Offsets are from the beginning of the frame, header included. */
export class Request implements Ticket {
  readonly bytes: Buffer;
  readonly #view: DataView;
  /** Bytes of the frame. */
  length = 0;
  opcode = 0;
  lo = 0;
  hi = 0;
  nodeid = 0;
  uid = 0;
  gid = 0;
  /** A thread id; 0 when the caller lives in another pid namespace. */
  pid = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Takes the header of a frame of `length` bytes. False where there is no whole header, so not even a number to answer to. */
  load(length: number): boolean {
    this.length = length;
    if (length < IN_HEADER) return false;
    const view = this.#view;
    this.opcode = view.getUint32(4, true);
    this.lo = view.getUint32(8, true);
    this.hi = view.getUint32(12, true);
    this.nodeid = view.getUint32(16, true) + view.getUint32(20, true) * HIGH;
    this.uid = view.getUint32(24, true);
    this.gid = view.getUint32(28, true);
    this.pid = view.getUint32(32, true);
    return true;
  }

  /** Throws EINVAL where the frame's own length is not what was read or the body is shorter than its struct. */
  check(): void {
    const said = this.#view.getUint32(0, true);
    if (said !== this.length) throw malformed(`it says ${said} bytes and has ${this.length}`);
    const least = IN_HEADER + (BODY_MIN[this.opcode] ?? 0);
    if (this.length < least) throw malformed(`it has ${this.length} bytes of at least ${least}`);
  }

  u32(at: number): number {
    return this.#view.getUint32(at, true);
  }

  i32(at: number): number {
    return this.#view.getInt32(at, true);
  }

  /** A u64 as a number: exact below 2^53, which nodeids, handles and `unique` never reach. */
  u64(at: number): number {
    return this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * HIGH;
  }

  i64(at: number): number {
    return this.#view.getUint32(at, true) + this.#view.getInt32(at + 4, true) * HIGH;
  }

  /** A file offset or size. Throws EINVAL where it is negative or beyond what a number holds exactly. */
  offset(at: number): number {
    const value = this.i64(at);
    if (value < 0 || value > Number.MAX_SAFE_INTEGER) throw new WireError(ERRNO.EINVAL, 'the offset is out of range');
    return value;
  }

  /** Where the NUL is that ends the string at `at`. Throws EINVAL where none is left in the frame. */
  endOf(at: number): number {
    const end = this.bytes.indexOf(0, at);
    if (end < 0 || end >= this.length) throw malformed('a name has no end');
    return end;
  }

  /** The name that begins at `at`, checked. Throws as `checkName`; EINVAL where it has no end. */
  name(at: number): string {
    const { bytes, length } = this;
    let plain = true;
    let end = at;
    for (; end < length; end++) {
      const byte = bytes[end];
      if (byte === 0) break;
      if (byte === undefined || byte >= 0x80 || byte === SLASH || byte === NEWLINE) plain = false;
    }
    if (end >= length) throw malformed('a name has no end');
    const size = end - at;
    const dots = size < 3 && bytes[at] === DOT;
    if (plain && size > 0 && size <= 255 && !dots) return bytes.toString('latin1', at, end);
    try {
      return nameFromBytes(bytes.subarray(at, end));
    } catch (error) {
      throw error instanceof AosError ? new RefusedName(error) : error;
    }
  }

  /** The string that begins at `at`, as UTF-8 and unchecked: a link's target, an attribute's name. */
  text(at: number): string {
    return this.bytes.toString('utf8', at, this.endOf(at));
  }

  /** A copy of part of the frame, safe to keep. Throws EINVAL where the frame is shorter. */
  data(at: number, size: number): Buffer {
    if (at + size > this.length) throw malformed(`it promises ${size} bytes of data and has ${this.length - at}`);
    const copy = Buffer.allocUnsafe(size);
    this.bytes.copy(copy, 0, at, at + size);
    return copy;
  }
}

function malformed(why: string): WireError {
  return new WireError(ERRNO.EINVAL, `a malformed request: ${why}`);
}

/** A name that the tree cannot have. Nobody behind the door hears of it, so the door tells. */
export class RefusedName extends AosError {
  constructor(error: AosError) {
    super(error.kind, error);
  }
}
