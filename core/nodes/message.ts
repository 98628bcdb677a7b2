/** An open message: what one open wrote is one message, committed once, at close. */

import { AosError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { caught, ending, isPromise } from '../maybe.ts';
import type { Cancel, Handle, Maybe, MessageNode, Op } from '../types.ts';
import { type Again, BaseHandle, EMPTY, endsLine, WriteBuffer } from './handle.ts';

/** Throws what the plugin refuses early: shells ignore what close says. */
export function openMessage(node: MessageNode, op: Op, again: Again): Handle {
  node.accept?.(op);
  return new MessageHandle(op, again, node);
}

/** Ends a JSON object. Between that and a newline nothing is asked: each time costs as much as the whole message. */
const BRACE = 0x7d;

class MessageHandle extends BaseHandle {
  readonly kind = 'message';
  override readonly seekable = false;
  private readonly node: MessageNode;
  private readonly op: Op;
  private readonly limit: number;
  private buffer: WriteBuffer;
  private dirty = false;
  /** Too large: no place is kept for what will not be sent. */
  private refused = false;
  /** Gives back the place that is kept for the message. */
  private release: (() => void) | undefined;

  constructor(op: Op, again: Again, node: MessageNode) {
    super(op.path, again);
    this.node = node;
    this.op = op;
    this.limit = node.limit ?? LIMITS.message_bytes_max;
    this.buffer = this.fresh();
  }

  override write(_offset: number, data: Uint8Array, cancel?: Cancel): Maybe<number> {
    this.again.check('write');
    this.hold();
    this.dirty = true;
    const { node, op, buffer } = this;
    const before = buffer.length;
    const write = (): Maybe<number> => {
      const first = before === 0;
      const written = buffer.write(buffer.length, data);
      const asks = node.check !== undefined && (first || endsLine(data) || data.at(-1) === BRACE);
      const check = (): Maybe<void> => node.check?.(op, buffer.take(), endsLine(data));
      return this.checked(asks ? check : undefined, buffer, written);
    };
    const written = caught(write, error => {
      this.refused = true;
      this.close();
      throw error;
    });
    if (!isPromise(written) || cancel === undefined) return written;
    return unlessGivenUp(written, cancel, () => {
      // Whoever was interrupted writes it again, or nothing.
      buffer.resize(before);
      this.dirty = before > 0;
    });
  }

  /** `>` truncates before it writes. There is nothing to cut. */
  override truncate(): void {}

  override flush(cancel?: Cancel): Maybe<unknown> {
    if (!this.dirty) return undefined;
    const body = this.buffer.take();
    this.dirty = false;
    this.buffer = this.fresh();
    return ending(
      () => this.again.perform('write', op => this.node.commit(op, body), cancel),
      () => this.close(),
    );
  }

  override close(): void {
    this.release?.();
    this.release = undefined;
  }

  /** A refusal is put on record like any other: whoever writes may only see its errno. */
  private hold(): void {
    if (this.refused || this.release !== undefined) return;
    try {
      this.release = this.node.hold?.(this.op);
    } catch (error) {
      this.again.perform('write', () => {
        throw error;
      });
    }
  }

  private fresh(): WriteBuffer {
    const why = `a message holds at most ${this.limit} bytes`;
    return new WriteBuffer(EMPTY, this.limit, () =>
      this.told('write', this.no('too_large', why, 'put the text into a file and name it')),
    );
  }
}

/** The answer; where whoever waits gives up before it is there, EINTR at once, and `undo`. */
function unlessGivenUp<T>(answer: Promise<T>, cancel: Cancel, undo: () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const give = (): void => {
      undo();
      reject(
        new AosError('interrupted', { component: 'core', why: 'the write was interrupted; nothing was taken of it' }),
      );
    };
    if (cancel.aborted) give();
    cancel.signal.addEventListener('abort', give, { once: true });
    answer.then(resolve, reject).finally(() => cancel.signal.removeEventListener('abort', give));
  });
}
