/** The tree as a shell uses it: each request is performed under one caller, links followed, errors kept apart from answers. */

import { AosError, asAosError } from '../../core/errors.ts';
import { follow } from '../../core/follow.ts';
import { then } from '../../core/maybe.ts';
import { parsePath } from '../../core/path.ts';
import type { Aos, Caller, Cancel, Handle, Maybe, OpenHow, Path } from '../../core/types.ts';
import { READ, writeAll } from '../../core/whole.ts';
import { SHELL_LIMITS } from './limits.ts';
import type { TreeCall, TreeFailure, TreeReply, TreeStat } from './protocol.ts';

export const COMPONENT = 'shell door';
const PIECE_BYTES = 256 * 1024;
const ASK: OpenHow = { read: true, write: true, append: false, truncate: true };

/** One session's view of the tree. */
export class ShellTree {
  private readonly aos: Aos;
  private readonly caller: Caller;
  private readonly fileBytes: number;
  private readonly open = new Map<number, { handle: Handle; at: number }>();
  /** Being opened. */
  private opening = 0;
  private over = false;
  private next = 1;

  /** `fileBytes` bounds what one read may give. */
  constructor(aos: Aos, caller: Caller, fileBytes: number) {
    this.aos = aos;
    this.caller = caller;
    this.fileBytes = fileBytes;
  }

  /** Throws (or rejects with) what the tree says. */
  perform(call: TreeCall, cancel: Cancel): Maybe<TreeReply[TreeCall['op']]> {
    const { aos, caller } = this;
    if (call.op === 'put') return this.put(call.handle, call.body, cancel);
    if (call.op === 'close') return this.close(call.handle, cancel);
    const path = parsePath(call.path);
    switch (call.op) {
      case 'stat':
        return then(this.real(path, call.follow, cancel), real => this.stat(real, cancel));
      case 'realpath':
        return then(this.real(path, true, cancel), real => then(aos.stat(caller, real, cancel), () => real));
      case 'list':
        return then(this.real(path, true, cancel), real => aos.list(caller, real, cancel));
      case 'read':
        return this.read(path, cancel);
      case 'write':
        return this.write(path, call.body, call.append, cancel);
      case 'open':
        return this.openWriter(path, call.append, cancel);
      case 'ask':
        return this.ask(path, call.request, cancel);
      case 'mkdir':
        return this.named(path, cancel, at => aos.makeDir(caller, at, 0o777 & ~process.umask(), cancel));
      case 'remove':
        return this.named(path, cancel, at =>
          call.dir ? aos.removeDir(caller, at, cancel) : aos.remove(caller, at, cancel),
        );
      case 'rename':
        return this.rename(path, parsePath(call.to), cancel);
      case 'symlink':
        return this.named(path, cancel, at => aos.makeLink(caller, at, call.target, cancel));
      case 'link':
        return this.link(path, parsePath(call.from), cancel);
      case 'change':
        return then(this.real(path, true, cancel), at => nothing(aos.change(caller, at, call.change, cancel)));
    }
  }

  /** Gives up every open handle: what was not committed is not. */
  end(): void {
    this.over = true;
    for (const { handle } of this.open.values()) handle.abandon();
    this.open.clear();
  }

  private real(path: Path, last: boolean, cancel: Cancel): Maybe<Path> {
    return follow(this.aos, this.caller, path, last, cancel);
  }

  /** On the name itself: a link at its end is not followed. */
  private named(path: Path, cancel: Cancel, act: (at: Path) => Maybe<void>): Maybe<undefined> {
    return then(this.real(path, false, cancel), at => nothing(act(at)));
  }

  private stat(path: Path, cancel: Cancel): Maybe<TreeStat> {
    return then(this.aos.stat(this.caller, path, cancel), ({ kind, mode, size, mtime, ino, target }) => ({
      kind,
      mode,
      size,
      mtime,
      identity: ino === 0 ? path : `${path.split('/', 3).join('/')}#${ino}`,
      ...(target !== undefined && { target }),
    }));
  }

  private async read(path: Path, cancel: Cancel): Promise<Uint8Array> {
    const handle = await this.aos.open(this.caller, await this.real(path, true, cancel), READ, cancel);
    try {
      return await this.readAll(handle, cancel);
    } finally {
      handle.close();
    }
  }

  private async readAll(handle: Handle, cancel: Cancel): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let size = 0;
    for (;;) {
      // A handle may reuse what it gives for its next read.
      const part = Uint8Array.from(await handle.read(size, PIECE_BYTES, cancel));
      if (part.length === 0) return Buffer.concat(parts, size);
      parts.push(part);
      size += part.length;
      if (size > this.fileBytes) {
        throw new AosError('too_large', {
          component: COMPONENT,
          path: handle.path,
          why: `the shell reads at most ${this.fileBytes} bytes at once`,
          remedy: 'read it through the mount, or with `aos cat`',
        });
      }
    }
  }

  private async write(path: Path, body: Uint8Array, append: boolean, cancel: Cancel): Promise<undefined> {
    const id = await this.openWriter(path, append, cancel);
    try {
      await this.put(id, body, cancel);
    } catch (thrown) {
      this.open.get(id)?.handle.abandon();
      this.open.delete(id);
      throw thrown;
    }
    return this.close(id, cancel);
  }

  private async openWriter(path: Path, append: boolean, cancel: Cancel): Promise<number> {
    if (this.open.size + this.opening >= SHELL_LIMITS.open_files_max) throw tooMany(path);
    const how: OpenHow = { read: false, write: true, append, truncate: !append };
    this.opening++;
    try {
      const real = await this.real(path, true, cancel);
      const handle = await this.aos.openOrCreate(this.caller, real, 0o666 & ~process.umask(), how, cancel);
      if (this.over) {
        handle.abandon();
        throw notOpen();
      }
      const id = this.next++;
      this.open.set(id, { handle, at: append ? await sizeOf(handle) : 0 });
      return id;
    } finally {
      this.opening--;
    }
  }

  private async put(id: number, body: Uint8Array, cancel: Cancel): Promise<undefined> {
    const open = this.opened(id);
    if (body.length > 0) await writeAll(open.handle, body, cancel, open.at);
    open.at += body.length;
    return undefined;
  }

  private async close(id: number, cancel: Cancel): Promise<undefined> {
    const { handle } = this.opened(id);
    this.open.delete(id);
    try {
      await handle.flush(cancel, true);
    } finally {
      handle.close();
    }
    return undefined;
  }

  private opened(id: number): { handle: Handle; at: number } {
    const open = this.open.get(id);
    if (open === undefined) throw notOpen();
    return open;
  }

  private async ask(path: Path, request: Uint8Array, cancel: Cancel): Promise<Uint8Array> {
    const handle = await this.aos.open(this.caller, await this.real(path, true, cancel), ASK, cancel);
    try {
      if (handle.kind !== 'call') {
        throw new AosError('unsupported', {
          component: COMPONENT,
          path,
          why: 'it gives no replies',
          remedy: 'read or write it instead',
        });
      }
      await handle.write(0, request, cancel);
      return await this.readAll(handle, cancel);
    } finally {
      handle.close();
    }
  }

  private async rename(from: Path, to: Path, cancel: Cancel): Promise<undefined> {
    const [source, target] = [await this.real(from, false, cancel), await this.real(to, false, cancel)];
    await this.aos.rename(this.caller, source, target, { noReplace: false, exchange: false }, cancel);
    return undefined;
  }

  private async link(path: Path, from: Path, cancel: Cancel): Promise<undefined> {
    const [at, source] = [await this.real(path, false, cancel), await this.real(from, false, cancel)];
    await this.aos.makeHardLink(this.caller, at, source, cancel);
    return undefined;
  }
}

function notOpen(): AosError {
  return new AosError('io', { component: COMPONENT, why: 'the file is not open any more' });
}

function tooMany(path: Path): AosError {
  return new AosError('too_many', {
    component: COMPONENT,
    path,
    why: `the script has ${SHELL_LIMITS.open_files_max} files open for writing already`,
    remedy: 'redirect each command on its own, COMMAND > FILE, which closes the file with the command',
  });
}

/** What a refusal is to the shell. */
export function failureOf(thrown: unknown, call: TreeCall): TreeFailure {
  const error = asAosError(thrown, COMPONENT, 'path' in call ? call.path : undefined);
  // A missing file needs no more words, unless a plugin knows what was meant.
  const telling = error.kind !== 'not_found' || error.component !== 'core';
  return { errno: error.errno, reason: error.message, telling };
}

async function sizeOf(handle: Handle): Promise<number> {
  return handle.seekable ? (await handle.stat()).size : 0;
}

function nothing(done: Maybe<void>): Maybe<undefined> {
  return then(done, () => undefined);
}
