/** Making directories. */

import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes `dir` and what is missing above it; one that is there is left as it is. Throws Node's own errors. Node's recursive
 * `mkdir` tries for ever below a directory in which nothing can be made and that says ENOENT, as `/proc` does.
 */
export function makeDirs(dir: string, mode = 0o777): void {
  try {
    mkdirSync(dir, { mode });
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
    if (code === 'EEXIST' && statSync(dir, { throwIfNoEntry: false })?.isDirectory()) return;
    if (code !== 'ENOENT' || existsSync(dirname(dir))) throw thrown;
    makeDirs(dirname(dir), mode);
    mkdirSync(dir, { mode });
  }
}
