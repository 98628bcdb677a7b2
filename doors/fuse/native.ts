/**
 * The driver over the npm package fuse-native (libfuse 2), for where a user asks for it or `/dev/fuse` is not Linux's. It does not say
 * who calls, so every caller counts as the mounting user; it has no interrupts and no poll.
 */

import { createRequire } from 'node:module';
import { AosError, ERRNO } from '../../core/errors.ts';
import { isPromise } from '../../core/maybe.ts';
import type { DoorApi, Maybe } from '../../core/types.ts';
import { unmountByCommand } from './device.ts';
import type { Driver } from './driver.ts';
import { errnoOf, isForeseen } from './errno.ts';
import { findProgram, mountedAt, prepareMountpoint } from './mountpoint.ts';
import { type NativeOperations, nativeOperations } from './native-operations.ts';

/** How long the package may take to mount. It reports no failure of its own thread. */
const MOUNT_MS = 5000;
/** How often to look whether somebody else unmounted: the package does not tell. */
const LOOK_MS = 1000;

interface NativeMount {
  mount(done: (error: Error | null) => void): void;
  unmount(done: (error: Error | null) => void): void;
}

type NativeModule = new (dir: string, operations: NativeOperations, options: object) => NativeMount;

export const nativeDriver: Driver = async (api, { mountpoint, allowOther }) => {
  const Native = load();
  prepareMountpoint(mountpoint);
  const operations = nativeOperations(api, (value, done, name) => settle(api, value, done, name));
  // The package has no option for direct_io, without which a file of unknown size reads as empty; the name of the file system is
  // put into the list of options as it is.
  const options = { fsname: 'aos,direct_io', timeout: false, entryTimeout: '0', attrTimeout: '0', allowOther };
  const mount = new Native(mountpoint, operations, options);
  await mounted(mount, mountpoint);
  let over: () => void = () => {};
  const gone = new Promise<void>(resolve => {
    over = resolve;
  });
  const watch = setInterval(() => {
    if (process.platform === 'linux' && mountedAt(mountpoint) === undefined) finish();
  }, LOOK_MS);
  watch.unref();
  const finish = (): void => {
    clearInterval(watch);
    over();
  };
  return {
    driver: 'fuse-native',
    mountpoint,
    gone,
    stop: async () => {
      clearInterval(watch);
      await unmounted(mount, mountpoint);
      finish();
    },
  };
};

function load(): NativeModule {
  let Native: NativeModule;
  try {
    // What require gives is the class that the package documents.
    Native = createRequire(import.meta.url)('fuse-native') as NativeModule;
  } catch (cause) {
    const said = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause);
    const library = /libfuse|cannot open shared object/.test(said);
    throw new AosError('unsupported', {
      component: 'fuse-native driver',
      why: library ? `libfuse 2 is missing (${said})` : `the package fuse-native cannot be loaded (${said})`,
      remedy: library
        ? 'apt install libfuse2, or use --driver=kernel'
        : 'npm install fuse-native (it has builds for x64 only), or use --driver=kernel',
      cause,
    });
  }
  if (process.platform === 'linux' && findProgram('fusermount') === undefined) {
    throw new AosError('unsupported', {
      component: 'fuse-native driver',
      why: 'fusermount, by which the package mounts and unmounts, is not installed',
      remedy: 'apt install fuse3, or use --driver=kernel',
    });
  }
  return Native;
}

function mounted(mount: NativeMount, dir: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (why: string, cause?: unknown): void =>
      reject(
        new AosError('not_permitted', {
          component: 'fuse-native driver',
          path: dir,
          why: `it did not mount: ${why}`,
          remedy: 'see aos doctor, or use --driver=kernel',
          cause,
        }),
      );
    const timer = setTimeout(() => refuse(`no answer within ${MOUNT_MS / 1000} s`), MOUNT_MS);
    mount.mount(error => {
      clearTimeout(timer);
      if (error === null) resolve();
      else refuse(error.message, error);
    });
  });
}

/** The package unmounts lazily and then joins its thread; a mount that is gone already only needs the latter, which it cannot do. */
async function unmounted(mount: NativeMount, dir: string): Promise<void> {
  if (process.platform === 'linux' && mountedAt(dir) === undefined) return;
  const failed = await new Promise<Error | null>(resolve => mount.unmount(resolve));
  if (failed !== null) await unmountByCommand(dir);
}

/** Hands the errno, or what `done` makes of the value, to the package. */
function settle<T>(
  api: DoorApi,
  value: () => Maybe<T>,
  done: { ok(value: T): void; failed(errno: number): void },
  name: string,
): void {
  const failed = (error: unknown): void => {
    if (!isForeseen(error)) api.log.error({ err: error, operation: name }, 'fuse-native driver: an operation failed');
    done.failed(-(errnoOf(error) || ERRNO.EIO));
  };
  try {
    const now = value();
    if (isPromise(now)) now.then(done.ok, failed);
    else done.ok(now);
  } catch (error) {
    failed(error);
  }
}
