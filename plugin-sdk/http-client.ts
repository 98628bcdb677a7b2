/**
 * One request to a web service: under a deadline, of bounded size, and only to addresses that it may reach. The address that
 * was checked is the one that is connected to, so a name that resolves differently the second time gains nothing. Follows no
 * redirect and retries nothing: whoever pays decides that.
 */

import { type LookupAddress, lookup } from 'node:dns';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { AosError, type ErrorKind } from '../core/errors.ts';
import type { Millis } from '../core/types.ts';

export const RESPONSE_BYTES_MAX = 16 * 1024 * 1024;
/** Of a failed response, kept for whoever asks why. */
const SAID_BYTES_MAX = 4096;
/** Characters of it that an error repeats, and bytes among which they are sought. */
const EXCERPT_MAX = 120;
const EXCERPT_BYTES_MAX = 200;
/** At the end of what was cut off. */
export const CUT = '\u2026';

export interface HttpRequest {
  /** Named in errors. */
  readonly component: string;
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Until the whole response is there. */
  readonly timeout: Millis;
  readonly signal?: AbortSignal | undefined;
  /** Loopback, private, link-local and other addresses that are not on the public internet. */
  readonly allowPrivate: boolean;
  /** Called once the service is connected to, before a byte is sent: from here on it may count the request. */
  onSent?(): void;
}

export interface HttpResponse {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What a service said when it refused, as the cause of the error. */
export class HttpFailure extends Error {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor({ status, body, headers }: HttpResponse) {
    super(`HTTP ${status}`);
    this.status = status;
    this.headers = headers;
    this.body = body.subarray(0, SAID_BYTES_MAX).toString() + (body.length > SAID_BYTES_MAX ? CUT : '');
  }
}

/** Gives any response that came whole. Throws `timeout`, `interrupted`, `too_large`, `not_permitted` (address) or `upstream`. */
export function send(request: HttpRequest): Promise<HttpResponse> {
  const { url, component, signal, timeout, allowPrivate } = request;
  return new Promise((resolve, reject) => {
    if (!allowPrivate && isPrivateLiteral(url.hostname)) return reject(privateAddress(component, url.host));
    if (signal?.aborted) return reject(interrupted(component));
    const options: RequestOptions = {
      method: request.method,
      headers: { 'accept-encoding': 'identity', ...lengthOf(request), ...request.headers },
      agent: false,
      lookup: checkedLookup(component, allowPrivate),
    };
    // An import of node:http would read all its names, and `WebSocket` among them loads undici.
    const { request: ask } = process.getBuiltinModule(url.protocol === 'https:' ? 'node:https' : 'node:http');
    const outgoing = ask(url, options);
    let failure: AosError | undefined;
    const stop = (error: AosError): void => {
      failure ??= error;
      outgoing.destroy();
      done(() => reject(failure));
    };
    const timer = setTimeout(() => stop(late(component, url, timeout)), timeout);
    const onAbort = (): void => stop(interrupted(component));
    signal?.addEventListener('abort', onAbort, { once: true });
    const done = (settle: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      settle();
    };
    outgoing.once('socket', socket =>
      socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => request.onSent?.()),
    );
    outgoing.once('error', error => done(() => reject(failure ?? unreachable(component, url, error))));
    outgoing.once('response', (incoming: IncomingMessage) => {
      collect(incoming, component, url).then(
        response => done(() => resolve(response)),
        error => stop(error instanceof AosError ? error : unreachable(component, url, error)),
      );
    });
    outgoing.end(request.body);
  });
}

function lengthOf({ body }: HttpRequest): Record<string, string> {
  return body === undefined ? {} : { 'content-length': String(body.length) };
}

async function collect(incoming: IncomingMessage, component: string, url: URL): Promise<HttpResponse> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    // Without an encoding set a response gives buffers.
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > RESPONSE_BYTES_MAX) {
      const why = `${url.host} sent more than ${RESPONSE_BYTES_MAX / 1024 / 1024} MiB`;
      throw new AosError('too_large', { component, why, remedy: 'ask for less, where the service has a way to' });
    }
    chunks.push(bytes);
  }
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : (value ?? '');
  }
  return { status: incoming.statusCode ?? 0, headers, body: Buffer.concat(chunks, size) };
}

/** Carries an error of ours through Node's own callbacks. */
class Refused extends Error {
  readonly error: AosError;

  constructor(error: AosError) {
    super(error.message);
    this.error = error;
  }
}

/** Resolves a name and refuses it where any of its addresses may not be reached. */
function checkedLookup(component: string, allowPrivate: boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      const addresses: LookupAddress[] = error === null ? found : [];
      const refused = !allowPrivate && addresses.some(({ address }) => isPrivate(address));
      const wrong = error ?? (refused ? new Refused(privateAddress(component, hostname)) : null);
      const [first] = addresses;
      if (wrong !== null || first === undefined) callback(wrong, []);
      else if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

const PRIVATE = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  PRIVATE.addSubnet(net, bits, 'ipv4');
}
// Unspecified and loopback, NAT64 and 6to4 (both hold an IPv4 address), unique local, link-local, site-local, multicast.
for (const [net, bits] of [
  ['::', 127],
  ['64:ff9b::', 96],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const) {
  PRIVATE.addSubnet(net, bits, 'ipv6');
}

/** Whether an address is none of the public internet's. An IPv4 address within IPv6 counts as what it is. */
export function isPrivate(address: string): boolean {
  const family = isIP(address);
  return family === 0 || PRIVATE.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** Whether the host of an address is a number that is not public. A name may lead anywhere. */
export function isPrivateLiteral(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  return isIP(host) !== 0 && isPrivate(host);
}

const BY_STATUS: Readonly<Record<number, ErrorKind>> = {
  400: 'invalid',
  401: 'not_readable',
  403: 'not_readable',
  404: 'not_found',
  405: 'unsupported',
  408: 'timeout',
  409: 'busy',
  410: 'not_found',
  413: 'too_large',
  422: 'invalid',
  429: 'rate_limited',
  504: 'timeout',
};

const REMEDY: Partial<Record<ErrorKind, string>> = {
  invalid: 'see what it says in .aos/error of the mount',
  not_readable: 'mount it again with the right credentials',
  not_found: 'check the name',
  unsupported: 'the service does not offer this here',
  timeout: 'try again, or mount it again with a longer --timeout',
  rate_limited: 'wait a while, then try again',
  busy: 'read it again, then repeat the change',
  too_large: 'send less',
  upstream: 'see what it says in .aos/error of the mount',
};

/** A response that is no success, as an error. The service's own words are its cause. */
export function failureOf(component: string, path: string | undefined, response: HttpResponse): AosError {
  const kind = BY_STATUS[response.status] ?? 'upstream';
  const wait = response.headers['retry-after'];
  const later = kind === 'rate_limited' && wait !== undefined ? `; it asks to wait ${wait.slice(0, 40)}` : '';
  const why = `the service answered ${response.status}${excerpt(response.body)}${later}`;
  return new AosError(kind, { component, path, why, remedy: REMEDY[kind], cause: new HttpFailure(response) });
}

/** The first words of what a service said, fit for one line. */
function excerpt(body: Buffer): string {
  // Control characters have no place in a message.
  const text = body
    .subarray(0, EXCERPT_BYTES_MAX)
    .toString()
    .replace(/[\s\p{C}]+/gu, ' ')
    .trim();
  if (text === '' || text.startsWith('<')) return '';
  const isWhole = body.length <= EXCERPT_BYTES_MAX && text.length <= EXCERPT_MAX;
  return ` (${text.slice(0, EXCERPT_MAX)}${isWhole ? '' : CUT})`;
}

function privateAddress(component: string, host: string): AosError {
  return new AosError('not_permitted', {
    component,
    why: `${host} is a loopback or private address`,
    remedy: 'mount it again with --allow-private if that is meant',
  });
}

function interrupted(component: string): AosError {
  return new AosError('interrupted', { component, why: 'the operation was interrupted' });
}

function late(component: string, url: URL, timeout: Millis): AosError {
  const why = `${url.host} has not answered within ${timeout / 1000} s`;
  return new AosError('timeout', { component, why, remedy: REMEDY.timeout });
}

function unreachable(component: string, url: URL, cause: Error): AosError {
  if (cause instanceof Refused) return cause.error;
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  const why = `${url.host} could not be reached: ${SAID[code] ?? cause.message}`;
  return new AosError('upstream', { component, why, remedy: 'check that the service runs, and its address', cause });
}

const SAID: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'it closed the connection',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name cannot be looked up now',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no network to it',
};
