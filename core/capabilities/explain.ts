/** Says how the gate would decide, step by step, and does nothing else. */

import type { Budget, Scope } from '../cost/budget.ts';
import { printUsd } from '../cost/money.ts';
import type { Namespace } from '../namespace.ts';
import type { Caller, ExplainStep, Explanation, Lease, Millis, MountPoint, Path, Verb } from '../types.ts';
import { decideSet } from './decide.ts';
import { readySet } from './grant.ts';
import type { Leases } from './lease.ts';

interface ExplainPolicy {
  readonly namespace: Namespace;
  readonly leases: Leases;
  readonly budget: Budget;
  scopes(caller: Caller, path: Path, mount: MountPoint, lease: Lease | undefined): readonly Scope[];
  now(): Millis;
}

export function explain(policy: ExplainPolicy, caller: Caller, verb: Verb, path: Path): Explanation {
  const mount = policy.namespace.at(path);
  const steps: ExplainStep[] = [
    { step: 'resolve', by: mount.path, allowed: true, why: `served by ${mount.component}` },
    ...authority(policy, caller, verb, path),
    lock(policy, caller, path, mount),
    ...money(policy, caller, path, mount),
  ];
  return { verb, path, allowed: steps.every(step => step.allowed), steps };
}

function authority(policy: ExplainPolicy, caller: Caller, verb: Verb, path: Path): ExplainStep[] {
  if (caller.authority.length === 0) {
    return [{ step: 'authorise', by: 'no set', allowed: false, why: 'nothing is granted to this caller' }];
  }
  return caller.authority.map(set => {
    const says = decideSet(readySet(set), verb, path, policy.now());
    const rule = says.rule === undefined ? '' : `: ${says.rule}`;
    return { step: 'authorise', by: set.name, allowed: says.outcome === 'allowed', why: `${says.outcome}${rule}` };
  });
}

function lock(policy: ExplainPolicy, caller: Caller, path: Path, mount: MountPoint): ExplainStep {
  if (mount.locked !== true) return { step: 'lock', by: mount.path, allowed: true, why: 'not locked' };
  const lease = policy.leases.find(caller, path, policy.now());
  if (lease === undefined) {
    return { step: 'lock', by: mount.path, allowed: false, why: `locked; open it with: aos unlock ${mount.path}` };
  }
  const until = new Date(lease.until).toISOString();
  return { step: 'lock', by: `lease ${lease.id}`, allowed: true, why: `open until ${until}` };
}

function money(policy: ExplainPolicy, caller: Caller, path: Path, mount: MountPoint): ExplainStep[] {
  if (mount.price === undefined) return [{ step: 'reserve', by: mount.path, allowed: true, why: 'free' }];
  const lease = mount.locked === true ? policy.leases.find(caller, path, policy.now()) : undefined;
  return policy.scopes(caller, path, mount, lease).map(scope => {
    const used = policy.budget.used(scope, policy.now());
    const { usd, per } = scope.limit;
    const limit = usd === 0 ? 'no limit' : `$${printUsd(usd)}${per === 0 ? '' : ` in ${per / 1000} s`}`;
    return {
      step: 'reserve',
      by: scope.layer,
      allowed: usd === 0 || used < usd,
      why: `$${printUsd(used)} used of ${limit}`,
    };
  });
}
