/** Leaves a dead mount behind, without the warden that would clear it, and prints where. */

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mountDevice } from '../../../doors/fuse/device.ts';
import { syscalls } from '../../../doors/fuse/syscalls.ts';

const dir = mkdtempSync(join(tmpdir(), 'aos-fuse-'));
await mountDevice(syscalls(), dir, false);
console.log(dir);
