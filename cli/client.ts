/** Asks the daemon: one request on one connection, over its unix socket. */

import { connect, type Socket } from 'node:net';
import { AosError, asAosError, type ErrorShape, fromShape } from '../core/errors.ts';
import { ReplyReader } from './http.ts';
import { isFields } from './shape.ts';

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
  const ask = (what: Ask): Promise<Buffer> => send(socket, what);
  const json = async (what: Ask): Promise<unknown> => parse(await ask(what));
  return {
    ask,
    json,
    async call(path, request) {
      const reply = await json({ method: 'POST', path, body: Buffer.from(JSON.stringify(request)) });
      return isFields(reply) ? reply.value : reply;
    },
  };
}

function parse(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString());
  } catch (cause) {
    throw new AosError('upstream', {
      component: 'aos',
      why: 'the daemon did not answer in JSON',
      remedy: 'see `aos logs`',
      cause,
    });
  }
}

function send(path: string, ask: Ask): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const reader = new ReplyReader();
    const kept: Buffer[] = [];
    const socket = connect({ path });
    const finish = (): void => {
      socket.destroy();
      const problem = failure(reader, kept, ask);
      if (problem === undefined) resolve(Buffer.concat(kept));
      else reject(problem);
    };
    const body = (piece: Buffer): void => {
      if (ask.sink !== undefined && (reader.head?.status ?? 500) < 400) ask.sink(piece);
      else kept.push(piece);
    };
    socket.on('data', bytes => {
      try {
        reader.push(bytes, body);
      } catch (thrown) {
        socket.destroy();
        return reject(asAosError(thrown, 'aos', path));
      }
      if (reader.done) finish();
    });
    socket.once('error', error => reject(refused(error, path)));
    socket.once('end', () => (reader.close() ? finish() : reject(wentAway(path))));
    socket.once('close', () => reject(wentAway(path)));
    sendRequest(socket, ask).catch(thrown => {
      socket.destroy();
      reject(asAosError(thrown, 'aos'));
    });
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
    socket.once('drain', resolve);
    socket.once('close', () => resolve());
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

/** What the reply says went wrong: by its status, or after the body had begun. */
function failure(reader: ReplyReader, kept: readonly Buffer[], ask: Ask): AosError | undefined {
  const late = reader.trailers.get('aos-error');
  if (late !== undefined) return fromReply({ error: parse(Buffer.from(late)) }, ask);
  if ((reader.head?.status ?? 500) < 400) return undefined;
  try {
    return fromReply(parse(Buffer.concat(kept)), ask);
  } catch (thrown) {
    return asAosError(thrown, 'aos', ask.path);
  }
}

function fromReply(reply: unknown, ask: Ask): AosError {
  const error = isFields(reply) ? reply.error : undefined;
  if (isShape(error)) return fromShape(error);
  return new AosError('upstream', {
    component: 'aos',
    path: ask.path,
    why: 'the daemon refused without saying why',
    remedy: 'see `aos logs`',
  });
}

export function isShape(value: unknown): value is ErrorShape {
  return isFields(value) && typeof value.kind === 'string' && typeof value.component === 'string';
}

function refused(error: Error, path: string): AosError {
  const code = 'code' in error ? error.code : '';
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return new AosError('not_running', {
      component: 'aos',
      why: `no daemon answers at ${path}`,
      remedy: 'start it with `aos-mount` (`aos-mount --no-fuse` where there is no FUSE)',
      cause: error,
    });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new AosError('not_permitted', {
      component: 'aos',
      why: `the daemon at ${path} belongs to another user`,
      remedy: 'run as that user, or start your own with AOS_HOME set to a directory of yours',
      cause: error,
    });
  }
  if (code === 'EINVAL' || code === 'ENAMETOOLONG') {
    return new AosError('name_too_long', {
      component: 'aos',
      why: `${path} is too long for a socket`,
      remedy: 'set AOS_SOCKET or AOS_HOME to something of at most 107 bytes',
      cause: error,
    });
  }
  return wentAway(path, error);
}

function wentAway(path: string, cause?: Error): AosError {
  return new AosError('io', {
    component: 'aos',
    why: `the daemon at ${path} went away before it had answered`,
    remedy: 'see `aos logs`',
    cause,
  });
}
