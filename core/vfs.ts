/**
 * The one gate under every door. Each operation passes, in this order: resolve, authorise, lock, reserve, plugin, settle,
 * audit. Refused at any step, the plugin never hears of it.
 */

import { NEVER } from './cancel.ts';
import { type Decision, Decisions } from './capabilities/decide.ts';
import { readySet } from './capabilities/grant.ts';
import type { Leases } from './capabilities/lease.ts';
import type { Breaker } from './cost/breaker.ts';
import { type Budget, FREE, type Reservation, type Scope } from './cost/budget.ts';
import { OverBudget } from './cost/refusal.ts';
import { AosError, asAosError, type ErrorKind } from './errors.ts';
import type { Hooks } from './hooks.ts';
import { isPromise } from './maybe.ts';
import { type Namespace, restOf } from './namespace.ts';
import { noSuch } from './refusals.ts';
import { isStream, watched } from './stream.ts';
import type {
  Authority,
  Caller,
  Cancel,
  Identity,
  Lease,
  LedgerEntry,
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
  readonly leases: Leases;
  readonly budget: Budget;
  readonly breaker: Breaker;
  readonly hooks: Hooks;
  readonly ledger: LedgerState;
  /** The budgets that an operation of this caller on this path counts against. */
  scopes(caller: Caller, path: Path, mount: MountPoint, lease: Lease | undefined): readonly Scope[];
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

const CHANGES: ReadonlySet<Verb> = new Set(['write', 'create', 'remove', 'call']);
/** Ordinary answers, not refusals: nobody wants a line of audit for a missing file. */
const ORDINARY: ReadonlySet<ErrorKind> = new Set(['not_found', 'no_attribute', 'interrupted', 'unsupported']);

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
    try {
      const mount = this.policy.namespace.at(path);
      this.authorise(caller, verb, path);
      const lease = mount.locked === true ? this.unlocked(caller, verb, path, mount) : undefined;
      if (mount.price !== undefined) held = this.reserve(op, mount, lease, request);
      component = mount.component;
      const result = act(mount, restOf(mount, path), op);
      if (isPromise(result)) return this.later(op, held, component, result);
      // What `done` gives stands for what it was given, so it is a T.
      return this.done(op, held, component, result) as T;
    } catch (thrown) {
      throw this.failed(op, held, asAosError(thrown, component, path));
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

  /** The caller's list with what plugins add. The same list each time, so that decisions can be kept by it. */
  private authorityOf(caller: Caller): Authority {
    const more = this.policy.hooks.narrowed(caller);
    return more.length === 0 ? caller.authority : [...caller.authority, ...more];
  }

  /** Whether the caller's authority can end by the clock alone, so that an open handle has to look each time. */
  timed(caller: Caller): boolean {
    return caller.authority.some(set => readySet(set).timed);
  }

  /** The steps that an open handle repeats: authority and lock. */
  recheck(caller: Caller, verb: Verb, path: Path, mount: MountPoint): void {
    this.authorise(caller, verb, path);
    if (mount.locked === true) this.unlocked(caller, verb, path, mount);
  }

  /** A grant, lease or limit changed: nothing decided before holds. */
  policyChanged(): void {
    this.epoch++;
    this.decisions.forget();
  }

  /** The lease that lets the caller in; undefined where the path is local. Refuses what is locked. */
  private unlocked(caller: Caller, verb: Verb, path: Path, mount: MountPoint): Lease | undefined {
    const rest = restOf(mount, path);
    if (mount.open?.(rest, verb) ?? rest === '') return undefined;
    const now = this.policy.now();
    const lease = this.policy.leases.find(caller, path, now);
    if (lease !== undefined) return lease;
    throw lockedError(mount, path, this.policy.leases.expired(caller, path, now));
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
    this.settle(op, held, undefined);
    return value;
  }

  private failed(op: Operation, held: Held | undefined, error: AosError): AosError {
    this.settle(op, held, error);
    return error;
  }

  /** Pays the real bill and tells the listeners. */
  private settle(op: Operation, held: Held | undefined, error: AosError | undefined): void {
    if (held !== undefined) {
      this.policy.ledger.settle(held.entry, held.reservation.spent);
      this.policy.budget.settle(held.reservation, this.policy.now());
    }
    const cost = held?.reservation.spent ?? 0;
    const tell = error === undefined ? cost > 0 || CHANGES.has(op.verb) : !ORDINARY.has(error.kind);
    if (tell) this.tell(op, cost, error);
  }

  private tell(op: Op, cost: Micros, error: AosError | undefined): void {
    const { caller } = op;
    const who = identityOf(caller);
    this.policy.hooks.tellSettled(
      Object.freeze({
        at: this.policy.now(),
        verb: op.verb,
        path: op.path,
        uid: caller.uid,
        pid: who?.pid ?? 0,
        sid: who?.sid ?? 0,
        door: caller.door,
        run: caller.run,
        agent: caller.agent,
        cost,
        error: error?.kind,
        errno: error?.errno,
        component: error?.component,
        why: error?.why,
        remedy: error?.remedy,
      }),
    );
  }
}

/** A process that has ended meanwhile has no identity any more; what it did is told all the same. */
function identityOf(caller: Caller): Identity | undefined {
  try {
    return caller.identity();
  } catch {
    return undefined;
  }
}

function lockedError(mount: MountPoint, path: Path, expired: Lease | undefined): AosError {
  const remedy = `open it with: aos unlock ${mount.path} --duration=30m`;
  if (expired !== undefined) {
    const at = new Date(expired.until).toISOString();
    return new AosError('lease_expired', { component: mount.component, path, why: `its lease ended at ${at}`, remedy });
  }
  const why = 'it is locked, because using it can cost money or leave the machine';
  return new AosError('locked', { component: mount.component, path, why, remedy });
}

function entryOf(op: Op, mount: MountPoint): Omit<LedgerEntry, 'at' | 'micros' | 'scopes'> {
  const models = '/aos/models/';
  return {
    path: op.path,
    uid: op.caller.uid,
    agent: op.caller.agent ?? '',
    model: op.path.startsWith(models) ? op.path.slice(models.length) : '',
    mount: mount.path,
    runs: op.caller.runs ?? [],
  };
}
