/** The other baseline: npm fuse-native serving the constants of reference.c. `node native.ts MOUNTPOINT ENTRIES ATTR_SECONDS`. */

import { createRequire } from 'node:module';

type Done<T extends unknown[]> = (code: number, ...result: T) => void;

interface Attr {
  readonly mode: number;
  readonly size: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: Date;
  readonly atime: Date;
  readonly ctime: Date;
}

/** The part of fuse-native's interface that is used here; the package carries no types. */
interface NativeFuse {
  new (mountpoint: string, operations: object, options: object): { mount(done: (error?: Error) => void): void };
  readonly ENOENT: number;
}

const [mountpoint, count, attrTimeout] = process.argv.slice(2);
if (mountpoint === undefined || count === undefined || attrTimeout === undefined) {
  process.stderr.write('native: usage: node native.ts MOUNTPOINT ENTRIES ATTR_SECONDS\n');
  process.exit(2);
}

const Fuse: NativeFuse = createRequire(import.meta.url)('fuse-native');
const body = Buffer.from('0.23\n');
const names = Array.from({ length: Number(count) }, (_, i) => `file${i}`);
const file = attr(0o100444, body.length, 1);
const dir = attr(0o40755, 0, 2);
const known = new Map<string, Attr>([
  ['/', dir],
  ['/dir', dir],
  ['/value', file],
]);
for (const name of names) known.set(`/dir/${name}`, file);

const operations = {
  getattr(path: string, done: Done<[Attr?]>): void {
    const found = known.get(path);
    if (found === undefined) done(Fuse.ENOENT);
    else done(0, found);
  },
  open(_path: string, _flags: number, done: Done<[number]>): void {
    done(0, 1);
  },
  read(
    _path: string,
    _fd: number,
    buffer: Buffer,
    length: number,
    offset: number,
    done: (bytes: number) => void,
  ): void {
    done(body.copy(buffer, 0, offset, Math.min(body.length, offset + length)));
  },
  readdir(path: string, done: Done<[string[], Attr[]?]>): void {
    if (path === '/dir')
      done(
        0,
        names,
        names.map(() => file),
      );
    else done(0, ['value', 'dir']);
  },
};

function attr(mode: number, size: number, nlink: number): Attr {
  const at = new Date(0);
  return { mode, size, nlink, uid: 0, gid: 0, mtime: at, atime: at, ctime: at };
}

// A timeout of 0 would be taken for "not given", so it is text. The package has no switch for direct I/O, but hands its
// options to libfuse as one comma-separated list, and so one of them can bring it along.
const options = { entryTimeout: '0', attrTimeout, fsname: 'native,direct_io', force: true };
new Fuse(mountpoint, operations, options).mount(error => {
  if (error === undefined || error === null) return;
  process.stderr.write(`native: ${mountpoint}: ${error.message}\n`);
  process.exit(1);
});
