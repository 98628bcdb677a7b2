/** Further requests of one operation: each passes the gate again, so that it is reserved for and paid like the first. */

import { AosError } from '../core/errors.ts';
import { then } from '../core/maybe.ts';
import type { Caller, Maybe, Micros, Node, Op, PluginApi } from '../core/types.ts';
import type { Guard } from './mount-guard.ts';

export class Further {
  private readonly aos: PluginApi['aos'];
  private readonly price: Micros;
  private readonly guard: Guard;
  /** What is to be done inside the gate, by the caller made for it. */
  private readonly acts = new WeakMap<Caller, (op: Op) => Maybe<unknown>>();
  private asking: Micros | undefined;

  /** `price` is of a request of which nothing else is said. */
  constructor(api: PluginApi, price: Micros, guard: Guard) {
    this.aos = api.aos;
    this.price = price;
    this.guard = guard;
  }

  /** What the operation that passes the gate now costs, where it is a further one: no cache answers for it. */
  get cost(): Micros | undefined {
    return this.asking;
  }

  /** Runs `act` as an operation of its own: the same caller, verb (read or list) and path. Throws what the gate refuses with. */
  async again<T>(op: Op, act: (op: Op) => Maybe<T>, price: Micros = this.price): Promise<T> {
    const caller = sameAs(op.caller);
    const answers: { readonly answer: Maybe<T> }[] = [];
    this.acts.set(caller, further => {
      const answer = this.guard.run(further, act);
      answers.push({ answer });
      return answer;
    });
    await this.pass(caller, op, price);
    const [made] = answers;
    if (made !== undefined) return made.answer;
    throw new AosError('io', { component: 'mounts', path: op.path, why: 'a further request was not made' });
  }

  /** The node that stands for what `again` was given; undefined for an operation of anybody else. */
  node({ caller, verb }: Op): Node | undefined {
    const act = this.acts.get(caller);
    if (act === undefined) return undefined;
    if (verb === 'list') return { kind: 'dir', list: op => then(act(op), () => []) };
    return { kind: 'value', read: op => then(act(op), () => '') };
  }

  /** The gate asks for the price at once, before anything is waited for. */
  private pass(caller: Caller, { verb, path, signal }: Op, price: Micros): Maybe<unknown> {
    const cancel = { aborted: signal.aborted, signal, abort() {} };
    this.asking = price;
    try {
      return verb === 'list' ? this.aos.list(caller, path, cancel) : this.aos.read(caller, path, cancel);
    } finally {
      this.asking = undefined;
    }
  }
}

/** The same caller under another name, so that its further request can be told from its first. */
function sameAs(caller: Caller): Caller {
  const { uid, gid, door, authority, run, runs, agent, purses } = caller;
  return {
    uid,
    gid,
    door,
    authority,
    ...(run !== undefined && { run }),
    ...(runs !== undefined && { runs }),
    ...(agent !== undefined && { agent }),
    ...(purses !== undefined && { purses }),
    identity: fresh => caller.identity(fresh),
    ancestors: () => caller.ancestors?.() ?? [],
  };
}
