/** The operations of fuse-native, by path. Its paths begin at the mount: `/agents`. */

import { ERRNO } from '../../core/errors.ts';
import { then } from '../../core/maybe.ts';
import { parsePath, ROOT } from '../../core/path.ts';
import type { Caller, DoorApi, Handle, Maybe, OpenHow, Path, Stat } from '../../core/types.ts';
import { makeCaller } from '../identity.ts';
import { WireError } from './errno.ts';
import { Table } from './handles.ts';
import { howOf } from './how.ts';
import { pathHash } from './ino.ts';
import { S } from './wire.ts';

/** What the package calls back with: an errno below 0 or a result, then what the operation gives. */
type Done = (result: number, value?: unknown) => void;
export type NativeOperations = Readonly<Record<string, (...args: never[]) => void>>;

/** Performs `value` and calls exactly one of the two. */
export type Settle = <T>(
  value: () => Maybe<T>,
  done: { ok(value: T): void; failed(errno: number): void },
  name: string,
) => void;

const BOTH: OpenHow = { read: true, write: true, append: false, truncate: false };
const BLOCK = 4096;

export function nativeOperations(api: DoorApi, settle: Settle): NativeOperations {
  const { aos } = api;
  const handles = new Table<Handle>();
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  const caller = (): Caller =>
    makeCaller({ uid, gid, tid: process.pid, door: 'kernel', authority: api.authorityOf(uid) });
  const at = (path: string): Path => (path === '/' ? ROOT : parsePath(`${ROOT}${path}`));
  const opened = (fd: number): Handle => {
    const handle = handles.get(fd);
    if (handle === undefined) throw new WireError(ERRNO.EBADF, `file handle ${fd} is not open`);
    return handle;
  };
  /** Answers with nothing but success. */
  const run = (name: string, done: Done, act: () => Maybe<unknown>): void =>
    settle(act, { ok: () => done(0), failed: done }, name);
  /** Answers with a value. */
  const give = <T>(name: string, done: Done, act: () => Maybe<T>, shape: (value: T) => unknown): void =>
    settle(act, { ok: value => done(0, shape(value)), failed: done }, name);
  /** Answers with a count. */
  const count = (name: string, done: Done, act: () => Maybe<number>): void =>
    settle(act, { ok: done, failed: done }, name);

  return {
    getattr: (path: string, done: Done) =>
      give(
        'getattr',
        done,
        () => aos.stat(caller(), at(path)),
        stat => shapeOf(at(path), stat),
      ),
    statfs: (_path: string, done: Done) => give('statfs', done, () => aos.space(caller(), ROOT), spaceOf),
    readdir: (path: string, done: Done) =>
      give(
        'readdir',
        done,
        () => aos.list(caller(), at(path)),
        entries => ['.', '..', ...entries.map(entry => entry.name)],
      ),
    readlink: (path: string, done: Done) =>
      give(
        'readlink',
        done,
        () => aos.stat(caller(), at(path)),
        stat => stat.target ?? '',
      ),
    open: (path: string, flags: number, done: Done) =>
      give(
        'open',
        done,
        () => aos.open(caller(), at(path), howOf(flags)),
        handle => handles.add(handle),
      ),
    create: (path: string, mode: number, done: Done) =>
      give(
        'create',
        done,
        () => aos.create(caller(), at(path), mode & 0o7777, BOTH),
        handle => handles.add(handle),
      ),
    read: (_path: string, fd: number, into: Buffer, length: number, position: number, done: Done) =>
      count('read', done, () =>
        then(opened(fd).read(position, length), data => {
          into.set(data.subarray(0, length));
          return Math.min(data.length, length);
        }),
      ),
    write: (_path: string, fd: number, data: Buffer, length: number, position: number, done: Done) =>
      // The buffer is the library's and is used again.
      count('write', done, () => opened(fd).write(position, Buffer.from(data.subarray(0, length)))),
    flush: (_path: string, fd: number, done: Done) => run('flush', done, () => opened(fd).flush()),
    fsync: (_path: string, _dataOnly: number, fd: number, done: Done) => run('fsync', done, () => opened(fd).sync()),
    release: (_path: string, fd: number, done: Done) => run('release', done, () => handles.remove(fd)?.close()),
    truncate: (path: string, size: number, done: Done) =>
      run('truncate', done, () => aos.truncate(caller(), at(path), size)),
    ftruncate: (_path: string, fd: number, size: number, done: Done) =>
      run('ftruncate', done, () => opened(fd).truncate(size)),
    utimens: (path: string, atime: number, mtime: number, done: Done) =>
      run('utimens', done, () => aos.change(caller(), at(path), { atime, mtime })),
    chmod: (path: string, mode: number, done: Done) =>
      run('chmod', done, () => aos.change(caller(), at(path), { mode: mode & 0o7777 })),
    chown: (path: string, owner: number, group: number, done: Done) =>
      run('chown', done, () => aos.change(caller(), at(path), ownerOf(owner, group))),
    mknod: (path: string, mode: number, _device: number, done: Done) =>
      run('mknod', done, () => {
        if ((mode & S.IFMT) !== S.IFREG) throw new WireError(ERRNO.EPERM, 'the tree has no devices, pipes or sockets');
        return then(aos.create(caller(), at(path), mode & 0o7777, BOTH), handle => handle.close());
      }),
    mkdir: (path: string, mode: number, done: Done) =>
      run('mkdir', done, () => aos.makeDir(caller(), at(path), mode & 0o7777)),
    unlink: (path: string, done: Done) => run('unlink', done, () => aos.remove(caller(), at(path))),
    rmdir: (path: string, done: Done) => run('rmdir', done, () => aos.removeDir(caller(), at(path))),
    rename: (from: string, to: string, done: Done) =>
      run('rename', done, () => aos.rename(caller(), at(from), at(to), { noReplace: false, exchange: false })),
    link: (from: string, to: string, done: Done) =>
      run('link', done, () => aos.makeHardLink(caller(), at(to), at(from))),
    symlink: (target: string, path: string, done: Done) =>
      run('symlink', done, () => aos.makeLink(caller(), at(path), target)),
    getxattr: (path: string, name: string, _position: number, done: Done) =>
      give(
        'getxattr',
        done,
        () => aos.getXattr(caller(), at(path), name),
        value => value && Buffer.from(value),
      ),
    listxattr: (path: string, done: Done) =>
      give(
        'listxattr',
        done,
        () => aos.listXattrs(caller(), at(path)),
        names => names,
      ),
    setxattr: (path: string, name: string, value: Buffer, _position: number, _flags: number, done: Done) =>
      run('setxattr', done, () => aos.setXattr(caller(), at(path), name, Buffer.from(value))),
    removexattr: (path: string, name: string, done: Done) =>
      run('removexattr', done, () => aos.removeXattr(caller(), at(path), name)),
  };
}

/** chown(2) says -1 for what should stay. */
function ownerOf(uid: number, gid: number): { uid?: number; gid?: number } {
  const kept = 0xffff_ffff;
  return { ...(uid >>> 0 !== kept && { uid }), ...(gid >>> 0 !== kept && { gid }) };
}

function shapeOf(path: Path, stat: Stat): object {
  const { mode, uid, gid, size, mtime, atime, ctime, nlink, blocks } = stat;
  const ino = stat.ino === 0 ? pathHash(path)[0] : stat.ino;
  return { mode, uid, gid, size, mtime, atime, ctime, nlink, ino, blksize: BLOCK, blocks };
}

function spaceOf(space: { blocks: number; free: number; files: number; filesFree: number }): object {
  const { blocks, free, files, filesFree } = space;
  return {
    bsize: BLOCK,
    frsize: BLOCK,
    blocks,
    bfree: free,
    bavail: free,
    files,
    ffree: filesFree,
    favail: filesFree,
    namemax: 255,
  };
}
