/** What the kernel door needs of the machine, for `aos doctor`. */

import { closeSync, openSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { AosError } from '../../core/errors.ts';
import { DEVICE, deviceMissing } from './device.ts';
import { findProgram } from './mountpoint.ts';
import { syscalls } from './syscalls.ts';

export interface Prerequisite {
  readonly name: string;
  readonly ok: boolean;
  readonly found: string;
  readonly remedy?: string;
}

/** Each prerequisite with what was found; opens the device, mounts nothing. */
export function fusePrerequisites(): Prerequisite[] {
  return [device(), mounter(), calls(), native()];
}

function device(): Prerequisite {
  try {
    closeSync(openSync(DEVICE, 'r+'));
    return { name: DEVICE, ok: true, found: 'can be opened' };
  } catch (error) {
    return missing(DEVICE, deviceMissing(error));
  }
}

function mounter(): Prerequisite {
  const name = 'fusermount3';
  if (process.getuid?.() === 0) return { name, ok: true, found: 'not needed: root mounts by itself' };
  const path = findProgram(name);
  if (path !== undefined)
    return { name, ok: true, found: `${path}${othersAllowed() ? ', user_allow_other is set' : ''}` };
  return { name, ok: false, found: 'not installed', remedy: 'apt install fuse3 (or dnf install fuse3)' };
}

function othersAllowed(): boolean {
  try {
    return /^\s*user_allow_other\s*$/m.test(readFileSync('/etc/fuse.conf', 'utf8'));
  } catch {
    return false;
  }
}

function calls(): Prerequisite {
  const name = 'koffi';
  try {
    syscalls();
    return { name, ok: true, found: 'loads' };
  } catch (error) {
    return missing(name, error);
  }
}

/** Never counted against the machine: nobody needs it who did not ask for it. */
function native(): Prerequisite {
  const name = 'fuse-native (optional driver)';
  const cost = 'with it every caller counts as the mounting user';
  try {
    createRequire(import.meta.url).resolve('fuse-native');
    return { name, ok: true, found: `installed; ${cost}` };
  } catch {
    return { name, ok: true, found: `not installed; ${cost}` };
  }
}

function missing(name: string, error: unknown): Prerequisite {
  if (!(error instanceof AosError)) return { name, ok: false, found: String(error) };
  return { name, ok: false, found: error.why, ...(error.remedy === undefined ? {} : { remedy: error.remedy }) };
}
