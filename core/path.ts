/** The only parser of paths. What it returns is checked once and never again. */

import { AosError, type ErrorKind } from './errors.ts';
import { LIMITS } from './limits.ts';
import type { Path } from './types.ts';

/** The top of the tree. */
export const ROOT = '/aos' as Path;
/** External mounts lie below it. */
export const OUTSIDE = '/aos/mnt';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * A path typed by a user, from `/aos` down. A trailing slash is dropped.
 * Throws `invalid` (`..`, `.`, an empty part, NUL, newline, not below /aos) or `name_too_long`.
 */
export function parsePath(text: string): Path {
  if (Buffer.byteLength(text) > LIMITS.path_bytes_max) {
    throw bad('name_too_long', clip(text), `a path has at most ${LIMITS.path_bytes_max} bytes`, 'choose a shorter one');
  }
  const trimmed = text.length > 1 && text.endsWith('/') ? text.slice(0, -1) : text;
  if (trimmed !== ROOT && !trimmed.startsWith(`${ROOT}/`)) {
    throw bad('invalid', clip(text), 'not a path of the tree', 'begin it with /aos/');
  }
  if (trimmed !== ROOT) {
    for (const name of trimmed.slice(ROOT.length + 1).split('/')) checkName(name, trimmed);
  }
  return trimmed as Path;
}

/** A name within a directory. Throws as `parsePath` does. */
export function checkName(name: string, path: string = name): void {
  if (name === '') throw bad('invalid', clip(path), 'a path has no empty parts', 'write single slashes');
  if (name === '.' || name === '..') throw bad('invalid', clip(path), `a path has no "${name}"`, 'write it in full');
  if (name.length > LIMITS.name_bytes_max || Buffer.byteLength(name) > LIMITS.name_bytes_max) {
    throw bad('name_too_long', clip(path), `a name has at most ${LIMITS.name_bytes_max} bytes`, 'choose a shorter one');
  }
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code === 0 || code === 10 || code === 47) {
      const what = code === 0 ? 'NUL' : code === 10 ? 'newline' : 'slash';
      throw bad('invalid', clip(path), `a name has no ${what}`, 'choose another name');
    }
    if (code >= 0xd800 && code <= 0xdfff) {
      if (code > 0xdbff || !isLow(name.charCodeAt(i + 1))) {
        throw bad('bad_bytes', clip(path), 'the name is not valid Unicode', 'names are UTF-8');
      }
      i++;
    }
  }
}

/** A name as the kernel sends it. Throws `bad_bytes` where it is not UTF-8, else as `checkName`. */
export function nameFromBytes(bytes: Uint8Array): string {
  let name: string;
  try {
    name = utf8.decode(bytes);
  } catch (cause) {
    throw new AosError('bad_bytes', {
      component: 'core',
      why: 'the name is not valid UTF-8',
      remedy: 'names are UTF-8',
      cause,
    });
  }
  checkName(name);
  return name;
}

/** `name` must have passed `checkName`, or come from a plugin's listing. */
export function join(dir: Path, name: string): Path {
  return `${dir}/${name}` as Path;
}

/** A path of several names below `dir`, as plugins write them. Throws as `parsePath`. */
export function below(dir: Path, rest: string): Path {
  return parsePath(rest === '' ? dir : `${dir}/${rest}`);
}

export function parentOf(path: Path): Path {
  return path === ROOT ? ROOT : (path.slice(0, path.lastIndexOf('/')) as Path);
}

/** The last name; '' for the root. */
export function nameOf(path: Path): string {
  return path === ROOT ? '' : path.slice(path.lastIndexOf('/') + 1);
}

export function isWithin(path: string, dir: string): boolean {
  return path === dir || (path.startsWith(dir) && path.charCodeAt(dir.length) === 47);
}

function isLow(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}

/** Short enough to print, and without what would break the line. */
function clip(text: string): string {
  const printable = JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}...` : text);
  return printable.slice(1, -1);
}

function bad(kind: ErrorKind, path: string, why: string, remedy?: string): AosError {
  return new AosError(kind, { component: 'core', path, why, remedy });
}
