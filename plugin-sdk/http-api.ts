/** A small client for a mount of a web service: text and JSON in, text and JSON out, errors that name what happened. */

import { AosError } from '../core/errors.ts';
import type { Millis } from '../core/types.ts';
import { failureOf, type HttpRequest, isPrivateLiteral, send } from './http-client.ts';

export interface ApiOptions {
  /** Sent as `Authorization: Bearer`, where there is one. */
  readonly bearer?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Addresses that are not public. By default only where the base itself names one. */
  readonly allowPrivate?: boolean;
}

export interface Ask {
  /** Ends the request when the caller gives up: pass the operation's own. */
  readonly signal?: AbortSignal;
}

/** Paths begin with a slash and come after the base. Each method throws an AosError that follows from the service's answer. */
export interface WebApi {
  bytes(path: string, ask?: Ask): Promise<Buffer>;
  text(path: string, ask?: Ask): Promise<string>;
  /** Parsed JSON. The caller says what shape it expects, and checks what matters. */
  json<T = unknown>(path: string, ask?: Ask): Promise<T>;
  put(path: string, body: string | Uint8Array, ask?: Ask): Promise<string>;
  post(path: string, body: string | Uint8Array, ask?: Ask): Promise<string>;
  delete(path: string, ask?: Ask): Promise<void>;
}

export function httpApi(how: ApiOptions & { component: string; base: string; timeout: Millis }): WebApi {
  const { component, timeout } = how;
  const base = new URL(how.base);
  const headers = { ...(how.bearer && { authorization: `Bearer ${how.bearer}` }), ...how.headers };
  const allowPrivate = how.allowPrivate ?? namesPrivate(base.hostname);
  const ask = async (method: HttpRequest['method'], path: string, { signal }: Ask, body?: string | Uint8Array) => {
    const url = addressBelow(base, path);
    const response = await send({
      component,
      method,
      url,
      timeout,
      allowPrivate,
      signal,
      headers: { ...headers, ...(body !== undefined && { 'content-type': contentType(body) }) },
      ...(body !== undefined && { body: Buffer.from(body) }),
    });
    if (response.status >= 200 && response.status < 300) return response.body;
    throw failureOf(component, undefined, response);
  };
  const text = async (path: string, how: Ask = {}): Promise<string> => (await ask('GET', path, how)).toString();
  return {
    bytes: (path, how = {}) => ask('GET', path, how),
    text,
    json: async (path, how = {}) => parse(component, await text(path, how)),
    put: async (path, body, how = {}) => (await ask('PUT', path, how, body)).toString(),
    post: async (path, body, how = {}) => (await ask('POST', path, how, body)).toString(),
    delete: async (path, how = {}) => void (await ask('DELETE', path, how)),
  };
}

/**
 * The base with a path behind it, and a query where the path has one. Names are taken as in an address: `%20` stays, a space becomes
 * it. Throws `invalid` for a name that would lead out of the base.
 */
export function addressBelow(base: URL, path: string): URL {
  const mark = path.indexOf('?');
  const [names, query] = mark < 0 ? [path, ''] : [path.slice(0, mark), path.slice(mark)];
  const url = new URL(base);
  url.hash = '';
  if (query !== '') url.search = base.search === '' ? query : `${base.search}&${query.slice(1)}`;
  const parts = names.split('/').filter(name => name !== '');
  if (parts.length === 0) return url;
  const steps = parts.find(name => /^(\.|%2e){1,2}$/i.test(name));
  if (steps !== undefined) {
    const why = `"${steps}" is a step and no name`;
    throw new AosError('invalid', { component: 'mounts', path, why, remedy: 'write the path in full' });
  }
  url.pathname = `${base.pathname.replace(/\/$/, '')}/${parts.map(encode).join('/')}${names.endsWith('/') ? '/' : ''}`;
  return url;
}

/** All but what RFC 3986 lets a segment hold. A percent sign is kept where it begins an encoded byte. */
function encode(name: string): string {
  return name.replace(/%(?![0-9a-f]{2})|[^\w.~!$&'()*+,;=:@%-]/giu, encodeURIComponent);
}

export function contentType(body: string | Uint8Array): string {
  try {
    JSON.parse(typeof body === 'string' ? body : Buffer.from(body).toString());
    return 'application/json';
  } catch {
    return 'text/plain; charset=utf-8';
  }
}

function namesPrivate(hostname: string): boolean {
  return hostname === 'localhost' || isPrivateLiteral(hostname);
}

/** The shape is the caller's to check; JSON has none of its own. */
function parse<T>(component: string, text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    const remedy = 'see what it says in .aos/error of the mount';
    throw new AosError('upstream', { component, why: 'the service did not answer with JSON', remedy, cause });
  }
}
