/** Temporary directories that are gone when their test is. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd, type Teardown } from './ending.ts';

export type { Teardown } from './ending.ts';

/** A fresh directory with a short name, for socket paths hold about a hundred bytes. */
export function tmpDir(t: Teardown, prefix = 'aos-'): string {
  const dir = mkdtempSync(join(tmpdir(), prefix));
  atEnd(t, () => removeDir(dir));
  return dir;
}

/** Removes a directory, but never what is mounted in it. */
export function removeDir(dir: string): void {
  const mounted = mountsBelow(dir);
  if (mounted.length > 0) throw new Error(`${mounted.join(', ')} is still mounted, so ${dir} is left in place`);
  rmSync(dir, { recursive: true, force: true });
}

/** Mountpoints at or below a directory, deepest first. Read from the kernel's table: asks no file system. */
export function mountsBelow(dir: string): string[] {
  let table = '';
  try {
    table = readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    // Not Linux: nothing is ever mounted here.
  }
  return table
    .split('\n')
    .map(line =>
      (line.split(' ')[4] ?? '').replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8))),
    )
    .filter(at => at === dir || at.startsWith(`${dir}/`))
    .sort((a, b) => b.length - a.length);
}
