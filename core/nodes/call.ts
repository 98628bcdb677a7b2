/** An open call: the reply to what this same handle wrote. Two handles never see each other's. */

import { LIMITS } from '../limits.ts';
import { isPromise, then } from '../maybe.ts';
import type { CallNode, Cancel, Handle, Maybe, Op } from '../types.ts';
import { type Again, BaseHandle, EMPTY, endsLine, WriteBuffer } from './handle.ts';
import { valueBytes } from './stat.ts';

export function openCall(node: CallNode, op: Op, again: Again): Handle {
  return new CallHandle(op, again, node);
}

class CallHandle extends BaseHandle {
  readonly kind = 'call';
  override readonly seekable = false;
  private readonly node: CallNode;
  private readonly op: Op;
  private request = this.fresh();
  private asked = false;
  /** And whoever asked has heard that it cannot be sent. */
  private refused = false;
  private reply: Maybe<Uint8Array> | undefined;
  /** How far the reply was read: the file position also moves with the request's bytes, so it says nothing. */
  private at = 0;

  constructor(op: Op, again: Again, node: CallNode) {
    super(op.path, again);
    this.node = node;
    this.op = op;
  }

  override write(_offset: number, data: Uint8Array): Maybe<number> {
    this.again.check('call');
    if (!this.asked || this.refused) {
      this.request = this.fresh();
      this.asked = true;
      this.refused = false;
      this.reply = undefined;
    }
    const { node, op, request } = this;
    const written = request.write(request.length, data);
    const asks = node.check !== undefined && endsLine(data);
    const check = (): Maybe<void> => node.check?.(op, request.take());
    return this.checked(asks ? check : undefined, request, written, 'call');
  }

  override truncate(): void {}

  /** Sends the request: an error belongs to whoever closes. */
  override flush(cancel?: Cancel): Maybe<unknown> {
    return then(this.send(cancel), () => undefined);
  }

  override read(_offset: number, length: number, cancel?: Cancel): Maybe<Uint8Array> {
    this.again.check('call');
    return then(this.send(cancel), reply => {
      const part = reply.subarray(this.at, this.at + length);
      this.at += part.length;
      return part;
    });
  }

  private send(cancel?: Cancel): Maybe<Uint8Array> {
    if (!this.asked) return this.reply ?? EMPTY;
    // What was refused is refused until another request begins.
    this.refused = true;
    const body = this.request.take();
    this.refused = false;
    this.asked = false;
    this.at = 0;
    this.reply = then(
      this.again.perform('call', op => this.node.reply(op, body), cancel),
      valueBytes,
    );
    if (isPromise(this.reply)) this.reply.catch(() => {});
    return this.reply;
  }

  private fresh(): WriteBuffer {
    return new WriteBuffer(EMPTY, LIMITS.request_bytes_max, () =>
      this.told(
        'call',
        this.no('too_large', `a request holds at most ${LIMITS.request_bytes_max} bytes`, 'ask for less'),
      ),
    );
  }
}
