/**
 * The one gate under every door. Each operation passes, in this order: resolve, authorise, lock, reserve, plugin, settle,
 * audit. Refused at any step, the plugin never hears of it.
 */

import { NEVER } from './cancel.ts';
import { type Decision, Decisions } from './capabilities/decide.ts';
import { readySet } from './capabilities/grant.ts';
import type { Leases } from './capabilities/lease.ts';
import { isGuarded, unlocked } from './capabilities/lock.ts';
import type { Standing } from './capabilities/standing.ts';
import type { Breaker } from './cost/breaker.ts';
import { type Budget, FREE, type Reservation, type Scope } from './cost/budget.ts';
import { OverBudget } from './cost/refusal.ts';
import { AosError, asAosError, type ErrorKind } from './errors.ts';
import type { Hooks } from './hooks.ts';
import { isPromise } from './maybe.ts';
import { type Namespace, restOf } from './namespace.ts';
import { BaseHandle } from './nodes/handle.ts';
import { entryOf, recordOf } from './record.ts';
import { noSuch } from './refusals.ts';
import { isStream, watched } from './stream.ts';
import type {
  Authority,
  Caller,
  Cancel,
  Lease,
  LedgerState,
  Maybe,
  Meter,
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

/** One operation on its way through. */
class Operation implements Op {
  readonly caller: Caller;
  readonly verb: Verb;
  readonly path: Path;
  meter: Meter = FREE;
  private readonly cancel: Cancel;

  constructor(caller: Caller, verb: Verb, path: Path, cancel: Cancel) {
    this.caller = caller;
    this.verb = verb;
    this.path = path;
    this.cancel = cancel;
  }

  get signal(): AbortSignal {
    return this.cancel.signal;
  }
}

/** Money held for one operation until it is settled. */
interface Held {
  readonly reservation: Reservation;
  readonly entry: number;
}

const LOOKS: ReadonlySet<Verb> = new Set(['read', 'list']);
const CHANGES: ReadonlySet<Verb> = new Set(['write', 'create', 'remove', 'call']);
/** Ordinary answers, not refusals: nobody wants a line of audit for a missing file. */
const ORDINARY: ReadonlySet<ErrorKind> = new Set([
  'not_found',
  'not_dir',
  'is_dir',
  'no_attribute',
  'interrupted',
  'unsupported',
]);

export class Vfs {
  /** Grows whenever a grant, lease or policy changes: decisions and open handles look again. */
  epoch = 0;
  readonly policy: Policy;
  private readonly decisions = new Decisions();

  constructor(policy: Policy) {
    this.policy = policy;
  }

  /** Runs `act` if every step before it agrees. Answers at once where the plugin does. Throws (or rejects with) AosError. */
  perform<T>(caller: Caller, verb: Verb, path: Path, act: Act<T>, cancel: Cancel = NEVER, request?: unknown): Maybe<T> {
    const op = new Operation(caller, verb, path, cancel);
    let component = 'core';
    let held: Held | undefined;
    let refused = true;
    try {
      const mount = this.policy.namespace.at(path);
      this.authorise(caller, verb, path);
      const lease = this.unlocked(caller, verb, path, mount);
      if (mount.price !== undefined) held = this.reserve(op, mount, lease, request);
      component = mount.component;
      refused = false;
      const result = act(mount, restOf(mount, path), op);
      if (isPromise(result)) return this.later(op, held, component, result);
      // What `done` gives stands for what it was given, so it is a T.
      return this.done(op, held, component, result) as T;
    } catch (thrown) {
      throw this.failed(op, held, asAosError(thrown, component, path), refused);
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
      remedy: `see: aos explain ${verb} ${path}`,
    });
  }

  decision(caller: Caller, verb: Verb, path: Path): Decision {
    return this.decisions.decide(this.authorityOf(caller), verb, path, this.policy.now);
  }

  /** The caller's list with what the configuration and plugins add. Without plugins' sets the same list each time. */
  authorityOf(caller: Caller): Authority {
    // A set narrows what the others allow. Alone it would give rights to whoever has none.
    if (caller.authority.length === 0) return caller.authority;
    const authority = caller.door === 'system' ? caller.authority : this.policy.standing.over(caller.authority);
    const more = this.policy.hooks.narrowed(caller);
    return more.length === 0 ? authority : [...authority, ...more];
  }

  /** Whether the caller's authority can end by the clock alone, so that an open handle has to look each time. */
  timed(caller: Caller): boolean {
    return this.authorityOf(caller).some(set => readySet(set).timed);
  }

  /** The steps that an open handle repeats: authority and lock. */
  recheck(caller: Caller, verb: Verb, path: Path, mount: MountPoint): void {
    this.authorise(caller, verb, path);
    this.unlocked(caller, verb, path, mount);
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
    const reservation = this.take(scopes, max, op.path);
    try {
      const entry = ledger.reserve({ ...entryOf(op, mount), at: now(), micros: max, scopes: scopes.map(s => s.key) });
      op.meter = reservation;
      return { reservation, entry };
    } catch (error) {
      // What could not be written down was not spent, and nothing outside was touched.
      budget.settle(reservation, now());
      throw error;
    }
  }

  /** Reserves; a machine-wide limit that is reached trips the breaker. */
  private take(scopes: readonly Scope[], max: Micros, path: Path): Reservation {
    try {
      return this.policy.budget.reserve(scopes, max, this.policy.now(), path);
    } catch (error) {
      if (error instanceof OverBudget && error.trips) {
        this.policy.breaker.trip({ at: this.policy.now(), path, why: error.why });
      }
      throw error;
    }
  }

  private async later<T>(op: Operation, held: Held | undefined, component: string, result: Promise<T>): Promise<T> {
    let value: T;
    try {
      value = await result;
    } catch (thrown) {
      throw this.failed(op, held, asAosError(thrown, component, op.path));
    }
    return this.done(op, held, component, value) as T;
  }

  /** Over, unless the answer is a stream that goes on costing. */
  private done(op: Operation, held: Held | undefined, component: string, value: unknown): unknown {
    if (held !== undefined && isStream(value)) {
      const name = (thrown: unknown): AosError => asAosError(thrown, component, op.path);
      return watched(value, name, error => this.settle(op, held, error));
    }
    // What is written through a handle is told when it is committed.
    const opened = op.verb === 'write' && value instanceof BaseHandle;
    this.settle(op, held, undefined, opened ? 'opened' : undefined);
    return value;
  }

  private failed(op: Operation, held: Held | undefined, error: AosError, refused = false): AosError {
    this.settle(op, held, error, refused ? 'refused' : undefined);
    return error;
  }

  /**
   * Pays the real bill and tells the listeners. `refused`: by the gate itself, whatever kind of error that looks like.
   * `opened`: nothing has changed yet.
   */
  private settle(
    op: Operation,
    held: Held | undefined,
    error: AosError | undefined,
    how?: 'refused' | 'opened' | undefined,
  ): void {
    if (held !== undefined) {
      try {
        this.policy.ledger.settle(held.entry, held.reservation.spent);
      } finally {
        // A bill that cannot be written down counts in full after a restart; until then as what it is.
        this.policy.budget.settle(held.reservation, this.policy.now());
      }
    }
    const cost = held?.reservation.spent ?? 0;
    // The daemon's own free look-ups are nobody's business.
    const own = op.caller.door === 'system' && op.verb === 'call';
    const changes = how !== 'opened' && CHANGES.has(op.verb) && !own;
    const asked = LOOKS.has(op.verb) && this.policy.readsTold();
    const tell = error === undefined ? cost > 0 || changes || asked : how === 'refused' || !ORDINARY.has(error.kind);
    if (tell) this.policy.hooks.tellSettled(recordOf(op, cost, error, this.policy.now()));
  }
}
