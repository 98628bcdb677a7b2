/**
 * The one gate under every door. Each operation passes, in this order: resolve, authorise, lock, reserve, plugin, settle,
 * audit. Refused at any step, the plugin never hears of it.
 */

import { NEVER } from './cancel.ts';
import { type Decision, Decisions } from './capabilities/decide.ts';
import { readySet } from './capabilities/grant.ts';
import { Joined } from './capabilities/joined.ts';
import type { Leases } from './capabilities/lease.ts';
import { isGuarded, unlocked } from './capabilities/lock.ts';
import type { Standing } from './capabilities/standing.ts';
import type { Breaker } from './cost/breaker.ts';
import { type Budget, keyOf, type Reservation, type Scope } from './cost/budget.ts';
import { OverBudget } from './cost/refusal.ts';
import { isSummed } from './cost/scopes.ts';
import { AosError, asAosError } from './errors.ts';
import type { Hooks } from './hooks.ts';
import { isPromise } from './maybe.ts';
import { type Namespace, restOf } from './namespace.ts';
import { BaseHandle } from './nodes/handle.ts';
import { type Held, Operation, type Terms } from './operation.ts';
import { entryOf, isTold, type Outcome, recordOf } from './record.ts';
import { gone, noSuch } from './refusals.ts';
import { isStream, watched } from './stream.ts';
import type {
  Authority,
  Caller,
  Cancel,
  Lease,
  LedgerState,
  Maybe,
  Micros,
  Millis,
  MountPoint,
  Op,
  Path,
  Verb,
} from './types.ts';

export interface Policy {
  readonly namespace: Namespace;
  readonly standing: Standing;
  readonly leases: Leases;
  readonly budget: Budget;
  readonly breaker: Breaker;
  readonly hooks: Hooks;
  readonly ledger: LedgerState;
  /** The budgets that an operation of this caller on this path counts against. */
  scopes(caller: Caller, path: Path, mount: MountPoint, lease: Lease | undefined): readonly Scope[];
  /** Whether reads of what is free are told as well. */
  readsTold(): boolean;
  now(): Millis;
}

/** What the plugin does once everybody else has agreed. */
export type Act<T> = (mount: MountPoint, rest: string, op: Op) => Maybe<T>;

export class Vfs {
  /** Grows whenever a grant, lease or policy changes: decisions and open handles look again. */
  epoch = 0;
  readonly policy: Policy;
  private readonly decisions = new Decisions();
  private readonly joined = new Joined();
  /** Operations that the gate refused when their plugin had begun. */
  private readonly refused = new WeakSet<Op>();

  constructor(policy: Policy) {
    this.policy = policy;
  }

  /** Runs `act` if every step before it agrees. Answers at once where the plugin does. Throws (or rejects with) AosError. */
  perform<T>(
    caller: Caller,
    verb: Verb,
    path: Path,
    act: Act<T>,
    cancel: Cancel = NEVER,
    request?: unknown,
    terms?: Terms,
  ): Maybe<T> {
    const op = new Operation(caller, verb, path, cancel);
    if (terms?.told !== undefined) op.told = terms.told;
    let component = 'core';
    let held: Held | undefined;
    let refused = true;
    let result: Maybe<T>;
    try {
      const mount = this.policy.namespace.at(path);
      this.authorise(caller, verb, path);
      if (terms !== undefined) this.meet(terms, caller, path, mount);
      const lease = this.unlocked(caller, verb, path, mount);
      if (mount.price !== undefined) held = this.reserve(op, mount, lease, request);
      component = mount.component;
      refused = false;
      result = act(mount, restOf(mount, path), op);
    } catch (thrown) {
      throw this.over(op, held, asAosError(thrown, component, path), refused ? 'refused' : undefined);
    }
    if (isPromise(result)) return this.later(op, held, component, result);
    // What `done` gives stands for what it was given, so it is a T.
    return this.done(op, held, component, result) as T;
  }

  /** One more act that an operation turns out to be, once its node is known. Refuses it as the gate does. */
  also(op: Op, verb: Verb, path: Path): void {
    try {
      this.recheck(op.caller, verb, path, this.policy.namespace.at(path));
    } catch (error) {
      this.refused.add(op);
      throw error;
    }
  }

  /** Refuses what is withheld (ENOENT) or denied (EACCES). */
  authorise(caller: Caller, verb: Verb, path: Path): void {
    const decision = this.decision(caller, verb, path);
    if (decision.outcome === 'allowed') return;
    if (decision.outcome === 'withheld') {
      throw noSuch(path);
    }
    throw new AosError('denied', {
      component: 'core',
      path,
      why: `${decision.set} does not grant ${verb}`,
      remedy: `see: aos explain ${verb} ${path}${caller.agent === undefined ? '' : ` --as ${caller.agent}`}`,
    });
  }

  allows(caller: Caller, verb: Verb, path: Path): boolean {
    return this.decision(caller, verb, path).outcome === 'allowed';
  }

  decision(caller: Caller, verb: Verb, path: Path): Decision {
    return this.decisions.decide(this.authorityOf(caller), verb, path, this.policy.now);
  }

  /** The caller's list with what the configuration and plugins add: the same list each time while they add the same sets. */
  authorityOf(caller: Caller): Authority {
    // A set narrows what the others allow. Alone it would give rights to whoever has none.
    if (caller.authority.length === 0) return caller.authority;
    const authority = caller.door === 'system' ? caller.authority : this.policy.standing.over(caller.authority);
    const more = this.policy.hooks.narrowed(caller);
    return more.length === 0 ? authority : this.joined.of(authority, more);
  }

  /** Whether the caller's authority can end by the clock alone, so that an open handle has to look each time. */
  timed(caller: Caller): boolean {
    return this.authorityOf(caller).some(set => readySet(set).timed);
  }

  /** The steps that an open handle repeats: authority, the mount it was opened in, lock. */
  recheck(caller: Caller, verb: Verb, path: Path, mount: MountPoint): void {
    this.authorise(caller, verb, path);
    if (this.policy.namespace.at(path) !== mount) throw gone(path);
    this.unlocked(caller, verb, path, mount);
  }

  /** An open handle comes back: what refuses it is told like any refusal. */
  comeBack(caller: Caller, verb: Verb, path: Path, mount: MountPoint): void {
    try {
      this.recheck(caller, verb, path, mount);
    } catch (thrown) {
      throw this.over(new Operation(caller, verb, path, NEVER), undefined, asAosError(thrown, 'core', path), 'refused');
    }
  }

  private meet({ mount, also = [] }: Terms, caller: Caller, path: Path, found: MountPoint): void {
    if (mount !== undefined && mount !== found) throw gone(path);
    for (const ask of also) this.recheck(caller, ask.verb, ask.path, this.policy.namespace.at(ask.path));
  }

  /** A grant, lease or limit changed: nothing decided before holds. */
  policyChanged(): void {
    this.epoch++;
    this.decisions.forget();
  }

  /** The lease that lets the caller in; undefined where none is needed. */
  private unlocked(caller: Caller, verb: Verb, path: Path, mount: MountPoint): Lease | undefined {
    if (!isGuarded(mount)) return undefined;
    return unlocked(this.policy.leases, caller, verb, path, mount, this.policy.now());
  }

  private reserve(op: Operation, mount: MountPoint, lease: Lease | undefined, request: unknown): Held | undefined {
    const max: Micros = mount.price?.(op.verb, restOf(mount, op.path), request) ?? 0;
    if (max === 0) return undefined;
    const { budget, breaker, ledger, now } = this.policy;
    breaker.check(op.path);
    op.caller.identity(true);
    const scopes = this.policy.scopes(op.caller, op.path, mount, lease);
    const reservation = this.take(scopes, max, op);
    try {
      const keys = { scopes: scopes.map(keyOf), summed: scopes.filter(isSummed).map(keyOf) };
      const entry = ledger.reserve({ ...entryOf(op, mount), ...keys, at: now(), micros: max });
      op.meter = reservation;
      return { reservation, entry };
    } catch (error) {
      // What could not be written down was not spent, and nothing outside was touched.
      budget.settle(reservation, now());
      throw error;
    }
  }

  /** Reserves; a machine-wide limit that is reached trips the breaker. */
  private take(scopes: readonly Scope[], max: Micros, { path, caller }: Op): Reservation {
    const now = this.policy.now();
    try {
      return this.policy.budget.reserve(scopes, max, now, { path, agent: caller.agent });
    } catch (error) {
      if (error instanceof OverBudget && error.tripped !== undefined) {
        this.policy.breaker.trip({ at: now, path, why: error.tripped });
      }
      throw error;
    }
  }

  private async later<T>(op: Operation, held: Held | undefined, component: string, result: Promise<T>): Promise<T> {
    let value: T;
    try {
      value = await result;
    } catch (thrown) {
      throw this.over(op, held, asAosError(thrown, component, op.path));
    }
    return this.done(op, held, component, value) as T;
  }

  /** Over, unless the answer is a stream that goes on costing. */
  private done(op: Operation, held: Held | undefined, component: string, value: unknown): unknown {
    if (held !== undefined && isStream(value)) {
      const name = (thrown: unknown): AosError => asAosError(thrown, component, op.path);
      return watched(value, name, error => this.over(op, held, error));
    }
    // What is written through a handle is told when it is committed.
    const handle = value instanceof BaseHandle ? value : undefined;
    const opened = op.verb === 'write' && handle !== undefined;
    const unpaid = this.over(op, held, undefined, opened ? 'opened' : undefined);
    if (unpaid === undefined) return value;
    handle?.abandon();
    throw unpaid;
  }

  /** Pays the real bill and tells the listeners, once. Gives the error that the caller is to hear, if any. */
  private over(
    op: Operation,
    held: Held | undefined,
    error: AosError | undefined,
    how?: Outcome,
  ): AosError | undefined {
    const unpaid = held === undefined ? undefined : this.settle(op, held);
    const cost = held?.reservation.spent ?? 0;
    const said = error ?? unpaid;
    const outcome = said !== undefined && this.refused.has(op) ? 'refused' : how;
    if (isTold(op, cost, said, outcome, this.policy.readsTold())) {
      this.policy.hooks.tellSettled(recordOf(op, cost, said, this.policy.now()));
    }
    if (error === undefined || unpaid === undefined) return said;
    return new AosError(error.kind, { ...error, why: `${error.why}; and ${unpaid.message}`, cause: error });
  }

  /** Gives what kept the bill from being written down. It counts in full after a restart; until then as what it is. */
  private settle({ path }: Operation, { entry, reservation }: Held): AosError | undefined {
    const { ledger, budget } = this.policy;
    const now = this.policy.now();
    try {
      ledger.settle(entry, reservation.spent, now);
      return undefined;
    } catch (thrown) {
      return asAosError(thrown, 'core', path);
    } finally {
      budget.settle(reservation, now);
    }
  }
}
