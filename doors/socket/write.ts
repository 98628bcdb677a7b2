/** PUT, POST, DELETE and MKCOL: everything that changes the tree, and calls. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { asAosError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { isStream } from '../../core/stream.ts';
import { writeAll } from '../../core/whole.ts';
import type { Work } from './read.ts';
import { beginStream, sendBytes, sendChunk, sendJson, sendNothing, sendReceipt } from './reply.ts';
import { type Body, hungUp, parseJson, readBody, readStart } from './request.ts';

/** A body up to this size is given to the tree in one piece; a longer one can only be for an ordinary file. */
const WHOLE_BYTES = LIMITS.value_bytes_max;

export async function put(work: Work, request: IncomingMessage): Promise<void> {
  const { aos, caller, path, query, cancel, response } = work;
  const field = query.get('field');
  if (field !== null) {
    const value = await readBody(request, LIMITS.value_bytes_max, path);
    await aos.setXattr(caller, path, `user.${field}`, value, cancel);
    return sendNothing(response);
  }
  const body = await readStart(request, WHOLE_BYTES);
  const append = query.has('append');
  if (body.more === undefined && !append) {
    return sendReceipt(response, await aos.write(caller, path, body.start, cancel));
  }
  sendReceipt(response, await writeThrough(work, request, body, append));
}

/** Writes by a handle, piece by piece, as `cat >` and `cat >>` do through the mount. */
async function writeThrough(work: Work, request: IncomingMessage, body: Body, append: boolean): Promise<unknown> {
  const { aos, caller, path, cancel } = work;
  const how = { read: false, write: true, append, truncate: !append };
  const handle = await aos.openOrCreate(caller, path, 0o666 & ~process.umask(), how, cancel);
  try {
    let offset = append ? (await handle.stat()).size : 0;
    const put = async (piece: Uint8Array): Promise<void> => {
      if (piece.length > 0) await writeAll(handle, piece, cancel, offset);
      offset += piece.length;
    };
    await put(body.start);
    if (body.more !== undefined) {
      for (let step = await body.more.next(); step.done !== true; step = await body.more.next()) await put(step.value);
      if (!request.complete) throw hungUp();
    }
    return await handle.flush(cancel, true);
  } catch (thrown) {
    throw asAosError(thrown, 'socket door', path);
  } finally {
    handle.close();
  }
}

export async function post(work: Work, request: IncomingMessage): Promise<void> {
  const { aos, caller, path, cancel, response } = work;
  const body = parseJson(await readBody(request, LIMITS.request_bytes_max, path), path);
  const value = await aos.call(caller, path, body, cancel);
  if (isStream(value)) await stream(response, value, work);
  else if (value instanceof Uint8Array) sendBytes(response, value);
  else sendJson(response, { value: value ?? null });
}

/** One JSON value a line, each as soon as it is there; an error is the last line. */
async function stream(response: ServerResponse, values: AsyncIterable<unknown>, { path, cancel }: Work): Promise<void> {
  beginStream(response, 'application/x-ndjson');
  try {
    for await (const value of values) {
      if (cancel.aborted || !(await sendChunk(response, `${JSON.stringify(value ?? null)}\n`))) return;
    }
  } catch (thrown) {
    await sendChunk(response, `${JSON.stringify({ error: asAosError(thrown, 'socket door', path).toJSON() })}\n`);
  }
  response.end();
}

export async function remove({ aos, caller, path, query, cancel, response }: Work): Promise<void> {
  if (query.has('dir')) await aos.removeDir(caller, path, cancel);
  else await aos.remove(caller, path, cancel);
  sendNothing(response);
}

export async function makeDir({ aos, caller, path, cancel, response }: Work): Promise<void> {
  await aos.makeDir(caller, path, 0o777 & ~process.umask(), cancel);
  sendNothing(response);
}
