/** Pays what each act of a mount costs when it begins, and keeps what was read for a while. */

import { printUsd } from '../core/cost/money.ts';
import { AosError } from '../core/errors.ts';
import { ending, then } from '../core/maybe.ts';
import type { Maybe, Micros, Millis, Op, Verb } from '../core/types.ts';
import { Cache, type CacheState } from './cache.ts';
import type { Costs } from './mount.ts';
import type { Further } from './mount-further.ts';
import type { Act } from './mount-nodes.ts';

export interface AccountParts {
  readonly name: string;
  readonly costs: Costs;
  /** How long an answer is kept; 0: not at all. */
  readonly ttl: Millis;
  readonly further: Further;
  now(): Millis;
}

/** The verbs after which what is kept may hold no more. */
export const CHANGES: ReadonlySet<Verb> = new Set(['write', 'create', 'remove']);

export class Accounts {
  private readonly parts: AccountParts;
  private readonly cache = new Cache<unknown>();

  constructor(parts: AccountParts) {
    this.parts = parts;
  }

  /** What an act costs now: nothing where the cache answers. Pure. */
  price(verb: Verb, rest: string, cursor?: string): Micros {
    const cost = this.costOf(verb);
    if (cost === 0 || this.isFresh(keyOf(verb, rest, cursor))) return 0;
    const slash = rest.lastIndexOf('/');
    const isField = slash > 0 && this.isFresh(keyOf(verb, rest.slice(0, slash), fieldKey(rest.slice(slash + 1))));
    return isField ? 0 : cost;
  }

  /** Runs an act on what is at `rest`, paid for and kept where it is of that kind. */
  act<T>(rest: string, op: Op, fn: (op: Op) => Maybe<T>, act: Act): Maybe<T> {
    const { verb } = act;
    if (verb === undefined) return fn(op);
    if (act.kept === true) return this.look(rest, op, fn, act, verb);
    this.pay(op, verb);
    if (!CHANGES.has(verb)) return fn(op);
    this.forgetAt(rest);
    return ending(
      () => fn(op),
      () => this.forgetAt(rest),
    );
  }

  state(): CacheState {
    return this.cache.state();
  }

  /** What is kept, or what is asked for now. */
  private look<T>(rest: string, op: Op, fn: (op: Op) => Maybe<T>, { cursor, field }: Act, verb: Verb): Maybe<T> {
    const key = keyOf(verb, rest, field === undefined ? cursor : fieldKey(field));
    const covered = covers(op, this.costOf(verb));
    // What was fresh when the price was asked is given, even if it has just expired: nothing was reserved for more.
    const isPriced = field === undefined && verb === op.verb;
    const known = this.cache.take(key, this.parts.now()) ?? (!covered && isPriced ? this.cache.peek(key) : undefined);
    // Only answers of this same act were kept under its key.
    if (known !== undefined) return known as T;
    const ask = (paying: Op): Maybe<T> => {
      this.pay(paying, verb);
      const { generation } = this.cache;
      return then(fn(paying), value => {
        if (generation === this.cache.generation) this.keep(key, value);
        return value;
      });
    };
    // The gate was asked for another act, such as reading the whole, which is kept: this one passes it by itself.
    return covered ? ask(op) : this.parts.further.again(op, ask, this.costOf(verb));
  }

  /** Throws `unpriced` for more than was reserved. */
  private pay(op: Op, verb: Verb): void {
    const cost = this.costOf(verb);
    if (!covers(op, cost)) {
      const why = `to ${verb} costs $${printUsd(cost)} here, and $${printUsd(op.meter.max)} was reserved for this ${op.verb}`;
      const remedy = `ask whoever wrote the mount "${this.parts.name}" to declare what a ${op.verb} costs`;
      throw new AosError('unpriced', { component: this.parts.name, path: op.path, why, remedy });
    }
    op.meter.spend(cost);
  }

  private costOf(verb: Verb): Micros {
    return this.parts.costs[verb] ?? 0;
  }

  private isFresh(key: string): boolean {
    return this.cache.fresh(key, this.parts.now()) !== undefined;
  }

  private keep(key: string, value: unknown): void {
    const { ttl, now } = this.parts;
    if (ttl > 0) this.cache.put(key, value, sizeOf(value), now() + ttl);
  }

  /** What was written to, what is below it, and the listings that name it. */
  private forgetAt(rest: string): void {
    const parent = rest.slice(0, Math.max(0, rest.lastIndexOf('/')));
    this.cache.forgetIf(key => {
      const at = key.slice(key.indexOf(' ') + 1).replace(/\n.*$/s, '');
      return at === rest || at.startsWith(`${rest}/`) || at === parent;
    });
  }
}

function covers({ meter }: Op, cost: Micros): boolean {
  return meter.max - meter.spent >= cost;
}

/** No path has a newline. */
function keyOf(verb: Verb, rest: string, part: string | undefined): string {
  return part === undefined ? `${verb} ${rest}` : `${verb} ${rest}\n${part}`;
}

/** No cursor begins with a dot. */
function fieldKey(field: string): string {
  return `.${field}`;
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length;
  return Array.isArray(value) ? value.length * 64 : 64;
}
