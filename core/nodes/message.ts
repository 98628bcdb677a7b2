/** An open message: what one open wrote is one message, committed once, at close. */

import { LIMITS } from '../limits.ts';
import type { Cancel, Handle, Maybe, MessageNode, Op, Path } from '../types.ts';
import { type Again, BaseHandle, EMPTY, WriteBuffer } from './handle.ts';

/** Throws what the plugin refuses early: shells ignore what close says. */
export function openMessage(node: MessageNode, op: Op, again: Again): Handle {
  node.accept?.(op);
  return new MessageHandle(op.path, again, node);
}

class MessageHandle extends BaseHandle {
  readonly kind = 'message';
  override readonly seekable = false;
  private readonly node: MessageNode;
  private readonly limit: number;
  private buffer: WriteBuffer;
  private dirty = false;
  private refused = false;

  constructor(path: Path, again: Again, node: MessageNode) {
    super(path, again);
    this.node = node;
    this.limit = node.limit ?? LIMITS.message_bytes_max;
    this.buffer = this.fresh();
  }

  override write(_offset: number, data: Uint8Array): number {
    this.again.check('write');
    try {
      const written = this.buffer.write(this.buffer.length, data);
      this.dirty = true;
      return written;
    } catch (error) {
      // Half a message is worse than none: what came before is not sent either.
      this.refused = true;
      throw error;
    }
  }

  /** `>` truncates before it writes. There is nothing to cut. */
  override truncate(): void {}

  override flush(cancel?: Cancel): Maybe<unknown> {
    if (this.refused) throw this.tooLarge();
    if (!this.dirty) return undefined;
    const body = this.buffer.take();
    this.dirty = false;
    this.buffer = this.fresh();
    return this.again.perform('write', op => this.node.commit(op, body), cancel);
  }

  private fresh(): WriteBuffer {
    return new WriteBuffer(EMPTY, this.limit, () => this.tooLarge());
  }

  private tooLarge() {
    return this.no('too_large', `a message holds at most ${this.limit} bytes`, 'put the text into a file and name it');
  }
}
