/** The shell over a stream of bytes: frames of a kind, a length and a body. Light enough for the command line to load. */

import { AosError } from '../../core/errors.ts';
import { SCRIPT_LIMITS } from './limits.ts';

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

export function frame(kind: FrameKind, body: Uint8Array | object = new Uint8Array(0)): Uint8Array {
  const bytes = body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body));
  const whole = Buffer.allocUnsafe(HEAD_BYTES + bytes.length);
  whole.writeUInt8(KINDS.indexOf(kind), 0);
  whole.writeUInt32LE(bytes.length, 1);
  whole.set(bytes, HEAD_BYTES);
  return whole;
}

/** Takes bytes in any pieces and gives whole frames. What has come of one is in a buffer of its size, copied once. */
export class FrameReader {
  private readonly bodyMax: number;
  private readonly head = Buffer.alloc(HEAD_BYTES);
  /** What is being filled: the head, then the body it announces. */
  private target: Buffer = this.head;
  private filled = 0;
  private kind: FrameKind | undefined;

  /** `bodyMax`: bytes that one body may have. */
  constructor(bodyMax: number = SCRIPT_LIMITS.outputBytes) {
    this.bodyMax = bodyMax;
  }

  /** Throws where the bytes are no frames, and `too_large` for a body over the bound. */
  push(bytes: Uint8Array, take: (kind: FrameKind, body: Buffer) => void): void {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + this.target.length - this.filled);
      this.target.set(part, this.filled);
      this.filled += part.length;
      at += part.length;
      if (this.filled < this.target.length) return;
      this.kind ??= this.begin();
      if (this.filled < this.target.length) continue;
      const { kind, target } = this;
      this.expect(this.head);
      this.kind = undefined;
      take(kind, target);
    }
  }

  /** The head is whole: what follows is a body of this kind. */
  private begin(): FrameKind {
    const kind = KINDS[this.head.readUInt8(0)];
    const length = this.head.readUInt32LE(1);
    if (kind === undefined) throw new Error('not a frame of the shell');
    if (length > this.bodyMax) {
      const why = `one message of ${length} bytes is over the ${this.bodyMax} that it may have`;
      throw new AosError('too_large', { component: 'shell door', why, remedy: 'put it into a file below /aos' });
    }
    this.expect(Buffer.allocUnsafe(length));
    return kind;
  }

  private expect(target: Buffer): void {
    this.target = target;
    this.filled = 0;
  }
}
