/** An open message: what one open wrote is one message, committed once, at close. */

import { LIMITS } from '../limits.ts';
import { caught, isPromise } from '../maybe.ts';
import type { Cancel, Handle, Maybe, MessageNode, Op } from '../types.ts';
import { type Again, BaseHandle, EMPTY, endsLine, WriteBuffer } from './handle.ts';

/** Throws what the plugin refuses early: shells ignore what close says. */
export function openMessage(node: MessageNode, op: Op, again: Again): Handle {
  node.accept?.(op);
  return new MessageHandle(op, again, node);
}

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

  override write(_offset: number, data: Uint8Array): Maybe<number> {
    this.again.check('write');
    this.hold();
    this.dirty = true;
    const { node, op, buffer } = this;
    const write = (): Maybe<number> => {
      const written = buffer.write(buffer.length, data);
      return this.checked(node.check && (() => node.check?.(op, buffer.take(), endsLine(data))), buffer, written);
    };
    return caught(write, error => {
      this.refused = true;
      this.close();
      throw error;
    });
  }

  /** `>` truncates before it writes. There is nothing to cut. */
  override truncate(): void {}

  override flush(cancel?: Cancel): Maybe<unknown> {
    if (!this.dirty) return undefined;
    const body = this.buffer.take();
    this.dirty = false;
    this.buffer = this.fresh();
    return whenOver(
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

/** Calls `over` when the act is over, however it ends. */
function whenOver<T>(act: () => Maybe<T>, over: () => void): Maybe<T> {
  let answer: Maybe<T>;
  try {
    answer = act();
  } catch (error) {
    over();
    throw error;
  }
  if (isPromise(answer)) return answer.finally(over);
  over();
  return answer;
}
