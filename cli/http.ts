/** The receiving half of HTTP/1.1, as much of it as one reply on a unix socket needs. Node's own takes longer to load than `aos ps` may run. */

export interface ReplyHead {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

type State = 'head' | 'counted' | 'until-close' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailers' | 'done';

/** A head longer than this is not one of ours. */
const HEAD_BYTES_MAX = 64 * 1024;

/** Takes bytes as they arrive and gives back the body without its framing. Throws on what is not HTTP/1.1. */
export class ReplyReader {
  head: ReplyHead | undefined;
  /** What came after a chunked body. */
  trailers: ReadonlyMap<string, string> = new Map();
  private state: State = 'head';
  private pending: Buffer = Buffer.alloc(0);
  private left = 0;

  /** The whole reply is here. Where a close ends the body, it is complete when the connection is. */
  get done(): boolean {
    return this.state === 'done';
  }

  /** The connection ended: true where the reply is complete. */
  close(): boolean {
    if (this.state === 'until-close') this.state = 'done';
    return this.done;
  }

  /** Gives each piece of the body to `body`. */
  push(bytes: Buffer, body: (piece: Buffer) => void): void {
    this.pending = this.pending.length === 0 ? bytes : Buffer.concat([this.pending, bytes]);
    while (this.step(body));
  }

  /** One step of the grammar; false where more bytes are needed. */
  private step(body: (piece: Buffer) => void): boolean {
    switch (this.state) {
      case 'head':
        return this.readHead();
      case 'counted':
        return this.readCounted(body, 'done');
      case 'chunk':
        return this.readCounted(body, 'chunk-end');
      case 'until-close':
        return this.readAll(body);
      case 'chunk-size':
        return this.readChunkSize();
      case 'chunk-end':
        return this.readChunkEnd();
      case 'trailers':
        return this.readTrailers();
      case 'done':
        return false;
    }
  }

  private readHead(): boolean {
    const end = this.pending.indexOf('\r\n\r\n');
    if (end < 0) {
      if (this.pending.length > HEAD_BYTES_MAX) throw new Error('the head of the reply has no end');
      return false;
    }
    const [first = '', ...lines] = this.take(end + 4)
      .toString('latin1', 0, end)
      .split('\r\n');
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1];
    if (status === undefined) throw new Error('the reply is not HTTP/1.1');
    // An interim reply announces the real one.
    if (status.startsWith('1')) return true;
    this.head = { status: Number(status), headers: parseHeaders(lines) };
    this.state = this.framing(this.head);
    return true;
  }

  private framing({ status, headers }: ReplyHead): State {
    if (status === 204 || status === 304) return 'done';
    if (headers.get('transfer-encoding')?.toLowerCase().includes('chunked')) return 'chunk-size';
    const length = headers.get('content-length');
    if (length === undefined) return 'until-close';
    this.left = Number(length);
    if (!Number.isSafeInteger(this.left) || this.left < 0) throw new Error('the reply has no valid length');
    return this.left === 0 ? 'done' : 'counted';
  }

  private readCounted(body: (piece: Buffer) => void, next: State): boolean {
    if (this.pending.length === 0) return false;
    const piece = this.take(Math.min(this.left, this.pending.length));
    this.left -= piece.length;
    if (this.left === 0) this.state = next;
    body(piece);
    return true;
  }

  private readAll(body: (piece: Buffer) => void): boolean {
    if (this.pending.length > 0) body(this.take(this.pending.length));
    return false;
  }

  private readChunkSize(): boolean {
    const line = this.takeLine();
    if (line === undefined) return false;
    const size = /^([0-9a-fA-F]{1,8})\s*(;|$)/.exec(line)?.[1];
    if (size === undefined) throw new Error('a chunk of the reply has no valid size');
    this.left = Number.parseInt(size, 16);
    this.state = this.left === 0 ? 'trailers' : 'chunk';
    return true;
  }

  private readChunkEnd(): boolean {
    const line = this.takeLine();
    if (line === undefined) return false;
    if (line !== '') throw new Error('a chunk of the reply is longer than it said');
    this.state = 'chunk-size';
    return true;
  }

  private readTrailers(): boolean {
    // No trailers: one empty line. Otherwise lines, then an empty one.
    const empty = this.pending.indexOf('\r\n') === 0;
    const end = empty ? 0 : this.pending.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const lines = this.take(end + (empty ? 2 : 4))
      .toString('latin1', 0, end)
      .split('\r\n');
    this.trailers = parseHeaders(lines);
    this.state = 'done';
    return true;
  }

  private takeLine(): string | undefined {
    const end = this.pending.indexOf('\r\n');
    if (end < 0) {
      if (this.pending.length > HEAD_BYTES_MAX) throw new Error('a line of the reply has no end');
      return undefined;
    }
    return this.take(end + 2).toString('latin1', 0, end);
  }

  private take(count: number): Buffer {
    const taken = this.pending.subarray(0, count);
    this.pending = this.pending.subarray(count);
    return taken;
  }
}

function parseHeaders(lines: readonly string[]): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return headers;
}
