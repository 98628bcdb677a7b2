/** PUT, POST, DELETE and MKCOL: everything that changes the tree, and calls. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { AosError, asAosError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { Handle, OpenHow } from '../../core/types.ts';
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
  const handle = await openFor(work, { read: false, write: true, append, truncate: !append });
  try {
    let offset = append ? (await handle.stat()).size : 0;
    offset += await writeAll(handle, offset, body.start, work);
    if (body.more !== undefined) {
      for (let step = await body.more.next(); step.done !== true; step = await body.more.next()) {
        offset += await writeAll(handle, offset, step.value, work);
      }
      if (!request.complete) throw hungUp();
    }
    return await handle.flush(work.cancel);
  } catch (thrown) {
    throw asAosError(thrown, 'socket door', work.path);
  } finally {
    handle.close();
  }
}

async function writeAll(handle: Handle, offset: number, data: Uint8Array, { cancel, path }: Work): Promise<number> {
  let done = 0;
  while (done < data.length) {
    const piece = data.subarray(done, done + LIMITS.write_bytes_max);
    const written = await handle.write(offset + done, piece, cancel);
    if (written <= 0)
      throw new AosError('io', { component: 'socket door', path, why: 'nothing more could be written' });
    done += written;
  }
  return done;
}

async function openFor({ aos, caller, path, cancel }: Work, how: OpenHow): Promise<Handle> {
  try {
    return await aos.open(caller, path, how, cancel);
  } catch (thrown) {
    if (asAosError(thrown, 'socket door', path).kind !== 'not_found') throw thrown;
    return await aos.create(caller, path, 0o666 & ~process.umask(), how, cancel);
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

function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
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
