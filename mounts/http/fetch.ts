/**
 * Asks the service, and remembers. Every request that goes out was reserved for and is paid: a second one for the same
 * operation (a redirect, a repetition after Retry-After) passes the gate again as an operation of its own.
 */

import {
  AosError,
  addressBelow,
  Cache,
  type CacheState,
  contentType,
  failureOf,
  type HttpResponse,
  type Maybe,
  type Micros,
  type MountTools,
  type Op,
  send,
} from '../../plugin-sdk/index.ts';
import { nextLink } from './link.ts';
import { type Listing, listingOf } from './listing.ts';

export interface Service {
  readonly component: string;
  readonly base: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly allowPrivate: boolean;
}

/** What a GET gave. */
export interface Fetched {
  readonly body: Buffer;
  readonly type: string;
  readonly etag: string | undefined;
  readonly modified: number | undefined;
  /** The address at which the service's own listing goes on, within the base. */
  readonly next: string | undefined;
}

/** What was fetched, or the error that stands for it. */
type Answer = { readonly fetched: Fetched } | { readonly error: AosError };

/** What is asked for, in however many requests. */
interface Asking {
  readonly key: string;
  /** The cache's, when the first request went out. */
  readonly generation: number;
  /** Requests before this one. */
  readonly count: number;
}

/** What a listing takes in memory, in times its body: the names are kept as they are read out of it. */
const LISTING_WEIGHT = 8;

/** A missing name is believed this long. */
const NEGATIVE_MS = 5000;
/** Requests that one operation may make in turn: the first, and redirects and repetitions of it. */
export const REQUESTS_MAX = 5;

export class Fetcher {
  private readonly service: Service;
  private readonly tools: MountTools;
  private readonly cache = new Cache<Answer>();
  private readonly listings = new WeakMap<Fetched, Listing | 'none' | 'too large'>();

  constructor(service: Service, tools: MountTools) {
    this.service = service;
    this.tools = tools;
  }

  /** What a `get` costs now: nothing where the cache answers. Pure. */
  price(rest: string, link?: string): Micros {
    return this.cache.fresh(keyOf(rest, link), this.tools.now()) === undefined ? this.tools.price : 0;
  }

  state(): CacheState {
    return this.cache.state();
  }

  known(rest: string): Fetched | undefined {
    const answer = this.cache.fresh(rest, this.tools.now());
    return answer !== undefined && 'fetched' in answer ? answer.fetched : undefined;
  }

  /** GET of `rest`, or of `link`, at which the listing of `rest` goes on. At once where the cache answers. */
  get(rest: string, op: Op, link?: string): Maybe<Fetched> {
    const key = keyOf(rest, link);
    // What was fresh when the price was asked may just have expired: nothing was reserved for more.
    const unpaid = op.meter.max < this.tools.price;
    const known = this.cache.take(key, this.tools.now()) ?? (unpaid ? this.cache.peek(key) : undefined);
    if (known !== undefined) return opened(known);
    const url = link === undefined ? addressBelow(this.service.base, rest) : new URL(link);
    return this.fetch(this.asking(key), op, url).then(opened);
  }

  /** What an answer of `get` lists, read out of it once. */
  listing(fetched: Fetched, rest: string, link?: string): ReturnType<typeof listingOf> {
    const known = this.listings.get(fetched);
    if (known !== undefined) return known;
    const listing = listingOf(fetched.body, fetched.type);
    this.listings.set(fetched, listing);
    const key = keyOf(rest, link);
    const kept = this.cache.peek(key);
    if (typeof listing !== 'string' && kept !== undefined && 'fetched' in kept && kept.fetched === fetched) {
      this.cache.grow(key, kept, fetched.body.length * LISTING_WEIGHT);
    }
    return listing;
  }

  /** As `get`, whatever the cache has. */
  async ask(rest: string, op: Op): Promise<Fetched> {
    return opened(await this.fetch(this.asking(rest), op, addressBelow(this.service.base, rest)));
  }

  /** PUT, POST and DELETE. What was known of the path, of what is below it and of its directory is forgotten. */
  async change(method: 'PUT' | 'POST' | 'DELETE', rest: string, op: Op, body?: Uint8Array): Promise<HttpResponse> {
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': contentType(body) };
    try {
      const response = await this.request(op, method, addressBelow(this.service.base, rest), type, body);
      if (response.status >= 200 && response.status < 300) return response;
      throw failureOf(this.service.component, op.path, response);
    } finally {
      this.forgetAt(rest);
    }
  }

  private asking(key: string): Asking {
    return { key, generation: this.cache.generation, count: 0 };
  }

  private async fetch(asking: Asking, op: Op, url: URL): Promise<Answer> {
    const { key, count } = asking;
    const stale = this.cache.peek(key);
    const etag = stale !== undefined && 'fetched' in stale ? stale.fetched.etag : undefined;
    const known: Record<string, string> = etag === undefined ? {} : { 'if-none-match': etag };
    const response = await this.request(op, 'GET', url, known);
    const { status } = response;
    if (status === 304 && stale !== undefined) {
      if (this.holds(asking)) this.cache.renew(key, this.tools.now() + this.tools.ttl);
      return stale;
    }
    if (status >= 300 && status < 400 && status !== 304) {
      return this.again(asking, op, this.target(url, response, op));
    }
    if (status >= 200 && status < 300)
      return this.keep(asking, { fetched: fetchedOf(response, url, this.service.base) });
    const error = failureOf(this.service.component, op.path, response);
    const wait = count + 1 < REQUESTS_MAX ? this.waitFor(response) : undefined;
    if (wait !== undefined && (await pause(wait, op.signal))) return this.again(asking, op, url);
    return error.kind === 'not_found' ? this.keep(asking, { error }) : { error };
  }

  /** One more request for the same operation. */
  private again(asking: Asking, op: Op, url: URL): Promise<Answer> {
    const count = asking.count + 1;
    if (count >= REQUESTS_MAX) throw this.no(op, 'it sends from one address to the next and back', 'check --base-url');
    return this.tools.again(op, further => this.fetch({ ...asking, count }, further, url));
  }

  /** Where a redirect leads. Only within the base's own origin: what is paid for here, and its headers, go nowhere else. */
  private target(from: URL, response: HttpResponse, op: Op): URL {
    const location = response.headers.location ?? '';
    const to = location !== '' && URL.canParse(location, from.href) ? new URL(location, from) : undefined;
    if (to !== undefined && to.origin === this.service.base.origin) return to;
    const where = to === undefined ? 'nowhere' : to.origin;
    throw this.no(op, `it redirects to ${where}, which is not where it is mounted from`, 'mount that address instead');
  }

  /** Milliseconds to wait, where the service asks for it and there is time. */
  private waitFor({ status, headers }: HttpResponse): number | undefined {
    const asked = headers['retry-after'];
    if ((status !== 429 && status !== 503) || asked === undefined) return undefined;
    const wait = /^\d+$/.test(asked) ? Number(asked) * 1000 : Date.parse(asked) - this.tools.now();
    return wait >= 0 && wait < this.tools.timeout ? wait : undefined;
  }

  private request(op: Op, method: 'GET' | 'PUT' | 'POST' | 'DELETE', url: URL, headers: object, body?: Uint8Array) {
    const { component, allowPrivate } = this.service;
    return send({
      component,
      method,
      url,
      allowPrivate,
      headers: { ...headers, ...this.service.headers },
      timeout: this.tools.timeout,
      signal: op.signal,
      onSent: () => void op.meter.spend(this.tools.price),
      ...(body !== undefined && { body }),
    });
  }

  /** Whether nothing was changed since the asking: the answer is what the service has now, as far as is known here. */
  private holds({ generation }: Asking): boolean {
    return generation === this.cache.generation;
  }

  private keep(asking: Asking, answer: Answer): Answer {
    if (!this.holds(asking)) return answer;
    const { ttl, now } = this.tools;
    const length = 'fetched' in answer ? ttl : Math.min(ttl, NEGATIVE_MS);
    if (length > 0)
      this.cache.put(asking.key, answer, 'fetched' in answer ? answer.fetched.body.length : 256, now() + length);
    return answer;
  }

  private forgetAt(rest: string): void {
    const plain = rest.replace(/\?.*$/, '');
    const parent = plain.slice(0, Math.max(0, plain.lastIndexOf('/')));
    const hit = (key: string): boolean => key === plain || key === parent || key.startsWith(`${plain}/`);
    this.cache.forgetIf(key => hit(key.replace(/\?.*$/, '')));
  }

  private no(op: Op, why: string, remedy: string): AosError {
    return new AosError('upstream', { component: this.service.component, path: op.path, why, remedy });
  }
}

/** As a path with a query, so that it is forgotten with `rest`. Two slashes are in no path. */
function keyOf(rest: string, link: string | undefined): string {
  return link === undefined ? rest : `${rest}?${link}`;
}

function opened(answer: Answer): Fetched {
  if ('fetched' in answer) return answer.fetched;
  throw answer.error;
}

function fetchedOf({ body, headers }: HttpResponse, url: URL, base: URL): Fetched {
  const modified = Date.parse(headers['last-modified'] ?? '');
  return {
    body,
    type: headers['content-type'] ?? '',
    etag: headers.etag,
    modified: Number.isNaN(modified) ? undefined : modified,
    next: nextLink(headers.link ?? '', url, base),
  };
}

/** True when the time is over; false when the caller gave up before. */
function pause(length: number, signal: AbortSignal): Promise<boolean> {
  return new Promise(resolve => {
    const end = (whole: boolean): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      resolve(whole);
    };
    const stop = (): void => end(false);
    const timer = setTimeout(() => end(true), length);
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
  });
}
