/** The lock step of the gate: who may use what is locked, and who is kept out of it as a courtesy. */

import { AosError } from '../errors.ts';
import { restOf } from '../namespace.ts';
import { isWithin, OUTSIDE } from '../path.ts';
import type { Caller, Lease, Millis, MountPoint, Path, Verb } from '../types.ts';
import { isIndexer } from './indexers.ts';
import type { Leases } from './lease.ts';

/** Whether the lock step has a say: all that is locked, and what is outside and can cost money. */
export function isGuarded(mount: MountPoint): boolean {
  return mount.locked === true || (mount.price !== undefined && isWithin(mount.path, OUTSIDE));
}

/** What the mount says is local: answered without a lease. */
export function isLocal(mount: MountPoint, verb: Verb, path: Path): boolean {
  const rest = restOf(mount, path);
  return mount.open?.(rest, verb) ?? rest === '';
}

/**
 * The lease that lets the caller in; undefined where none is needed. Throws `locked` for what is locked and for indexers,
 * `lease_expired` where one let the caller in until lately.
 */
export function unlocked(
  leases: Leases,
  caller: Caller,
  verb: Verb,
  path: Path,
  mount: MountPoint,
  now: Millis,
): Lease | undefined {
  if (isLocal(mount, verb, path)) return undefined;
  const indexer = indexerOf(caller);
  if (indexer !== undefined) throw indexing(mount, path, indexer);
  if (mount.locked !== true) return undefined;
  const lease = leases.find(caller, path, now);
  if (lease !== undefined) return lease;
  throw lockedError(mount, path, caller, leases.expired(caller, path, now));
}

/** The name of the process behind the caller where it is a known indexer's. */
export function indexerOf(caller: Caller): string | undefined {
  if (caller.run !== undefined || caller.door === 'system') return undefined;
  const { comm } = caller.identity();
  return isIndexer(comm) ? comm : undefined;
}

/** Even under a lease: whoever opened the mount did not mean a program that reads everything unasked. */
function indexing(mount: MountPoint, path: Path, comm: string): AosError {
  return new AosError('locked', {
    component: mount.component,
    path,
    why: `${comm} is known to index whole trees, which can cost money here`,
    remedy: `exclude ${mount.path} in its configuration`,
  });
}

/** The command that opens it for this caller. */
export function opening(mount: MountPoint, caller: Caller): string {
  const scope = caller.agent === undefined ? '' : ` --scope=agent:${caller.agent}`;
  return `open it with: aos unlock ${mount.path} --duration=30m${scope}`;
}

function lockedError(mount: MountPoint, path: Path, caller: Caller, expired: Lease | undefined): AosError {
  const remedy = opening(mount, caller);
  if (expired !== undefined) {
    const at = new Date(expired.until).toISOString();
    return new AosError('lease_expired', { component: mount.component, path, why: `its lease ended at ${at}`, remedy });
  }
  const why = 'it is locked, because using it can cost money or leave the machine';
  return new AosError('locked', { component: mount.component, path, why, remedy });
}
