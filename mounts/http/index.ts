/** /aos/mnt/NAME/PATH: GET base/PATH as a file; with --writable PUT, POST (to `new`) and, if allowed, DELETE. */

import {
  AosError,
  type DirNode,
  defineMount,
  type Entry,
  flag,
  type Maybe,
  type MessageNode,
  type Micros,
  type MountTools,
  type MountType,
  type Node,
  type Op,
  type Served,
  secrets,
  text,
  then,
  url,
  usd,
  type ValueNode,
  type Verb,
} from '../../plugin-sdk/index.ts';
import { Fetcher, type Page } from './fetch.ts';
import { listingOf } from './listing.ts';
import { Shapes } from './shapes.ts';

const PRICE = usd(0.001);
/** A name of RFC 9110, a colon, and a value in one line. */
const HEADER = /^[!#$%&'*+.^_`|~\w-]+:[^\r\n\0]+$/;
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

A path may be a file and a directory at once: cat reads it, ls lists it, and a longer path goes on below it. stat calls it a
directory unless it was listed as a file, has an extension or a query, or was read in a writable mount; only what stat calls a
file can be written or removed through the kernel's mount (aos write and aos rm always can). Looking at a name (stat, ls of a listed directory) asks nobody and costs nothing.
Names that begin with a dot do not exist. A redirect within the base's origin is followed, 429 and 503 are tried again when
Retry-After leaves time; each further request is paid for like the first.`,
  options: {
    baseUrl: url('Where the service is; paths come after it.'),
    header: secrets('A header to send, such as "Authorization: Bearer TOKEN"; once for each.', HEADER, 'name:value'),
    allowPrivate: flag('Allow loopback and private addresses.'),
    dirs: text('Directories by name, such as repos,repos/* (* is any name).', { optional: true }),
  },
  cost: { list: PRICE, read: PRICE, write: PRICE, remove: PRICE },
  open({ baseUrl, header, allowPrivate, dirs }, tools): Served {
    const service = { component: 'http', base: new URL(baseUrl), headers: headersOf(header), allowPrivate };
    const mount = new HttpMount(new Fetcher(service, tools), new Shapes(dirs ?? ''), tools);
    return {
      tree: { node: (rest, op) => mount.node(rest, op) },
      price: (verb, rest) => mount.price(verb, rest),
      local: (_rest, verb) => verb === 'stat',
      fixed: mount.fixed(),
      cache: () => mount.cacheState(),
      forget: () => mount.forget(),
    };
  },
});

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

  forget(): void {
    this.fetcher.forget();
  }

  price(verb: Verb, rest: string): Micros {
    const { price, writable, allowDelete } = this.tools;
    switch (verb) {
      case 'read':
      case 'list':
        return this.fetcher.price(rest);
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
        return op.verb === 'stat' ? this.looked(rest) : this.file(rest);
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
      list: op => then(this.fetcher.get(rest, op), page => this.entries(rest, page, op)),
      remove: (op, name) => {
        const path = rest === '' ? name : `${rest}/${name}`;
        return then(this.fetcher.change('DELETE', path, op), () => this.shapes.forget(path));
      },
    };
  }

  private entries(rest: string, page: Page, op: Op): Entry[] {
    const listed = listingOf(page.body, page.type);
    if (listed === undefined) {
      throw new AosError('not_dir', {
        component: 'http',
        path: op.path,
        why: 'the service gives no listing there',
        remedy: `read it: aos cat ${op.path}`,
      });
    }
    const below = rest === '' ? '' : `${rest}/`;
    for (const { name, dir } of listed) this.shapes.learn(below + name, dir);
    const entries = listed.map(
      ({ name }): Entry => ({ name, kind: this.shapes.isDir(below + name) ? 'dir' : 'value' }),
    );
    if (this.tools.writable) entries.push({ name: NEW, kind: 'message' });
    return entries;
  }

  private file(rest: string): ValueNode {
    const modified = this.fetcher.known(rest)?.modified;
    return {
      kind: 'value',
      ...(modified !== undefined && { attr: { mtime: modified } }),
      read: op => then(this.fetcher.get(rest, op), page => this.body(rest, page)),
      write: (op, body) => this.change('PUT', rest, op, body),
    };
  }

  private body(rest: string, page: Page): Uint8Array {
    this.shapes.learnBelow(rest);
    // A name that is to be written has to be a file before it is opened.
    if (this.tools.writable) this.shapes.learn(rest, false);
    return page.body;
  }

  private message(rest: string): MessageNode {
    const parent = rest === NEW ? '' : rest.slice(0, -NEW.length - 1);
    return {
      kind: 'message',
      limit: 1024 * 1024,
      commit: (op, body) => this.change('POST', parent, op, body),
    };
  }

  /** The receipt says what the service answered. */
  private change(method: 'PUT' | 'POST', rest: string, op: Op, body: Uint8Array): Maybe<unknown> {
    return then(this.fetcher.change(method, rest, op, body), ({ status, headers, body: said }) => {
      this.shapes.learnBelow(rest);
      return { status, location: headers.location ?? null, body: said.subarray(0, 64 * 1024).toString() };
    });
  }
}

/** Shells and indexers look for hidden names everywhere; none of it is meant for the service, but for the well-known. */
function hasHidden(rest: string): boolean {
  return /(^|\/)\.(?!well-known(\/|$))/.test(rest);
}
