/** One request, checked: the path, the query, and a body of bounded size. */

import type { IncomingMessage } from 'node:http';
import { AosError } from '../../core/errors.ts';
import { checkName, parsePath } from '../../core/path.ts';
import type { Path } from '../../core/types.ts';

/** How much of a refused body is read, and for how long. */
const DRAIN_BYTES = 256 * 1024 * 1024;
const DRAIN_MS = 1000;

export interface Target {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Splits a request's target without decoding it. */
export function splitTarget(url: string): Target {
  const mark = url.indexOf('?');
  return mark < 0
    ? { path: url, query: new URLSearchParams() }
    : { path: url.slice(0, mark), query: new URLSearchParams(url.slice(mark + 1)) };
}

/** Decodes each name on its own, so that an encoded slash is refused and not taken for a separator. */
export function decodePath(encoded: string): Path {
  const names = encoded.split('/').map(name => decodeName(name));
  for (const name of names) if (name.includes('/')) checkName(name);
  return parsePath(names.join('/'));
}

function decodeName(name: string): string {
  if (!name.includes('%')) return name;
  try {
    return decodeURIComponent(name);
  } catch (cause) {
    throw new AosError('bad_bytes', {
      component: 'socket door',
      why: 'the path is not percent-encoded UTF-8',
      remedy: 'encode each name of the path as UTF-8',
      cause,
    });
  }
}

/** The whole body. Throws `too_large` as soon as it is known to be over `limit` bytes, and `interrupted` on a hang-up. */
export async function readBody(request: IncomingMessage, limit: number, path: Path): Promise<Buffer> {
  const body = await readStart(request, limit);
  if (body.more !== undefined) throw tooLarge(limit, path);
  return body.start;
}

export interface Body {
  readonly start: Buffer;
  /** What follows, where the body is longer than was asked for. */
  readonly more: AsyncIterator<Buffer> | undefined;
}

/** At least the first `enough` bytes of a body; the rest stays on the wire. */
export async function readStart(request: IncomingMessage, enough: number): Promise<Body> {
  const iterator: AsyncIterator<Buffer> = request[Symbol.asyncIterator]();
  const chunks: Buffer[] = [];
  let size = 0;
  while (size <= enough) {
    const step = await iterator.next();
    if (step.done === true) {
      if (!request.complete) throw hungUp();
      return { start: Buffer.concat(chunks, size), more: undefined };
    }
    chunks.push(step.value);
    size += step.value.length;
  }
  return { start: Buffer.concat(chunks, size), more: iterator };
}

/**
 * Reads what is left of a body that was refused, within bounds: a socket closed over unread bytes breaks the client's
 * writing before it can read why.
 */
export function drain(request: IncomingMessage): Promise<void> {
  return new Promise(resolve => {
    let size = 0;
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, DRAIN_MS);
    request.once('close', done);
    request.once('end', done);
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > DRAIN_BYTES) done();
    });
    // Left by an iterator that stopped early; with it the stream would not flow.
    request.removeAllListeners('readable');
    request.resume();
  });
}

export function parseJson(body: Buffer, path: Path): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString());
  } catch (cause) {
    throw new AosError('invalid', {
      component: 'socket door',
      path,
      why: 'the request is not JSON',
      remedy: 'send one JSON value',
      cause,
    });
  }
}

export function tooLarge(limit: number, path: Path): AosError {
  return new AosError('too_large', {
    component: 'socket door',
    path,
    why: `the request is over ${limit} bytes`,
    remedy: 'send less at once',
  });
}

export function hungUp(): AosError {
  return new AosError('interrupted', { component: 'socket door', why: 'the client hung up' });
}
