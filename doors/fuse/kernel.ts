/** The driver that speaks to `/dev/fuse` itself. Linux. */

import { AosError } from '../../core/errors.ts';
import { mountDevice, postWarden, unmountDevice, WITHOUT_MOUNT } from './device.ts';
import type { Driver } from './driver.ts';
import { prepareMountpoint } from './mountpoint.ts';
import { Session } from './session.ts';
import { syscalls } from './syscalls.ts';

/** How long files that are still open may delay the end. */
const GRACE_MS = 500;

export const kernelDriver: Driver = async (api, { mountpoint, allowOther }) => {
  if (process.platform !== 'linux') {
    throw new AosError('unsupported', {
      component: 'kernel door',
      why: `the kernel driver is for Linux, not ${process.platform}`,
      remedy: 'start with --driver=fuse-native, or without a mount',
    });
  }
  const sys = syscalls();
  prepareMountpoint(mountpoint);
  const fd = await mountDevice(sys, mountpoint, allowOther);
  const session = new Session(sys, fd, api, { allowOther });
  const warden = postWarden(mountpoint);
  session.start();
  if (!(await Promise.race([session.agreed.then(() => true), session.ended.then(() => false)]))) {
    warden.dismiss();
    throw new AosError('io', {
      component: 'kernel door',
      path: mountpoint,
      why: 'the mount ended before the kernel and the daemon had agreed on a protocol',
      remedy: `see aos logs; or ${WITHOUT_MOUNT}`,
    });
  }
  const gone = session.ended.then(() => warden.dismiss());
  return {
    driver: 'kernel',
    mountpoint,
    gone,
    stop: async () => {
      await unmountDevice(sys, mountpoint);
      await withinGrace(session.ended);
      session.close();
      await gone;
    },
  };
};

function withinGrace(ended: Promise<void>): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, GRACE_MS);
    ended.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
