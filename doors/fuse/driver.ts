/** The seam between the door and whatever carries requests. */

import type { DoorApi } from '../../core/types.ts';

export interface FuseOptions {
  readonly mountpoint: string;
  readonly driver: 'kernel' | 'fuse-native';
  /** Other users may use the mount. What never changes is then asked for again at each use, since answers differ by user. */
  readonly allowOther: boolean;
}

export interface FuseDoor {
  readonly driver: string;
  readonly mountpoint: string;
  /** Resolves when the mount is gone for good: by `stop`, or unmounted from outside. */
  readonly gone: Promise<void>;
  /** Unmounts. What is still open gets ENOTCONN. */
  stop(): Promise<void>;
}

/** Mounts the tree at an empty directory. Throws AosError with a remedy where it cannot. */
export type Driver = (api: DoorApi, options: FuseOptions) => Promise<FuseDoor>;
