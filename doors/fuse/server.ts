/** One mount's state and the ways to answer. The operations work on it; the session feeds it frames. No device here. */

import { Cancellation } from '../../core/cancel.ts';
import { AosError, ERRNO } from '../../core/errors.ts';
import { isPromise } from '../../core/maybe.ts';
import type { Aos, Caller, Cancel, DoorApi, Handle, Maybe, Path, Stat } from '../../core/types.ts';
import { Callers } from './callers.ts';
import { errnoOf, isForeseen, WireError } from './errno.ts';
import { forgetAll } from './forgetting.ts';
import { type OpenDir, type OpenFile, Table } from './handles.ts';
import { type Inode, Inodes } from './inodes.ts';
import { Notices, type SendLater } from './notices.ts';
import { PENDING_MAX, Pending, PendingTable } from './pending.ts';
import { Reply, type Validity } from './reply.ts';
import type { Request, Ticket } from './request.ts';
import { Endings } from './sharing.ts';
import { Twins } from './twins.ts';
import { OUT_HEADER } from './wire.ts';

/** How frames leave. */
export interface Sink {
  /** Writes the first `length` bytes of the reply buffer, or of `frame`. Gives 0 or the errno. */
  send(frame: Buffer, length: number): number;
  sendLater: SendLater;
}

export interface ServerOptions {
  readonly allowOther: boolean;
}

/** Kept for an hour: what never changes, on a mount that serves one user only. */
const LONG: Validity = { entrySec: 3600, attrSec: 3600 };
/** A name that stays, attributes that do not. */
const NAME: Validity = { entrySec: 3600, attrSec: 0 };
/** A name that may go, attributes that stay as they are while it is there. */
const STILL: Validity = { entrySec: 0, attrSec: 3600 };
/** Asked again at every use. */
const NEVER: Validity = { entrySec: 0, attrSec: 0 };

export class Server {
  readonly api: DoorApi;
  readonly aos: Aos;
  readonly allowOther: boolean;
  readonly request: Request;
  readonly reply: Reply;
  readonly inodes = new Inodes();
  readonly files = new Table<OpenFile>();
  readonly dirs = new Table<OpenDir>();
  readonly notices: Notices;
  readonly twins = new Twins();
  /** Who runs the daemon. */
  readonly owner = process.geteuid?.() ?? 0;
  /** The protocol's minor version, once agreed; 0 before. */
  minor = 0;
  readonly #sink: Sink;
  readonly #callers: Callers;
  readonly #endings: Endings;
  readonly #pending = new PendingTable();

  constructor(api: DoorApi, options: ServerOptions, sink: Sink, request: Request, replyBytes: Buffer) {
    this.api = api;
    this.aos = api.aos;
    this.allowOther = options.allowOther;
    this.request = request;
    this.reply = new Reply(replyBytes);
    this.#sink = sink;
    this.#endings = new Endings(api, () => forgetAll(this));
    this.#callers = new Callers(api, uid => this.#endings.watch(uid));
    this.notices = new Notices(
      frame => sink.send(frame, frame.length),
      (frame, done) => sink.sendLater(frame, done),
    );
  }

  // ------------------------------------------------------------------------------------------------ what a request names

  caller(): Caller {
    const { uid, gid, pid } = this.request;
    return this.#callers.get(uid, gid, pid);
  }

  cancel(): Cancel {
    return new Cancellation();
  }

  /** The inode a request speaks of. Throws ESTALE where it is not known. */
  inode(id = this.request.nodeid): Inode {
    const inode = this.inodes.get(id);
    if (inode === undefined) throw new WireError(ERRNO.ESTALE, `nodeid ${id} is not known`);
    return inode;
  }

  /** A name in a directory, as a path. Reuses the text of a known child. */
  pathOf(parent: Inode, name: string): Path {
    if (!parent.linked) throw gone(parent.path);
    const child = parent.children?.get(name);
    if (child !== undefined && child.parent === parent && child.name === name) return child.path;
    // The name was checked as it was read, the parent's path when it was made.
    return `${parent.path}/${name}` as Path;
  }

  /** The path of an inode. Throws ENOENT where its name is gone: the path may be another file's by now. */
  path(inode: Inode): Path {
    if (!inode.linked) throw gone(inode.path);
    return inode.path;
  }

  file(fh: number): OpenFile {
    const file = this.files.get(fh);
    if (file === undefined) throw new WireError(ERRNO.EBADF, `file handle ${fh} is not open`);
    return file;
  }

  dir(fh: number): OpenDir {
    const dir = this.dirs.get(fh);
    if (dir === undefined) throw new WireError(ERRNO.EBADF, `directory handle ${fh} is not open`);
    return dir;
  }

  // -------------------------------------------------------------------------------------------------------------- answers

  /** Writes the reply buffer. False where the kernel no longer wants it: the request was aborted. */
  send(length: number): boolean {
    const errno = this.#sink.send(this.reply.bytes, length);
    if (errno === 0) return true;
    if (errno === ERRNO.EINVAL) {
      this.api.log.error(
        { bytes: length },
        'kernel door: the kernel refused a reply as malformed; answered EIO instead',
      );
      this.reply.u32(0, OUT_HEADER);
      this.reply.u32(4, -ERRNO.EIO >>> 0);
      this.#sink.send(this.reply.bytes, OUT_HEADER);
    }
    return false;
  }

  ok(ticket: Ticket): void {
    this.send(this.reply.header(ticket, OUT_HEADER));
  }

  refuse(ticket: Ticket, errno: number): void {
    this.send(this.reply.header(ticket, OUT_HEADER, errno));
  }

  /** Answers with what was thrown. What nobody foresaw is logged. */
  fail(ticket: Ticket, thrown: unknown): void {
    if (!isForeseen(thrown)) {
      this.api.log.error({ err: thrown }, `kernel door: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    }
    this.refuse(ticket, errnoOf(thrown));
  }

  /** Tells of a name that was refused before there was a path, where its directory is known. */
  refusedName(error: AosError): void {
    const dir = this.inodes.get(this.request.nodeid);
    if (dir !== undefined) this.api.refused(this.caller(), dir.path, error);
  }

  /** struct fuse_entry_out for `inode`, counted as looked up where the kernel took it. */
  entry(ticket: Ticket, inode: Inode, stat: Stat): void {
    inode.lookups++;
    const end = this.reply.entry(OUT_HEADER, inode, stat, this.validity(inode, stat));
    if (!this.send(this.reply.header(ticket, end))) this.inodes.forget(inode, 1);
  }

  /** How long the kernel may believe `stat`. Marks the inode where that is beyond the moment. */
  validity(inode: Inode, stat: Stat): Validity {
    if (!this.allowOther) {
      if (stat.fixed) {
        inode.kept = true;
        return LONG;
      }
      if (stat.anchored || stat.still) {
        inode.kept = true;
        if (!stat.still) return NAME;
        return stat.anchored ? LONG : STILL;
      }
    }
    return NEVER;
  }

  /** As `validity`, for attributes that were asked for without a name. */
  attrValidity(stat: Stat): Validity {
    return (stat.fixed || stat.still) && !this.allowOther ? LONG : NEVER;
  }

  // --------------------------------------------------------------------------------------------------------- later answers

  /**
   * Answers now or when `value` is there. An interrupt answers EINTR instead; `undo` then takes back what came too late, such as an
   * open file.
   */
  finish<T>(
    value: Maybe<T>,
    cancel: Cancel,
    answer: (ticket: Ticket, value: T) => void,
    undo?: (value: T) => void,
  ): void {
    if (isPromise(value)) this.later(value, cancel, answer, undo);
    else answer(this.request, value);
  }

  later<T>(
    promise: Promise<T>,
    cancel: Cancel,
    answer: (ticket: Ticket, value: T) => void,
    undo?: (value: T) => void,
  ): void {
    const pending = new Pending(this.request, cancel);
    if (!this.#pending.add(pending)) {
      this.api.log.warn({ limit: PENDING_MAX }, 'kernel door: too many requests wait for an answer; refused one');
      cancel.abort();
      promise.then(undo, () => {});
      this.refuse(pending, ERRNO.EAGAIN);
      return;
    }
    promise.then(
      value => {
        if (this.#pending.settle(pending)) this.#answerLate(pending, value, answer);
        else undo?.(value);
      },
      error => {
        if (this.#pending.settle(pending)) this.fail(pending, error);
      },
    );
  }

  #answerLate<T>(pending: Pending, value: T, answer: (ticket: Ticket, value: T) => void): void {
    try {
      answer(pending, value);
    } catch (error) {
      this.fail(pending, error);
    }
  }

  /** FUSE_INTERRUPT for request `unique`. */
  interrupt(lo: number, hi: number): void {
    const pending = this.#pending.interrupt(lo, hi);
    if (pending !== undefined) this.refuse(pending, ERRNO.EINTR);
  }

  get waiting(): number {
    return this.#pending.size;
  }

  /** Closes a handle. What it says is for the log: nobody waits for it. */
  shut(handle: Handle): void {
    try {
      handle.close();
    } catch (error) {
      this.api.log.error({ err: error, path: handle.path }, 'kernel door: closing a file failed');
    }
  }

  /** Somebody may do less than before. */
  narrowed(): void {
    forgetAll(this);
    this.#endings.look();
  }

  /** The mount is gone: aborts what waits and closes what is open. */
  close(): void {
    this.#endings.close();
    this.notices.close();
    this.#pending.clear();
    for (const file of this.files.drain()) this.shut(file.handle);
    this.dirs.drain();
  }
}

function gone(path: Path): AosError {
  return new AosError('not_found', {
    component: 'kernel door',
    path,
    why: 'it was removed',
    remedy: 'open it by another name',
  });
}
