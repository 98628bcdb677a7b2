/** What a machine has, and what it lacks: said as a clause, for the title of a skipped test or a row of a table. */

import { accessSync, closeSync, constants, openSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Needs {
  /** A kernel mount: /dev/fuse can be opened, and this user may mount. */
  readonly fuse?: true;
  /** Programs on the PATH. */
  readonly command?: string | readonly string[];
  /** Being root. */
  readonly root?: true;
  /** Becoming another user: root, and setpriv to do it with. */
  readonly user?: true;
  /** Packages that the dependencies only bring where they can. */
  readonly module?: string | readonly string[];
}

/** The first thing that is missing, as a clause. */
export function missing(what: Needs): string | undefined {
  const isRoot = process.geteuid?.() === 0;
  if ((what.root || what.user) && !isRoot) return 'not run as root';
  const commands = [what.command ?? [], what.user ? 'setpriv' : []].flat();
  const absent = commands.find(name => !onPath(name));
  if (absent !== undefined) return `${absent} is not installed`;
  const unresolved = [what.module ?? []].flat().find(name => !resolves(name));
  if (unresolved !== undefined) return `the package ${unresolved} is not installed`;
  return what.fuse ? missingForFuse(isRoot) : undefined;
}

function missingForFuse(isRoot: boolean): string | undefined {
  try {
    closeSync(openSync('/dev/fuse', 'r+'));
  } catch (error) {
    return `/dev/fuse cannot be opened: ${error instanceof Error && 'code' in error ? error.code : String(error)}`;
  }
  if (!isRoot) return onPath('fusermount3') ? undefined : 'fusermount3 is not installed';
  return mayMount() ? undefined : 'root may not mount here: no CAP_SYS_ADMIN';
}

/** CAP_SYS_ADMIN, bit 21 of the effective set; proc(5). */
function mayMount(): boolean {
  try {
    const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
    return line?.[1] !== undefined && ((BigInt(`0x${line[1]}`) >> 21n) & 1n) === 1n;
  } catch {
    return false;
  }
}

export function onPath(name: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some(dir => {
    try {
      accessSync(join(dir, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function resolves(name: string): boolean {
  try {
    import.meta.resolve(name);
    return true;
  } catch {
    return false;
  }
}
