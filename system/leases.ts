/** The leases in force, as files, and their early end. */

import {
  AosError,
  type Caller,
  isWithin,
  type Lease,
  type Maybe,
  type Op,
  type Path,
  parsePath,
  then,
  usdFromMicros,
} from '../plugin-sdk/index.ts';
import { pathOf, type Request, requestOf, wrong } from './asked.ts';
import type { Keeper } from './keeper.ts';
import { lockable, shapeOf } from './unlock.ts';

const AT = '/aos/system/lock';
const KEYS = ['path', 'id'];
/** Of what was asked, in the audit. */
const TOLD_CHARS_MAX = 200;

/** Those the caller may know of: its own; a run those of its agent; the daemon's owner and root all. */
export function leasesOf({ api, policy }: Keeper, caller: Caller): Lease[] {
  return policy.leases.list().filter(lease => isOf(lease, caller, api.self.uid));
}

function isOf(lease: Lease, caller: Caller, owner: number): boolean {
  if (caller.agent !== undefined) return lease.scope.kind === 'agent' && lease.scope.agent === caller.agent;
  return caller.uid === lease.uid || caller.uid === owner || caller.uid === 0;
}

/** One lease as JSON, with what its budget has paid for where it serves the reader. */
export function leaseShape({ api, policy }: Keeper, caller: Caller, lease: Lease): object {
  const spent = policy.budgets(caller, parsePath(lease.path)).find(state => state.key === `lease:${lease.id}`);
  return {
    ...shapeOf(lease),
    uid: lease.uid,
    remaining_sec: Math.max(0, Math.ceil((lease.until - api.now()) / 1000)),
    spent_usd: spent === undefined ? null : usdFromMicros(spent.used),
  };
}

/**
 * `{path}` or `{id}` → `{path, ended}`: ends the caller's leases on the path and below it, or that one. Where there is none, `ended`
 * is empty; refuses what does not exist.
 */
export function lock(keeper: Keeper, op: Op, request: unknown): Maybe<object> {
  const { caller } = op;
  const { policy, api } = keeper;
  const asked = requestOf(request, KEYS, AT);
  op.told = String(asked.path ?? `lease ${asked.id}`).slice(0, TOLD_CHARS_MAX);
  return then(meant(keeper, caller, asked), what => {
    if (typeof what !== 'number') {
      const ended = policy.leases.shut(what, lease => isOf(lease, caller, api.self.uid));
      return { path: what, ended };
    }
    policy.leases.end(what);
    return { ended: [what] };
  });
}

/** Refuses what `lock` would refuse, and ends nothing. */
export function mayLock(keeper: Keeper, caller: Caller, request: unknown): Maybe<void> {
  return then(meant(keeper, caller, requestOf(request, KEYS, AT)), () => undefined);
}

/** The lease that is named, or the path below which all are meant. */
function meant(keeper: Keeper, caller: Caller, asked: Request): Maybe<number | Path> {
  const own = leasesOf(keeper, caller);
  if (asked.id !== undefined) return idOf(own, asked);
  const path = pathOf(asked, AT);
  // A lease may outlast its mount; a path with neither was mistyped.
  if (own.some(lease => isWithin(lease.path, path))) return path;
  const above = own.find(lease => isWithin(path, lease.path));
  if (above !== undefined) {
    throw wrong(path, `it is open by a lease on ${above.path}`, `lock that: aos lock ${above.path}`);
  }
  return then(lockable(keeper, caller, path), () => path);
}

function idOf(own: readonly Lease[], { id }: Request): number {
  const lease = own.find(one => one.id === id);
  if (lease === undefined) {
    throw new AosError('not_found', {
      component: 'system',
      path: `/aos/system/leases/${String(id)}`,
      why: 'you hold no such lease now',
      remedy: 'see: aos ls /aos/system/leases',
    });
  }
  return lease.id;
}
