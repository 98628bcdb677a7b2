/** What goes back: bytes, JSON, streams, and errors as one shape with a fitting status. */

import type { ServerResponse } from 'node:http';
import type { AosError, ErrnoName } from '../../core/errors.ts';

/** The trailer that carries an error which came after the first bytes of a body were sent. */
export const ERROR_TRAILER = 'aos-error';

const STATUS: Partial<Record<ErrnoName, number>> = {
  ENOENT: 404,
  ENODATA: 404,
  EACCES: 403,
  EPERM: 403,
  EROFS: 403,
  EEXIST: 409,
  ENOTEMPTY: 409,
  EISDIR: 409,
  ENOTDIR: 409,
  EXDEV: 409,
  ELOOP: 409,
  EBUSY: 423,
  ESTALE: 410,
  ESRCH: 410,
  EINVAL: 400,
  EILSEQ: 400,
  ESPIPE: 400,
  ERANGE: 416,
  EFBIG: 413,
  EMSGSIZE: 413,
  ENAMETOOLONG: 414,
  EDQUOT: 402,
  EAGAIN: 429,
  ENOTSUP: 405,
  ENOSYS: 501,
  ENOSPC: 507,
  EMFILE: 503,
  EINTR: 503,
  ECONNREFUSED: 503,
  ETIMEDOUT: 504,
};

export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
}

export function sendBytes(response: ServerResponse, bytes: Uint8Array): void {
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes.length });
  response.end(bytes);
}

export function sendNothing(response: ServerResponse): void {
  response.writeHead(204);
  response.end();
}

/** A receipt where the node gave one. */
export function sendReceipt(response: ServerResponse, receipt: unknown): void {
  if (receipt === undefined || receipt === null) sendNothing(response);
  else if (receipt instanceof Uint8Array) sendBytes(response, receipt);
  else sendJson(response, receipt);
}

/** A body whose length is not known yet. The trailer is announced, so that a late failure is told from an end. */
export function beginStream(response: ServerResponse, type: string): void {
  response.writeHead(200, { 'content-type': type, trailer: ERROR_TRAILER });
  response.flushHeaders();
}

/** Waits where the client reads slower than the tree gives. False: it has hung up. */
export async function sendChunk(response: ServerResponse, chunk: Uint8Array | string): Promise<boolean> {
  if (response.destroyed) return false;
  if (response.write(chunk)) return true;
  await new Promise<void>(resolve => {
    const go = (): void => {
      response.off('drain', go);
      response.off('close', go);
      resolve();
    };
    response.on('drain', go);
    response.on('close', go);
  });
  return !response.destroyed;
}

export function sendError(response: ServerResponse, error: AosError): void {
  if (response.destroyed || response.writableEnded) return;
  if (response.headersSent) {
    // A header is ASCII without line ends: JSON with every other character escaped is both.
    const shape = JSON.stringify(error.toJSON()).replace(/[^ -~]/g, escapeUnit);
    response.addTrailers({ [ERROR_TRAILER]: shape });
    response.end();
    return;
  }
  // The rest of a body that was refused is not worth reading: the connection ends with the reply.
  if (!response.req.complete) response.shouldKeepAlive = false;
  sendJson(response, { error: error.toJSON() }, STATUS[error.errno] ?? 500);
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
