/** GET: content, listings, stats, attributes, explanations, and logs as they grow. */

import type { ServerResponse } from 'node:http';
import { VERBS } from '../../core/capabilities/grant.ts';
import { AosError, asAosError } from '../../core/errors.ts';
import { join } from '../../core/path.ts';
import type { Aos, Caller, Cancel, Handle, OpenHow, Path } from '../../core/types.ts';
import { asRun } from '../agent.ts';
import { beginStream, sendBytes, sendChunk, sendJson } from './reply.ts';

const CHUNK_BYTES = 256 * 1024;
/** A log may end without growing, which wakes nobody: the end is looked for this often. */
const END_CHECK_MS = 200;
const READ: OpenHow = { read: true, write: false, append: false, truncate: false };

export interface Work {
  readonly aos: Aos;
  readonly caller: Caller;
  /** The caller as an agent that it runs. */
  readonly as: (agent: string) => Promise<Caller>;
  readonly path: Path;
  readonly query: URLSearchParams;
  readonly cancel: Cancel;
  readonly response: ServerResponse;
}

export async function get(work: Work): Promise<void> {
  const { aos, caller, path, query, cancel, response } = work;
  const xattr = query.get('xattr');
  if (query.has('explain')) sendJson(response, await explain(work));
  else if (query.has('list')) sendJson(response, await list(work));
  else if (query.has('stat')) sendJson(response, await aos.stat(caller, path, cancel));
  else if (xattr !== null) await attribute(work, xattr);
  else if (query.has('xattrs')) sendJson(response, await aos.listXattrs(caller, path, cancel));
  else if (query.has('follow')) await follow(work);
  else await content(work);
}

async function explain(work: Work): Promise<unknown> {
  const { aos, caller, path, query } = work;
  const verb = VERBS.find(known => known === query.get('explain'));
  if (verb === undefined) {
    throw new AosError('invalid', {
      component: 'socket door',
      path,
      why: `"${query.get('explain') ?? ''}" is not a verb`,
      remedy: `use one of ${VERBS.join(', ')}`,
    });
  }
  const agent = query.get('as');
  return aos.explain(agent === null ? caller : asRun(await work.as(agent)), verb, path);
}

/**
 * Names and kinds, from `cursor` on where one is given; with `stat=1` what each is as well. An entry that went, or that cannot be
 * looked at, keeps its name.
 */
async function list({ aos, caller, path, query, cancel }: Work): Promise<unknown> {
  const entries = await aos.list(caller, path, cancel, query.get('cursor') ?? undefined);
  if (!query.has('stat')) return entries.map(({ name, kind, next }) => ({ name, kind, next }));
  const full: unknown[] = [];
  for (const { name, kind, next } of entries) {
    try {
      full.push({ name, ...(await aos.stat(caller, join(path, name), cancel)), next });
    } catch (thrown) {
      full.push({ name, kind, next, error: asAosError(thrown, 'socket door', join(path, name)).toJSON() });
    }
  }
  return full;
}

async function attribute({ aos, caller, path, cancel, response }: Work, name: string): Promise<void> {
  const value = await aos.getXattr(caller, path, name, cancel);
  if (value === undefined) {
    throw new AosError('no_attribute', {
      component: 'socket door',
      path,
      why: `there is no attribute "${name}"`,
      remedy: 'ask for the names with ?xattrs',
    });
  }
  sendBytes(response, value);
}

/** Short content goes with its length, the rest as it is read. */
async function content({ aos, caller, path, cancel, response }: Work): Promise<void> {
  const handle = await aos.open(caller, path, READ, cancel);
  try {
    const first = await readSome(handle, 0, cancel);
    let next = first.length === 0 ? first : await readSome(handle, first.length, cancel);
    if (next.length === 0) return sendBytes(response, first);
    beginStream(response, 'application/octet-stream');
    let offset = first.length;
    if (!(await sendChunk(response, first))) return;
    while (next.length > 0) {
      if (!(await sendChunk(response, next))) return;
      offset += next.length;
      next = await readSome(handle, offset, cancel);
    }
    response.end();
  } finally {
    handle.close();
  }
}

/** A handle may reuse what it gives for its next read, and the socket may still be sending it. */
async function readSome(handle: Handle, offset: number, cancel: Cancel): Promise<Uint8Array> {
  return Uint8Array.from(await handle.read(offset, CHUNK_BYTES, cancel));
}

async function follow({ aos, caller, path, query, cancel, response }: Work): Promise<void> {
  const handle = await aos.open(caller, path, READ, cancel);
  try {
    let offset = await startOf(query.get('from'), handle, path);
    beginStream(response, 'application/octet-stream');
    while (!cancel.aborted) {
      // Asked before the read, or what is added between the two would be lost.
      const { ended } = handle;
      const chunk = await readSome(handle, offset, cancel);
      if (chunk.length > 0) {
        if (!(await sendChunk(response, chunk))) return;
        offset += chunk.length;
      } else if (ended) {
        response.end();
        return;
      } else {
        await growth(handle, offset, cancel);
      }
    }
  } finally {
    handle.close();
  }
}

/** `from` is a byte offset, or `end` for what is added from now on. */
async function startOf(from: string | null, handle: Handle, path: Path): Promise<number> {
  if (from === null) return 0;
  if (from === 'end') return (await handle.stat()).size;
  const offset = Number(from);
  if (Number.isSafeInteger(offset) && offset >= 0) return offset;
  throw new AosError('invalid', {
    component: 'socket door',
    path,
    why: `"${from}" is not an offset`,
    remedy: 'give a number of bytes, or end',
  });
}

function growth(handle: Handle, offset: number, cancel: Cancel): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(go, END_CHECK_MS);
    function go(): void {
      clearTimeout(timer);
      cancel.signal.removeEventListener('abort', go);
      resolve();
    }
    cancel.signal.addEventListener('abort', go);
    if (cancel.aborted || handle.poll(offset, go)) go();
  });
}
