/**
 * Stands around every call of a mount's plugin: it ends by the deadline or when the caller gives up, whatever the plugin does, and
 * what it throws is an error with a remedy and without secrets.
 */

import { Cancellation, NEVER } from '../core/cancel.ts';
import { AosError, asAosError } from '../core/errors.ts';
import { isPromise } from '../core/maybe.ts';
import { isStream } from '../core/stream.ts';
import type { Caller, Cancel, Maybe, Meter, Micros, Millis, Op, Path, Verb } from '../core/types.ts';
import type { Secrets } from './mount-secrets.ts';
import type { Mishaps } from './mount-state.ts';

export interface GuardParts {
  /** Named in errors: the kind of mount. */
  readonly name: string;
  /** How long one call may take. */
  readonly timeout: Millis;
  readonly secrets: Secrets;
  readonly mishaps: Mishaps;
}

/** On whose behalf, and where, the plugin is called. */
type Where = Pick<Op, 'caller' | 'path'>;

/** What becomes of an answer that is waited for. */
interface Waiting<T> {
  readonly path: Path;
  /** Fires when the caller gives up. */
  readonly signal: AbortSignal;
  /** The error that stands for what was thrown. */
  tell(thrown: unknown): AosError;
  /** Nobody waits any more. */
  giveUp?(): void;
  /** Given an answer that came too late. */
  undo?: ((late: T) => void) | undefined;
}

export class Guard {
  private readonly parts: GuardParts;

  constructor(parts: GuardParts) {
    this.parts = parts;
  }

  /**
   * Runs one act of the plugin. It is given an operation of its own, whose signal fires at the deadline too, and whose meter takes
   * nothing more once the act was given up: what it has spent until then is the bill. Each step of a stream has a deadline of its
   * own. `undo` is given an answer that came too late.
   */
  run<T>(op: Op, act: (own: Op) => Maybe<T>, undo?: (late: T) => void): Maybe<T> {
    const own = new OwnOp(op);
    const answer = this.now(op, () => act(own));
    if (!isPromise(answer)) return this.begun(op, own, answer);
    return this.wait(this.waiting(op, own, undo), answer).then(value => this.begun(op, own, value));
  }

  /** Runs what answers at once. */
  now<T>(where: Where, act: () => T): T {
    try {
      return act();
    } catch (thrown) {
      throw this.told(where, thrown);
    }
  }

  /** As `now`, where it is not known who asked: the failure is not noted. */
  quiet<T>(path: Path, act: () => T): T {
    try {
      return act();
    } catch (thrown) {
      throw this.named(path, thrown);
    }
  }

  /** Opening the mount, which nobody can give up. `undo` is given a mount that came too late. */
  opening<T>(path: Path, act: () => Maybe<T>, undo: (late: T) => void): Maybe<T> {
    const answer = this.quiet(path, act);
    if (!isPromise(answer)) return answer;
    return this.wait({ path, signal: NEVER.signal, tell: thrown => this.named(path, thrown), undo }, answer);
  }

  private waiting<T>(op: Op, own: OwnOp, undo?: (late: T) => void): Waiting<T> {
    const { path, signal } = op;
    return { path, signal, tell: thrown => this.told(op, thrown), giveUp: () => own.end(), undo };
  }

  /** A stream goes on under guard; every other answer is whole. */
  private begun<T>(op: Op, own: OwnOp, value: T): T {
    // A stream of the same values stands for the stream.
    return isStream(value) ? (this.steps(op, own, value) as T) : value;
  }

  private async *steps(op: Op, own: OwnOp, values: AsyncIterable<unknown>): AsyncIterable<unknown> {
    const steps = values[Symbol.asyncIterator]();
    try {
      for (;;) {
        const step = await this.wait(this.waiting(op, own), steps.next());
        if (step.done === true) return;
        yield step.value;
      }
    } finally {
      own.end();
      // Not waited for: it may hang.
      Promise.resolve(steps.return?.()).catch(() => {});
    }
  }

  private wait<T>({ path, signal, tell, giveUp, undo }: Waiting<T>, answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let over = false;
      const end = (): boolean => {
        const first = !over;
        over = true;
        clearTimeout(timer);
        signal.removeEventListener('abort', interrupt);
        return first;
      };
      const stop = (error: AosError): void => {
        if (!end()) return;
        giveUp?.();
        reject(tell(error));
      };
      const interrupt = (): void => stop(this.error('interrupted', path, 'the operation was interrupted'));
      const timer = setTimeout(() => stop(this.late(path)), this.parts.timeout);
      signal.addEventListener('abort', interrupt);
      answer.then(
        value => {
          if (end()) resolve(value);
          else attempt(() => undo?.(value));
        },
        thrown => {
          if (end()) reject(tell(thrown));
        },
      );
      if (signal.aborted) interrupt();
    });
  }

  private late(path: Path): AosError {
    const why = `it has not answered within ${this.parts.timeout / 1000} s`;
    return this.error('timeout', path, why, 'try again, or mount it again with a longer --timeout');
  }

  private error(kind: 'interrupted' | 'timeout', path: Path, why: string, remedy?: string): AosError {
    return new AosError(kind, { component: this.parts.name, path, why, remedy });
  }

  private told({ caller, path }: Where, thrown: unknown): AosError {
    const error = this.named(path, thrown);
    this.parts.mishaps.note(caller, path, error);
    return error;
  }

  /** Without secrets, and with something to do about it. */
  private named(path: Path, thrown: unknown): AosError {
    const { name, secrets } = this.parts;
    const error = asAosError(secrets.error(thrown), name, path);
    if (thrown instanceof AosError || error.remedy !== undefined || error.kind === 'interrupted') return error;
    const { kind, why, cause } = error;
    const remedy = `if that is no help, ask whoever wrote the mount "${name}"`;
    return new AosError(kind, { component: name, path, why, remedy, cause });
  }
}

/** One act's view of its operation. */
class OwnOp implements Op {
  readonly caller: Caller;
  readonly verb: Verb;
  readonly path: Path;
  readonly cancel: Cancel = new Cancellation();
  readonly meter: OwnMeter;

  constructor({ caller, verb, path, meter }: Op) {
    this.caller = caller;
    this.verb = verb;
    this.path = path;
    this.meter = new OwnMeter(meter);
  }

  get signal(): AbortSignal {
    return this.cancel.signal;
  }

  end(): void {
    this.meter.closed = true;
    this.cancel.abort();
  }
}

/** Takes nothing once it is closed: the bill is settled. */
class OwnMeter implements Meter {
  closed = false;
  private readonly meter: Meter;

  constructor(meter: Meter) {
    this.meter = meter;
  }

  get max(): Micros {
    return this.meter.max;
  }

  get spent(): Micros {
    return this.meter.spent;
  }

  spend(amount: Micros): boolean {
    return !this.closed && this.meter.spend(amount);
  }
}

/** What is undone too late to be heard of. */
function attempt(act: () => void): void {
  try {
    act();
  } catch {
    // Whoever asked was told of the deadline.
  }
}
