/** What the core says in several places about the same refusal. */

import { AosError, type ErrorKind } from './errors.ts';
import { nameOf, parentOf } from './path.ts';
import type { Op, Path } from './types.ts';

/** The remedy for what no caller may change. */
export const WHAT_CHANGES = 'what can be written is said in /aos/README.md';

/** The remedy for a name that is not in its directory. */
export function lookIn(path: Path): string {
  return `see: aos ls ${parentOf(path)}`;
}

/** What does not exist and what is withheld from the caller: one sentence for both, or it would tell them apart. */
export function noSuch(path: Path): AosError {
  return refusal('not_found', path, 'no such file or directory', lookIn(path));
}

/** Another mount serves the path by now, or none does. */
export function gone(path: Path): AosError {
  return refusal('gone', path, 'it was unmounted since it was opened', 'open it again');
}

/** A directory whose names are made by the system alone. */
export function unchangeable(path: Path): AosError {
  return refusal('read_only', path, `${nameOf(parentOf(path)) || 'the tree'} takes no such change`, WHAT_CHANGES);
}

/** A mount cannot be removed or renamed as if it were a directory. */
export function served(path: Path): AosError {
  const remedy = `only what is below /aos/mnt goes: aos umount ${path}`;
  return refusal('busy', path, 'a part of the system is served there', remedy);
}

function refusal(kind: ErrorKind, path: Path, why: string, remedy?: string): AosError {
  return new AosError(kind, { component: 'core', path, why, remedy });
}

/** A refusal of the operation at its own path. */
export function no(op: Op, kind: ErrorKind, why: string, remedy?: string): AosError {
  return refusal(kind, op.path, why, remedy);
}
