/** One operation on its way through the gate, and what it may ask beyond its own verb and path. */

import { FREE, type Reservation } from './cost/budget.ts';
import type { Caller, Cancel, Meter, MountPoint, Op, Path, Verb } from './types.ts';

export class Operation implements Op {
  readonly caller: Caller;
  readonly verb: Verb;
  readonly path: Path;
  readonly cancel: Cancel;
  meter: Meter = FREE;
  told?: string | false;

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
export interface Held {
  readonly reservation: Reservation;
  readonly entry: number;
}

/** A further act that an operation amounts to. */
interface Ask {
  readonly verb: Verb;
  readonly path: Path;
}

export interface Terms {
  /** What it was begun with: where another mount serves the path by now, the operation is refused as `gone`. */
  readonly mount?: MountPoint;
  /** Each is authorised and may be behind a lock, like the operation itself. */
  readonly also?: readonly Ask[];
  /** What is asked, where the path does not say, for those who hear how it went. */
  readonly told?: string;
}
