/** The shell over a stream of bytes: frames of a kind, a length and a body. Light enough for the command line to load. */

/** From the client: a script to run (JSON `Run`), input for it, the input's end, Ctrl-C. */
export type AskKind = 'run' | 'input' | 'input-end' | 'interrupt';
/** To the client: output, a wish for input, and the script's end (JSON `Over`). */
export type SayKind = 'stdout' | 'stderr' | 'want-input' | 'over';
export type FrameKind = AskKind | SayKind;

export interface Run {
  readonly script: string;
  /** The client has input to give, and sends it when it is wanted. */
  readonly input: boolean;
  /** A script that is not complete is not run. */
  readonly interactive: boolean;
}

export interface Over {
  readonly code: number;
  /** The session is over. */
  readonly exited: boolean;
  /** It goes on on the next line. */
  readonly incomplete: boolean;
  readonly cwd: string;
}

const KINDS: readonly FrameKind[] = [
  'run',
  'input',
  'input-end',
  'interrupt',
  'stdout',
  'stderr',
  'want-input',
  'over',
];
const HEAD_BYTES = 5;
const BODY_BYTES_MAX = 64 * 1024 * 1024;

export function frame(kind: FrameKind, body: Uint8Array | object = new Uint8Array(0)): Uint8Array {
  const bytes = body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body));
  const whole = Buffer.allocUnsafe(HEAD_BYTES + bytes.length);
  whole.writeUInt8(KINDS.indexOf(kind), 0);
  whole.writeUInt32LE(bytes.length, 1);
  whole.set(bytes, HEAD_BYTES);
  return whole;
}

/** Takes bytes in any pieces and gives whole frames. */
export class FrameReader {
  private pending: Buffer = Buffer.alloc(0);

  /** Throws where the bytes are no frames. */
  push(bytes: Uint8Array, take: (kind: FrameKind, body: Buffer) => void): void {
    this.pending = this.pending.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.pending, bytes]);
    let at = 0;
    while (this.pending.length - at >= HEAD_BYTES) {
      const kind = KINDS[this.pending.readUInt8(at)];
      const length = this.pending.readUInt32LE(at + 1);
      if (kind === undefined || length > BODY_BYTES_MAX) throw new Error('not a frame of the shell');
      if (this.pending.length - at < HEAD_BYTES + length) break;
      take(kind, this.pending.subarray(at + HEAD_BYTES, at + HEAD_BYTES + length));
      at += HEAD_BYTES + length;
    }
    this.pending = this.pending.subarray(at);
  }
}
