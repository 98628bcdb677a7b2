/** /aos/mnt/NAME/PATH: GET base/PATH as a file; with --writable PUT, POST (to `new`) and, if allowed, DELETE. */

import {
  AosError,
  type AttrChange,
  asAosError,
  type DirNode,
  defineMount,
  type Entry,
  flag,
  isPrivateLiteral,
  type Maybe,
  type MessageNode,
  type Micros,
  type MountTools,
  type MountType,
  type Node,
  type Op,
  PAGE_MAX,
  type Page,
  page,
  type Served,
  secrets,
  text,
  then,
  url,
  usd,
  type ValueNode,
  type Verb,
} from '../../plugin-sdk/index.ts';
import { type Fetched, Fetcher, REQUESTS_MAX } from './fetch.ts';
import { type Listed, unlisted } from './listing.ts';
import { cursorOf, type Place, placeOf } from './place.ts';
import { Presence } from './presence.ts';
import { Shapes } from './shapes.ts';

const PRICE = usd(0.001);
/** A name of RFC 9110, a colon, and a value in one line. */
const HEADER = /^[!#$%&'*+.^_`|~\w-]+:[^\r\n\0]+$/;
/** What stat says of a file that can be written. */
const FILE_MODE = 0o644;
/** Where the service takes new things, in any directory of a writable mount. */
const NEW = 'new';

export const httpMount: MountType = defineMount({
  name: 'http',
  help: 'A web service: cat PATH is GET base/PATH.',
  notes: `cat PATH            GET base/PATH, once for each open; a query is part of the name: 'items?x=1'
ls PATH             the same GET, where it gives a JSON array or an index page; else ENOTDIR
echo ... > PATH     PUT        with --writable
echo ... > DIR/new  POST DIR   with --writable
rm PATH             DELETE     with --writable --allow-delete

A path may be a file and a directory at once: cat reads it, ls lists it, echo > writes it, and a longer path goes on below it.
stat calls it a directory unless it was listed as a file, has an extension or a query, or was read or written in a writable
mount, and rm(1), which looks first, removes only what stat calls a file (aos rm always can). What is not there is made by
writing or touching it. Looking at a name (stat, ls of a listed directory) asks nobody and costs nothing.
Names that begin with a dot do not exist. A redirect within the base's origin is followed, 429 and 503 are tried again when
Retry-After leaves time; each further request is paid for like the first.`,
  options: {
    baseUrl: url('Where the service is; paths come after it.'),
    header: secrets('A header to send, such as "Authorization: Bearer TOKEN"; once for each.', HEADER, 'name:value'),
    allowPrivate: flag('Allow loopback and private addresses.'),
    dirs: text('Directories by name, such as repos,repos/* (* is any name).', { optional: true }),
  },
  cost: { list: PRICE, read: PRICE, write: PRICE, remove: PRICE },
  // Each request has the timeout, and so has each wait before one is repeated.
  patience: 2 * REQUESTS_MAX,
  open({ baseUrl, header, allowPrivate, dirs }, tools): Served {
    refusePrivate(new URL(baseUrl), allowPrivate);
    const service = { component: 'http', base: new URL(baseUrl), headers: headersOf(header), allowPrivate };
    const mount = new HttpMount(new Fetcher(service, tools), new Shapes(dirs ?? ''), tools);
    return {
      tree: { node: (rest, op) => mount.node(rest, op) },
      price: (verb, rest, request) => mount.price(verb, rest, request),
      local: (_rest, verb) => verb === 'stat',
      fixed: mount.fixed(),
      cache: () => mount.cacheState(),
    };
  },
});

/** A name is looked up when it is used; a number is known now. */
function refusePrivate({ hostname }: URL, allowed: boolean): void {
  if (allowed || !isPrivateLiteral(hostname)) return;
  throw new AosError('not_permitted', {
    component: 'http',
    why: `${hostname} is a loopback or private address`,
    remedy: 'add --allow-private if that is meant',
  });
}

function headersOf(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map(line => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}

class HttpMount {
  private readonly fetcher: Fetcher;
  private readonly shapes: Shapes;
  private readonly tools: MountTools;
  private readonly presence = new Presence();

  constructor(fetcher: Fetcher, shapes: Shapes, tools: MountTools) {
    this.fetcher = fetcher;
    this.shapes = shapes;
    this.tools = tools;
  }

  /** Known without asking. */
  fixed(): Entry[] {
    const dirs = this.shapes.top().map((name): Entry => ({ name, kind: 'dir' }));
    return this.tools.writable ? [{ name: NEW, kind: 'message' }, ...dirs] : dirs;
  }

  cacheState(): Readonly<Record<string, unknown>> {
    return { ttl: `${this.tools.ttl / 1000}s`, ...this.fetcher.state() };
  }

  price(verb: Verb, rest: string, request: unknown): Micros {
    const { price, writable, allowDelete } = this.tools;
    switch (verb) {
      case 'read':
        return this.fetcher.price(rest);
      case 'list':
        return this.fetcher.price(rest, placeOf(typeof request === 'string' ? request : undefined).link);
      case 'write':
        return writable ? price : 0;
      case 'remove':
        return writable && allowDelete ? price : 0;
      default:
        return 0;
    }
  }

  /** A path may be both a file and a directory to the service: what is done with it decides, and for `stat` what is known. */
  node(rest: string, op: Op): Node | undefined {
    if (hasHidden(rest)) return undefined;
    switch (op.verb) {
      case 'create':
      case 'remove':
      case 'list':
        return this.dir(rest);
      default:
        if (rest === '') return this.dir(rest);
        if (this.isNew(rest)) return this.message(rest);
        if (op.verb === 'stat') return this.presence.isRemoved(rest, this.tools.now()) ? undefined : this.looked(rest);
        // What was removed is made again: a file from now on, though only its close sends it.
        if (op.verb === 'write' && this.presence.expect(rest)) this.shapes.learn(rest, false);
        return this.file(rest);
    }
  }

  private isNew(rest: string): boolean {
    return this.tools.writable && (rest === NEW || rest.endsWith(`/${NEW}`));
  }

  /** What is not known to be a file is a directory that can be opened as a file: the service says which, when it is asked. */
  private looked(rest: string): Node {
    if (this.shapes.isFile(rest)) return this.file(rest);
    return { ...this.dir(rest), attr: { opens: true, mode: this.tools.writable ? 0o755 : 0o555 } };
  }

  private dir(rest: string): DirNode {
    return {
      kind: 'dir',
      list: (op, cursor) => {
        const place = placeOf(cursor);
        return then(this.fetcher.get(rest, op, place.link), fetched => this.page(rest, fetched, op, place));
      },
      remove: (op, name) => {
        const path = rest === '' ? name : `${rest}/${name}`;
        return this.remove(path, op);
      },
    };
  }

  private page(rest: string, fetched: Fetched, op: Op, { link, at }: Place): Page {
    const own: Entry[] = this.tools.writable && link === undefined && at === 0 ? [{ name: NEW, kind: 'message' }] : [];
    const end = at + PAGE_MAX - own.length;
    const listing = this.fetcher.listing(fetched, rest, link);
    if (typeof listing === 'string') throw unlisted(listing, op);
    const listed = listing.slice(at, end + 1);
    const shown = listed.slice(0, end - at).map(one => this.entry(rest === '' ? one.name : `${rest}/${one.name}`, one));
    const next = listed.length > end - at ? { link, at: end } : fetched.next && { link: fetched.next, at: 0 };
    return page([...own, ...shown], next && cursorOf(next));
  }

  private entry(path: string, { name, dir }: Listed): Entry {
    this.shapes.learn(path, dir);
    this.presence.learn(path, true);
    return { name, kind: this.shapes.isDir(path) ? 'dir' : 'value' };
  }

  private file(rest: string): ValueNode {
    const modified = this.fetcher.known(rest)?.modified;
    return {
      kind: 'value',
      ...(modified !== undefined && { attr: { mtime: modified } }),
      read: op => (op.verb === 'write' ? this.start(rest, op) : this.read(rest, op)),
      write: (op, body) => this.change('PUT', rest, op, body),
      change: (op, change) => this.touch(rest, op, change),
    };
  }

  private read(rest: string, op: Op): Maybe<Uint8Array> {
    return then(this.fetcher.get(rest, op), fetched => this.body(rest, fetched));
  }

  private body(rest: string, fetched: Fetched): Uint8Array {
    this.shapes.learnBelow(rest);
    this.isThere(rest);
    return fetched.body;
  }

  private isThere(rest: string): void {
    this.presence.learn(rest, true);
    // A name that is to be written or removed has to be a file before it is opened.
    if (this.tools.writable) this.shapes.learn(rest, false);
  }

  /** What is to be written begins as what the service has now, never as what it had; and as nothing where it has nothing. */
  private async start(rest: string, op: Op): Promise<Uint8Array> {
    try {
      return this.body(rest, await this.fetcher.ask(rest, op));
    } catch (error) {
      if (asAosError(error, 'http').kind !== 'not_found') throw error;
      this.presence.learn(rest, false);
      return new Uint8Array(0);
    }
  }

  /** There are no times to be kept. A name that the service does not have comes to be, as touch(1) means it. */
  private touch(rest: string, op: Op, { mode, uid, gid, atime, mtime }: AttrChange): Maybe<void> {
    // That of every file here: mv and cp -p say what it was before.
    const other = mode !== undefined && mode !== FILE_MODE;
    if (other || uid !== undefined || gid !== undefined) {
      const why = 'the service knows no mode and no owner';
      throw new AosError('not_permitted', { component: 'http', path: op.path, why, remedy: 'leave them as they are' });
    }
    const times = atime !== undefined || mtime !== undefined;
    return !times || this.presence.of(rest) === true ? undefined : this.make(rest, op);
  }

  private async make(rest: string, op: Op): Promise<void> {
    // The operation itself pays for the PUT.
    if (this.presence.of(rest) === undefined) await this.tools.again(op, further => this.start(rest, further));
    if (this.presence.of(rest) !== true) await this.change('PUT', rest, op, new Uint8Array(0));
  }

  private message(rest: string): MessageNode {
    const parent = rest === NEW ? '' : rest.slice(0, -NEW.length - 1);
    return {
      kind: 'message',
      limit: 1024 * 1024,
      commit: (op, body) => this.change('POST', parent, op, body),
    };
  }

  private async remove(rest: string, op: Op): Promise<void> {
    try {
      await this.fetcher.change('DELETE', rest, op);
    } catch (error) {
      if (asAosError(error, 'http').kind === 'not_found') this.gone(rest);
      throw error;
    }
    this.gone(rest);
  }

  private gone(rest: string): void {
    this.shapes.forget(rest);
    this.presence.remove(rest, this.tools.now());
  }

  /** The receipt says what the service answered. */
  private change(method: 'PUT' | 'POST', rest: string, op: Op, body: Uint8Array): Maybe<unknown> {
    return then(this.fetcher.change(method, rest, op, body), ({ status, headers, body: said }) => {
      this.shapes.learnBelow(rest);
      if (method === 'PUT') this.isThere(rest);
      return { status, location: headers.location ?? null, body: said.subarray(0, 64 * 1024).toString() };
    });
  }
}

/** Shells and indexers look for hidden names everywhere; none of it is meant for the service, but for the well-known. */
function hasHidden(rest: string): boolean {
  return /(^|\/)\.(?!well-known(\/|$))/.test(rest);
}
