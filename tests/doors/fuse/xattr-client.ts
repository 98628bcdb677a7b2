/** Tries the system calls for extended attributes on one file and prints what each gave: a result or an errno. */

import { createRequire } from 'node:module';

type Koffi = typeof import('koffi');
// What require gives is the module that the type names.
const koffi = createRequire(import.meta.url)('koffi') as Koffi;
const libc = koffi.load(null);
const get = libc.func('long getxattr(const char *path, const char *name, void *value, size_t size)');
const list = libc.func('long listxattr(const char *path, void *value, size_t size)');
const set = libc.func('int setxattr(const char *path, const char *name, const void *value, size_t size, int flags)');
const remove = libc.func('int removexattr(const char *path, const char *name)');

const file = process.argv[2] ?? '';
const buffer = Buffer.alloc(256);
const errno = (result: number): number => (result < 0 ? koffi.errno() : 0);
const text = (size: number): string => buffer.toString('utf8', 0, size);

const state = text(get(file, 'user.state', buffer, 256));
console.log(
  JSON.stringify({
    state,
    list: text(list(file, buffer, 256)),
    size: get(file, 'user.state', buffer, 0),
    tooSmall: errno(get(file, 'user.state', buffer, 2)),
    missing: errno(get(file, 'user.none', buffer, 256)),
    createAgain: errno(set(file, 'user.state', Buffer.from('x'), 1, 1)),
    replaceMissing: errno(set(file, 'user.none', Buffer.from('x'), 1, 2)),
    security: errno(get(file, 'security.selinux', buffer, 256)),
    acl: errno(get(file, 'system.posix_acl_access', buffer, 256)),
    set: errno(set(file, 'user.new', Buffer.from('x'), 1, 1)),
    removed: errno(remove(file, 'user.new')),
    removedAgain: errno(remove(file, 'user.new')),
  }),
);
