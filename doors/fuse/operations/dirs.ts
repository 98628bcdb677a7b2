/** Operations on an open directory. */

import { isPromise } from '../../../core/maybe.ts';
import { isWithin, OUTSIDE } from '../../../core/path.ts';
import type { Cancel, Entry, NodeKind, Path, Stat } from '../../../core/types.ts';
import { LookAgain } from '../errno.ts';
import { OpenDir } from '../handles.ts';
import { EntryHash, mixIno, pathHash } from '../ino.ts';
import type { Inode } from '../inodes.ts';
import type { Ticket } from '../request.ts';
import type { Server } from '../server.ts';
import { DIRENT, ENTRY_OUT, FOPEN, IN_HEADER, O, OUT_HEADER } from '../wire.ts';

/** `d_type` of dirent(3). */
const DT_DIR = 4;
const DT_REG = 8;
const DT_LNK = 10;
/** Offsets 0 and 1 are `.` and `..`. */
const DOTS = 2;
/** After a listing that gained nothing from attributes, so many go without before it is tried again. */
const PLAIN_LISTS = 64;

/**
 * FUSE_OPENDIR: flags u32, open_flags u32. Lists at once, so that a refusal is opendir's; not where open(2) does not say that it
 * wants a directory, as grep does to see what it is: a listing from outside may cost money, and is made when it is read.
 */
export function opendir(server: Server): void {
  const { request } = server;
  const inode = server.inode();
  const path = server.path(inode);
  if ((request.u32(IN_HEADER) & O.DIRECTORY) === 0) {
    // Asked again without a look-up: it is `.`, which has no other side.
    if (inode.twofold && !server.twins.wants(request.pid, path)) {
      server.twins.want(request.pid, path);
      throw new LookAgain(`${path} is wanted as a file`);
    }
    server.twins.done(request.pid);
    if (isWithin(path, OUTSIDE)) {
      answerOpendir(server, request, inode, undefined, false);
      return;
    }
  }
  const mayKeep = inode.fixed && !server.allowOther && !isWithin(path, OUTSIDE);
  if (mayKeep && inode.listed) {
    // The kernel has the listing of this same user's; if it dropped it, READDIR asks.
    answerOpendir(server, server.request, inode, undefined, true);
    return;
  }
  const cancel = server.cancel();
  const entries = server.aos.list(server.caller(), path, cancel);
  if (isPromise(entries)) {
    server.later(entries, cancel, (ticket, found) => answerOpendir(server, ticket, inode, found, mayKeep));
  } else answerOpendir(server, server.request, inode, entries, mayKeep);
}

function answerOpendir(
  server: Server,
  ticket: Ticket,
  inode: Inode,
  entries: readonly Entry[] | undefined,
  mayKeep: boolean,
): void {
  const fh = server.dirs.add(new OpenDir(inode, entries));
  inode.opens++;
  if (mayKeep) {
    inode.kept = true;
    inode.listed = true;
  }
  const end = server.reply.open(OUT_HEADER, fh, mayKeep ? FOPEN.CACHE_DIR | FOPEN.KEEP_CACHE : 0);
  if (!server.send(server.reply.header(ticket, end))) letGo(server, fh);
}

/** FUSE_RELEASEDIR: as FUSE_RELEASE. */
export function releasedir(server: Server): void {
  letGo(server, server.request.u64(IN_HEADER));
  server.ok(server.request);
}

function letGo(server: Server, fh: number): void {
  const dir = server.dirs.remove(fh);
  if (dir !== undefined) server.inodes.closed(dir.inode);
}

/** FUSE_FSYNCDIR: as FUSE_FSYNC. What a directory holds is as durable as the calls that changed it. */
export function fsyncdir(server: Server): void {
  server.dir(server.request.u64(IN_HEADER));
  server.ok(server.request);
}

/** FUSE_READDIR: as FUSE_READ. Names only. */
export function readdir(server: Server): void {
  list(server, false);
}

/** FUSE_READDIRPLUS: names with the entries that the kernel may keep; the others would be asked for again at once. */
export function readdirplus(server: Server): void {
  list(server, true);
}

function list(server: Server, plus: boolean): void {
  const { request } = server;
  const dir = server.dir(request.u64(IN_HEADER));
  const offset = request.offset(IN_HEADER + 8);
  const limit = Math.min(OUT_HEADER + request.u32(IN_HEADER + 16), server.reply.bytes.length);
  const rewound = offset === 0 && !dir.fresh;
  if (dir.entries !== undefined && !rewound) {
    fill(server, request, dir, dir.entries, offset, limit, plus);
    return;
  }
  const cancel = server.cancel();
  const entries = server.aos.list(server.caller(), server.path(dir.inode), cancel);
  server.finish(entries, cancel, (ticket, found) => {
    dir.entries = found;
    fill(server, ticket, dir, found, offset, limit, plus);
  });
}

function fill(
  server: Server,
  ticket: Ticket,
  dir: OpenDir,
  entries: readonly Entry[],
  offset: number,
  limit: number,
  plus: boolean,
): void {
  dir.fresh = false;
  const page = new Page(server, dir.inode, limit, plus);
  const count = entries.length + DOTS;
  for (let i = offset; i < count; i++) {
    if (!(i < DOTS ? page.dots(i) : page.add(i, entries[i - DOTS]))) break;
  }
  if (server.send(server.reply.header(ticket, page.at))) page.settle();
  else page.undo();
}

/** One reply to READDIR as it fills. */
class Page {
  at = OUT_HEADER;
  readonly #server: Server;
  readonly #dir: Inode;
  readonly #limit: number;
  readonly #plus: boolean;
  readonly #cancel: Cancel;
  #looking: boolean;
  #looked = false;
  #useful = false;
  readonly #counted: Inode[] = [];
  readonly #hash: EntryHash;

  constructor(server: Server, dir: Inode, limit: number, plus: boolean) {
    this.#server = server;
    this.#dir = dir;
    this.#limit = limit;
    this.#plus = plus;
    this.#cancel = server.cancel();
    this.#hash = new EntryHash(dir.path);
    this.#looking = plus && dir.plainLists === 0 && dir.linked && !isWithin(dir.path, OUTSIDE);
  }

  /** `.` or `..`, which carry no attributes. False when the page is full. */
  dots(index: number): boolean {
    const inode = index === 0 ? this.#dir : (this.#dir.parent ?? this.#dir);
    const [lo, hi] = inode.inoLo === 0 ? pathHash(inode.path) : [inode.inoLo, inode.inoHi];
    return this.#put(index, index === 0 ? '.' : '..', DT_DIR, lo, hi);
  }

  add(index: number, entry: Entry | undefined): boolean {
    if (entry === undefined) return false;
    const { name } = entry;
    if (this.at + (this.#plus ? ENTRY_OUT : 0) + DIRENT + name.length > this.#limit) return false;
    const type = typeOf(entry.kind);
    if (this.#looking) return this.#addLooked(index, name, type);
    const child = this.#dir.children?.get(name);
    if (child !== undefined && child.inoLo !== 0) return this.#put(index, name, type, child.inoLo, child.inoHi);
    this.#hash.take(name);
    return this.#put(index, name, type, this.#hash.lo, this.#hash.hi);
  }

  /** With its attributes, where the kernel may keep them; else at least with its own number. */
  #addLooked(index: number, name: string, type: number): boolean {
    const path = this.#server.pathOf(this.#dir, name);
    const stat = this.#look(path);
    if (stat?.fixed && !this.#server.allowOther) {
      const inode = this.#server.inodes.resolve(this.#dir, name, path, stat);
      return this.#put(index, name, type, inode.inoLo, inode.inoHi, inode, stat);
    }
    const [lo, hi] = stat === undefined || stat.ino === 0 ? pathHash(path) : mixIno(path, stat.ino);
    return this.#put(index, name, type, lo, hi);
  }

  /** The entry's attributes where they are there at once. One that has to wait stops the looking; one that fails is listed bare. */
  #look(path: Path): Stat | undefined {
    this.#looked = true;
    try {
      const stat = this.#server.aos.stat(this.#server.caller(), path, this.#cancel);
      if (!isPromise(stat)) {
        if (stat.fixed || stat.ino !== 0) this.#useful = true;
        return stat;
      }
      this.#looking = false;
      this.#cancel.abort();
      // Nobody waits for it any more, so its failure concerns nobody.
      stat.catch(() => {});
    } catch {
      // Its own user will hear why when asking for it.
    }
    return undefined;
  }

  #put(index: number, name: string, type: number, lo: number, hi: number, inode?: Inode, stat?: Stat): boolean {
    const { reply } = this.#server;
    const at = this.at + (this.#plus ? ENTRY_OUT : 0);
    const end = reply.dirent(at, this.#limit, lo, hi, index + 1, type, name);
    if (end === 0) return false;
    if (inode !== undefined && stat !== undefined) {
      reply.entry(this.at, inode, stat, this.#server.validity(inode, stat));
      inode.lookups++;
      this.#counted.push(inode);
    } else if (this.#plus) {
      // Nodeid 0: no attributes. The kernel looks at nothing else of it.
      reply.u64(this.at, 0);
    }
    this.at = end;
    return true;
  }

  settle(): void {
    if (this.#dir.plainLists > 0 && this.#plus) this.#dir.plainLists--;
    else if (this.#looked && !this.#useful) this.#dir.plainLists = PLAIN_LISTS;
  }

  /** The kernel did not take the page, so it holds none of its entries. */
  undo(): void {
    for (const inode of this.#counted) this.#server.inodes.forget(inode, 1);
  }
}

function typeOf(kind: NodeKind): number {
  if (kind === 'dir') return DT_DIR;
  return kind === 'link' ? DT_LNK : DT_REG;
}
