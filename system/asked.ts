/** Requests to the files of this folder, checked: what is wrong is said in one sentence, with what to write instead. */

import { AosError, isCutShort, type Op, type Path, parsePath } from '../plugin-sdk/index.ts';

export type Request = Readonly<Record<string, unknown>>;

/** A call that only looks: it is told no more than a read is. */
export function looking<A extends Op, T>(answer: (args: A, request: unknown) => T): (args: A, request: unknown) => T {
  return (args, request) => {
    args.told = false;
    return answer(args, request);
  };
}

/** The request as an object with none but these keys. */
export function requestOf(request: unknown, keys: readonly string[], at: string): Request {
  if (typeof request !== 'object' || request === null || Array.isArray(request)) {
    throw wrong(at, 'the request is not a JSON object', `send {${keys.map(key => `"${key}": ...`).join(', ')}}`);
  }
  const unknown = Object.keys(request).find(key => !keys.includes(key));
  if (unknown !== undefined) throw wrong(at, `"${unknown}" is not known here`, `use ${keys.join(', ')}`);
  // An object that is not null and no list is a record of unknown values.
  return request as Request;
}

/** What came through a file, as JSON. */
export function parseRequest(text: string, at: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw wrong(at, 'the request is not JSON', 'write one JSON object', cause);
  }
}

/** As far as it came, with more lines to come; undefined where it is no whole value yet. Refuses what cannot become one. */
export function parseRequestSoFar(text: string, at: string): { readonly request: unknown } | undefined {
  if (text.trim() === '') return undefined;
  try {
    return { request: JSON.parse(text) };
  } catch (thrown) {
    if (isCutShort(thrown, text)) return undefined;
    return { request: parseRequest(text, at) };
  }
}

/** A path of the tree. */
export function pathOf(request: Request, at: string): Path {
  if (typeof request.path === 'string') return parsePath(request.path);
  throw wrong(at, '"path" is missing or not text', 'name a path from /aos down');
}

export function wrong(path: string, why: string, remedy: string, cause?: unknown): AosError {
  return new AosError('invalid', { component: 'system', path, why, remedy, cause });
}
