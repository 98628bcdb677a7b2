/** What moving and linking need beyond the right to the two names: no right may be gained by it. */

import { allowsThroughout } from './capabilities/throughout.ts';
import { isPromise, then } from './maybe.ts';
import { restOf } from './namespace.ts';
import { findNode } from './nodes/find.ts';
import { parentOf } from './path.ts';
import { no, served } from './refusals.ts';
import type { Maybe, MountPoint, Op, Path, RenameHow, Verb } from './types.ts';
import type { Vfs } from './vfs.ts';

/** The acts that moving one thing amounts to: where it was, and where it goes. */
const TAKE: readonly Verb[] = ['list', 'read', 'remove'];
const PUT: Verb = 'create';

/** `other`, relative to the mount. Throws `cross_mount` where another mount serves it. */
export function restInMount(vfs: Vfs, op: Op, mount: MountPoint, other: Path): string {
  const { namespace } = vfs.policy;
  if (namespace.at(parentOf(other)) !== mount) {
    throw no(op, 'cross_mount', `${other} is in another mount`, 'copy it instead');
  }
  if (namespace.has(other)) throw served(other);
  return restOf(mount, other);
}

/**
 * Agrees to a move within one mount, and says how it is to be made. What is moved has to be readable, or it could be read in its
 * new place; what is replaced has to be removable. A directory is moved whole only where each thing in it could be moved by
 * itself, else `cross_mount`, upon which mv(1) copies and removes one by one.
 */
export function agreeToMove(vfs: Vfs, op: Op, mount: MountPoint, to: Path, how: RenameHow): Maybe<RenameHow> {
  return then(agreeToTake(vfs, op, mount, op.path, to), () => {
    if (how.exchange) return then(agreeToTake(vfs, op, mount, to, op.path), () => how);
    if (how.noReplace || vfs.allows(op.caller, 'remove', to)) return how;
    return then(findNode(mount.tree, restOf(mount, to), op), there => {
      if (there !== undefined) vfs.also(op, 'remove', to);
      // Whatever has come there meanwhile is not replaced either.
      return { ...how, noReplace: true };
    });
  });
}

function agreeToTake(vfs: Vfs, op: Op, mount: MountPoint, from: Path, to: Path): Maybe<void> {
  const node = findNode(mount.tree, restOf(mount, from), op);
  if (isPromise(node)) return node.then(found => taken(vfs, op, found?.kind === 'dir', from, to));
  if (node !== undefined) taken(vfs, op, node.kind === 'dir', from, to);
}

function taken(vfs: Vfs, op: Op, isDir: boolean, from: Path, to: Path): void {
  if (!isDir) {
    vfs.also(op, 'read', from);
    return;
  }
  if (vfs.policy.namespace.below(from).size > 0) throw served(from);
  const authority = vfs.authorityOf(op.caller);
  const now = vfs.policy.now();
  const whole =
    TAKE.every(verb => allowsThroughout(authority, verb, from, now)) && allowsThroughout(authority, PUT, to, now);
  if (whole) return;
  throw no(op, 'cross_mount', 'not everything below it may be moved', 'move what is in it one by one, as mv does');
}
