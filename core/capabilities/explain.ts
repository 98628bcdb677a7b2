/** Says how the gate would decide, step by step, and does nothing else. */

import type { Breaker } from '../cost/breaker.ts';
import type { Budget, Scope } from '../cost/budget.ts';
import { printUsd } from '../cost/money.ts';
import { printDuration } from '../duration.ts';
import { type Namespace, restOf } from '../namespace.ts';
import type {
  Authority,
  Caller,
  ExplainStep,
  Explanation,
  Lease,
  Micros,
  Millis,
  MountPoint,
  Path,
  Verb,
} from '../types.ts';
import { decideSet } from './decide.ts';
import { readySet } from './grant.ts';
import type { Leases } from './lease.ts';
import { indexerOf, isGuarded, isLocal, opening } from './lock.ts';

interface ExplainPolicy {
  readonly namespace: Namespace;
  readonly leases: Leases;
  readonly budget: Budget;
  readonly breaker: Breaker;
  scopes(caller: Caller, path: Path, mount: MountPoint, lease: Lease | undefined): readonly Scope[];
  now(): Millis;
}

/** What is asked about. `authority` is the caller's with all that the gate adds to it. */
interface Question {
  readonly policy: ExplainPolicy;
  readonly authority: Authority;
  readonly caller: Caller;
  readonly verb: Verb;
  readonly path: Path;
  readonly mount: MountPoint;
}

export function explain(
  policy: ExplainPolicy,
  authority: Authority,
  caller: Caller,
  verb: Verb,
  path: Path,
): Explanation {
  const mount = policy.namespace.at(path);
  const question: Question = { policy, authority, caller, verb, path, mount };
  const steps: ExplainStep[] = [
    { step: 'resolve', by: mount.path, allowed: true, why: `served by ${mount.component}` },
    ...authorise(question),
    ...lock(question),
    ...money(question),
  ];
  return { verb, path, allowed: steps.every(step => step.allowed), steps };
}

function authorise({ policy, authority, verb, path }: Question): ExplainStep[] {
  if (authority.length === 0) {
    return [{ step: 'authorise', by: 'no set', allowed: false, why: 'nothing is granted to this caller' }];
  }
  return authority.map(set => {
    const says = decideSet(readySet(set), verb, path, policy.now());
    return { step: 'authorise', by: set.name, allowed: says.outcome === 'allowed', why: saying(says) };
  });
}

function saying({ outcome, rule, until }: { outcome: string; rule: string | undefined; until: Millis }): string {
  if (outcome === 'withheld') return 'withheld: no rule reaches it, so it does not exist for this caller';
  const ends = until === Number.POSITIVE_INFINITY ? '' : `, until ${new Date(until).toISOString()}`;
  return rule === undefined ? outcome : `${outcome}: ${rule}${ends}`;
}

function lock({ policy, caller, verb, path, mount }: Question): ExplainStep[] {
  const says = (by: string, allowed: boolean, why: string): ExplainStep => ({ step: 'lock', by, allowed, why });
  if (!isGuarded(mount)) return [says(mount.path, true, 'not locked')];
  if (isLocal(mount, verb, path)) return [says(mount.path, true, 'local: answered without a lease')];
  const indexer = indexerOf(caller);
  const courtesy = indexer === undefined ? [] : [says('indexers', false, `${indexer} indexes whole trees`)];
  if (mount.locked !== true) return [says(mount.path, true, 'not locked'), ...courtesy];
  const lease = policy.leases.find(caller, path, policy.now());
  if (lease === undefined) return [says(mount.path, false, `locked; ${opening(mount, caller)}`), ...courtesy];
  const budget = lease.budget === undefined ? '' : `, with a budget of $${printUsd(lease.budget)}`;
  const until = new Date(lease.until).toISOString();
  return [says(`lease ${lease.id}`, true, `open until ${until}${budget}`), ...courtesy];
}

function money({ policy, caller, verb, path, mount }: Question): ExplainStep[] {
  const free = (why: string): ExplainStep[] => [{ step: 'reserve', by: mount.path, allowed: true, why }];
  if (mount.price === undefined) return free('free');
  const price = mount.price(verb, restOf(mount, path), undefined);
  // What a model's call costs depends on the request, so the budgets are of interest all the same.
  if (price === 0 && verb !== 'call') return free(`${verb} is free here`);
  const tripped = policy.breaker.state;
  const lease = mount.locked === true ? policy.leases.find(caller, path, policy.now()) : undefined;
  return [
    {
      step: 'reserve',
      by: 'breaker',
      allowed: tripped === undefined,
      why:
        tripped === undefined
          ? 'not tripped'
          : `tripped at ${new Date(tripped.at).toISOString()}; let money flow again with: aos breaker reset`,
    },
    ...policy.scopes(caller, path, mount, lease).map(scope => layer(policy, scope, price)),
  ];
}

function layer({ budget, now }: ExplainPolicy, scope: Scope, price: Micros): ExplainStep {
  const used = budget.used(scope, now());
  const { usd, per } = scope.limit;
  const velocity = scope.layer === 'velocity';
  const need = velocity ? 1 : price;
  const amount = (n: number): string => (velocity ? `${n} operations` : `$${printUsd(n)}`);
  const limit = usd === 0 ? 'no limit' : `${amount(usd)}${per === 0 ? '' : ` in ${printDuration(per)}`}`;
  const could = price === 0 || velocity ? '' : `, and this could cost $${printUsd(price)}`;
  return {
    step: 'reserve',
    by: scope.layer,
    allowed: usd === 0 || used + need <= usd,
    why: `${amount(used)} used of ${limit}${could}`,
  };
}
