/** Asks the daemon: one request on one connection, over its unix socket. */

import type { Socket } from 'node:net';
import { ReplyReader } from './http.ts';
import { isFields } from './shape.ts';

const { connect } = process.getBuiltinModule('node:net');

export type Body = Uint8Array | AsyncIterable<Uint8Array>;

export interface Ask {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE' | 'MKCOL';
  /** A path of the tree, not encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: Body;
  /** Takes the body piece by piece as it arrives, where it is not an error. Without it the whole body is the answer. */
  readonly sink?: (piece: Uint8Array) => void;
}

export interface Client {
  /** Throws the daemon's own error, `not_running` where none answers, `io` where it went away in mid-reply. */
  ask(ask: Ask): Promise<Buffer>;
  /** The same for JSON. Undefined where there was no body. */
  json(ask: Ask): Promise<unknown>;
  /** Invokes the node and gives its value. */
  call(path: string, request: unknown): Promise<unknown>;
}

export function makeClient(socket: string): Client {
  const ask = (what: Ask): Promise<Buffer> =>
    send(socket, what).catch(async (thrown: unknown) => {
      // Most commands never need it.
      const { failureOf } = await import('./failure.ts');
      throw failureOf(thrown, socket, what.path);
    });
  const json = async (what: Ask): Promise<unknown> => {
    const body = await ask(what);
    // What is not JSON is none of the daemon's replies: the error says so by itself.
    return body.length === 0 ? undefined : JSON.parse(body.toString());
  };
  return {
    ask,
    json,
    async call(path, request) {
      const reply = await json({ method: 'POST', path, body: Buffer.from(JSON.stringify(request)) });
      return isFields(reply) ? reply.value : reply;
    },
  };
}

/** The daemon said no. What it said, as JSON. */
export class Refusal extends Error {
  readonly said: string;

  constructor(said: string) {
    super('refused');
    this.said = said;
  }
}

/** The connection ended before the reply did. */
export class BrokenReply extends Error {}

function send(path: string, ask: Ask): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const reader = new ReplyReader();
    const kept: Buffer[] = [];
    const socket = connect({ path });
    const refused = (): boolean => (reader.head?.status ?? 500) >= 400;
    const finish = (): void => {
      const late = reader.trailers.get('aos-error');
      if (late !== undefined) reject(new Refusal(`{"error":${late}}`));
      else if (refused()) reject(new Refusal(Buffer.concat(kept).toString()));
      else resolve(Buffer.concat(kept));
      socket.destroy();
    };
    const fail = (error: unknown): void => {
      reject(error);
      socket.destroy();
    };
    const body = (piece: Buffer): void => {
      if (ask.sink !== undefined && !refused()) ask.sink(piece);
      else kept.push(piece);
    };
    socket.on('data', bytes => {
      try {
        reader.push(bytes, body);
      } catch (thrown) {
        return fail(thrown);
      }
      if (reader.done) finish();
    });
    socket.once('error', fail);
    socket.once('end', () => (reader.close() ? finish() : fail(new BrokenReply())));
    socket.once('close', () => fail(new BrokenReply()));
    sendRequest(socket, ask).catch(fail);
  });
}

async function sendRequest(socket: Socket, ask: Ask): Promise<void> {
  const { body } = ask;
  const head = `${ask.method} ${target(ask)} HTTP/1.1\r\nhost: aos\r\nconnection: close\r\n`;
  if (body === undefined) {
    socket.write(`${head}\r\n`);
  } else if (body instanceof Uint8Array) {
    socket.write(`${head}content-length: ${body.length}\r\n\r\n`);
    if (body.length > 0) socket.write(body);
  } else {
    socket.write(`${head}transfer-encoding: chunked\r\n\r\n`);
    for await (const piece of body) {
      if (piece.length === 0) continue;
      if (socket.destroyed) return;
      socket.write(`${piece.length.toString(16)}\r\n`);
      socket.write(piece);
      if (!socket.write('\r\n')) await drained(socket);
    }
    socket.write('0\r\n\r\n');
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise(resolve => {
    const go = (): void => {
      socket.off('drain', go);
      socket.off('close', go);
      resolve();
    };
    socket.on('drain', go);
    socket.on('close', go);
  });
}

function target({ path, query = {} }: Ask): string {
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) pairs.push(`${name}=${encodeURIComponent(value)}`);
  }
  return pairs.length === 0 ? encoded : `${encoded}?${pairs.join('&')}`;
}
