/** The kernel door: `/aos` as a real file system. */

import type { DoorApi } from '../../core/types.ts';
import type { Driver, FuseDoor, FuseOptions } from './driver.ts';

export { fusePrerequisites, type Prerequisite } from './doctor.ts';
export type { FuseDoor, FuseOptions } from './driver.ts';
export { healMountpoint } from './mountpoint.ts';

/** Mounts the tree. Throws AosError with a remedy where FUSE or the chosen driver is missing or the directory will not do. */
export async function startFuse(api: DoorApi, options: FuseOptions): Promise<FuseDoor> {
  const driver = await load(options.driver);
  return driver(api, options);
}

async function load(name: FuseOptions['driver']): Promise<Driver> {
  if (name === 'fuse-native') return (await import('./native.ts')).nativeDriver;
  return (await import('./kernel.ts')).kernelDriver;
}
