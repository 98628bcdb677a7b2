/** Says how the gate would decide, step by step, and does nothing else. */

import type { Breaker } from '../cost/breaker.ts';
import { type Budget, isOff, type Scope } from '../cost/budget.ts';
import { printUsd } from '../cost/money.ts';
import { subjectOf } from '../cost/scopes.ts';
import { printDuration } from '../duration.ts';
import { type Namespace, restOf } from '../namespace.ts';
import { ROOT } from '../path.ts';
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
import { type Decision, decide, decideSet } from './decide.ts';
import { type ReadySet, readySet } from './grant.ts';
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
  const { outcome } = decide(authority, verb, path, policy.now());
  const steps: ExplainStep[] =
    outcome === 'withheld'
      ? [ANYWHERE, ...authorise(question)]
      : [resolve(mount), ...authorise(question), ...lock(question), ...money(question)];
  const allowed = steps.every(step => step.allowed);
  return { verb, path, allowed, steps: allowed ? [...steps, ...further(question)] : steps };
}

/** What a local answer leaves out where it is refused, and costs where it is not. */
function further(question: Question): ExplainStep[] {
  const { mount, verb, path } = question;
  const next = mount.leadsTo?.(restOf(mount, path), verb);
  if (next === undefined) return [];
  const outside = { ...question, path: next };
  const steps = lock(outside);
  if (!steps.every(step => step.allowed))
    return steps.map(step => ({ ...step, why: `only what is local: ${step.why}` }));
  return [...steps, ...money(outside)];
}

/** Of what does not exist for the caller: the same words, whether anything is there and whoever serves it. */
const ANYWHERE: ExplainStep = { step: 'resolve', by: ROOT, allowed: true, why: 'a path of the tree' };

function resolve({ path, component }: MountPoint): ExplainStep {
  return {
    step: 'resolve',
    by: path,
    allowed: true,
    why: `served by ${component}; whether anything is there is not looked at`,
  };
}

function authorise({ policy, authority, verb, path }: Question): ExplainStep[] {
  if (authority.length === 0) {
    return [{ step: 'authorise', by: 'no set', allowed: false, why: 'nothing is granted to this caller' }];
  }
  return authority.map(set => {
    const ready = readySet(set);
    const says = decideSet(ready, verb, path, policy.now());
    return { step: 'authorise', by: set.name, allowed: says.outcome === 'allowed', why: saying(ready, verb, says) };
  });
}

function saying(set: ReadySet, verb: Verb, { outcome, rule, until }: Decision): string {
  if (outcome === 'withheld') return 'withheld: no rule reaches it, so it does not exist for this caller';
  if (rule === undefined) return set.all ? 'allowed: everything' : 'allowed: it has no say here';
  const ends = until === Number.POSITIVE_INFINITY ? '' : `, until ${new Date(until).toISOString()}`;
  return outcome === 'allowed' ? `allowed: ${rule}${ends}` : `denied: ${verb} is not in ${rule}${ends}`;
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
  const fits = budget.fits(scope, need, now());
  if (isOff(scope)) return { step: 'reserve', by: scope.layer, allowed: true, why: 'off' };
  const limit = `${amount(usd)}${per === 0 ? '' : ` in ${printDuration(per)}`}`;
  const subject = subjectOf(scope);
  const of = subject === undefined ? '' : ` for ${subject}`;
  const could = price === 0 || velocity ? '' : `, and this could cost $${printUsd(price)}`;
  return {
    step: 'reserve',
    by: scope.layer,
    allowed: fits,
    why: `${amount(used)} used of ${limit}${of}${could}`,
  };
}
