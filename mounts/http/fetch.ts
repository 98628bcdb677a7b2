/**
 * Asks the service, and remembers. Every request that goes out was reserved for and is paid: a second one for the same
 * operation (a redirect, a repetition after Retry-After) passes the gate again as an operation of its own.
 */

import {
  AosError,
  addressBelow,
  Cache,
  type CacheState,
  type Caller,
  contentType,
  failureOf,
  type HttpResponse,
  isPromise,
  type Maybe,
  type Micros,
  type MountTools,
  type Op,
  send,
} from '../../plugin-sdk/index.ts';

export interface Service {
  readonly component: string;
  readonly base: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly allowPrivate: boolean;
}

/** What a GET gave. */
export interface Page {
  readonly body: Buffer;
  readonly type: string;
  readonly etag: string | undefined;
  readonly modified: number | undefined;
}

/** A page, or the error that stands for it. */
type Answer = { readonly page: Page } | { readonly error: AosError };

/** A missing name is believed this long. */
const NEGATIVE_MS = 5000;
/** Redirects and repetitions of one operation, together. */
const MORE_MAX = 4;

/** One operation's further request: where to, how many there were, and where its answer is left. */
interface More {
  readonly url: URL;
  readonly count: number;
  answer: Answer | undefined;
}

export class Fetcher {
  private readonly service: Service;
  private readonly tools: MountTools;
  private readonly cache = new Cache<Answer>();
  /** Further requests on their way through the gate, by the caller made for each. */
  private readonly more = new WeakMap<Caller, More>();

  constructor(service: Service, tools: MountTools) {
    this.service = service;
    this.tools = tools;
  }

  /** What a GET of `rest` costs now: nothing where the cache answers. Pure. */
  price(rest: string): Micros {
    return this.cache.fresh(rest, this.tools.now()) === undefined ? this.tools.price : 0;
  }

  state(): CacheState {
    return this.cache.state();
  }

  forget(): void {
    this.cache.clear();
  }

  known(rest: string): Page | undefined {
    const answer = this.cache.fresh(rest, this.tools.now());
    return answer !== undefined && 'page' in answer ? answer.page : undefined;
  }

  /** GET. At once where the cache answers. */
  get(rest: string, op: Op): Maybe<Page> {
    const more = this.more.get(op.caller);
    if (more !== undefined) return this.getMore(rest, op, more);
    const now = this.tools.now();
    // What was fresh when the price was asked may just have expired: nothing was reserved for more.
    const unpaid = op.meter.max < this.tools.price;
    const known = this.cache.take(rest, now) ?? (unpaid ? this.cache.peek(rest) : undefined);
    if (known !== undefined) return opened(known);
    return this.fetch(rest, op, addressBelow(this.service.base, rest), 0).then(opened);
  }

  /** PUT, POST and DELETE. What was known of the path, of what is below it and of its directory is forgotten. */
  async change(method: 'PUT' | 'POST' | 'DELETE', rest: string, op: Op, body?: Uint8Array): Promise<HttpResponse> {
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': contentType(body) };
    try {
      const response = await this.ask(op, method, addressBelow(this.service.base, rest), type, body);
      if (response.status >= 200 && response.status < 300) return response;
      throw failureOf(this.service.component, op.path, response);
    } finally {
      this.forgetAt(rest);
    }
  }

  private async getMore(rest: string, op: Op, more: More): Promise<Page> {
    more.answer = await this.fetch(rest, op, more.url, more.count);
    return opened(more.answer);
  }

  private async fetch(rest: string, op: Op, url: URL, count: number): Promise<Answer> {
    const stale = this.cache.peek(rest);
    const etag = stale !== undefined && 'page' in stale ? stale.page.etag : undefined;
    const known: Record<string, string> = etag === undefined ? {} : { 'if-none-match': etag };
    const response = await this.ask(op, 'GET', url, known);
    const { status } = response;
    if (status === 304 && stale !== undefined) {
      this.cache.renew(rest, this.tools.now() + this.tools.ttl);
      return stale;
    }
    if (status >= 300 && status < 400 && status !== 304) return this.again(op, this.target(url, response, op), count);
    if (status >= 200 && status < 300) return this.keep(rest, { page: pageOf(response) });
    const error = failureOf(this.service.component, op.path, response);
    const wait = count < MORE_MAX ? this.waitFor(response) : undefined;
    if (wait !== undefined && (await pause(wait, op.signal))) return this.again(op, url, count);
    return error.kind === 'not_found' ? this.keep(rest, { error }) : { error };
  }

  /** One more request for the same operation, as an operation of the same caller on the same path. */
  private async again(op: Op, url: URL, count: number): Promise<Answer> {
    if (count >= MORE_MAX) throw this.no(op, 'it sends from one address to the next and back', 'check --base-url');
    const more: More = { url, count: count + 1, answer: undefined };
    const caller = sameAs(op.caller);
    this.more.set(caller, more);
    const read = this.tools.api.aos.read(caller, op.path, { aborted: false, signal: op.signal, abort() {} });
    if (isPromise(read)) await read.catch(error => (more.answer === undefined ? Promise.reject(error) : undefined));
    return more.answer ?? { error: this.no(op, 'it gave no answer', 'try again') };
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

  private ask(op: Op, method: 'GET' | 'PUT' | 'POST' | 'DELETE', url: URL, headers: object, body?: Uint8Array) {
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

  private keep(rest: string, answer: Answer): Answer {
    const { ttl, now } = this.tools;
    const length = 'page' in answer ? ttl : Math.min(ttl, NEGATIVE_MS);
    if (length > 0) this.cache.put(rest, answer, 'page' in answer ? answer.page.body.length : 256, now() + length);
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

function opened(answer: Answer): Page {
  if ('page' in answer) return answer.page;
  throw answer.error;
}

function pageOf({ body, headers }: HttpResponse): Page {
  const modified = Date.parse(headers['last-modified'] ?? '');
  return {
    body,
    type: headers['content-type'] ?? '',
    etag: headers.etag,
    modified: Number.isNaN(modified) ? undefined : modified,
  };
}

/** The same caller under another name, so that its further request can be told from its first. */
function sameAs(caller: Caller): Caller {
  const { uid, gid, door, authority, run, runs, agent, purses } = caller;
  return {
    uid,
    gid,
    door,
    authority,
    ...(run !== undefined && { run }),
    ...(runs !== undefined && { runs }),
    ...(agent !== undefined && { agent }),
    ...(purses !== undefined && { purses }),
    identity: fresh => caller.identity(fresh),
    ancestors: () => caller.ancestors?.() ?? [],
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
