/** `.aos/` of a mount: what is known of it here, answered without asking anybody. */

import { printUsd } from '../core/cost/money.ts';
import { AosError } from '../core/errors.ts';
import { isPromise } from '../core/maybe.ts';
import { parsePath } from '../core/path.ts';
import type { Caller, Maybe, Millis, Node, Op, Path, PluginApi } from '../core/types.ts';
import { HttpFailure } from './http-client.ts';

/** The directory's name. */
export const AOS = '.aos';
/** Where the service's own listing of the top is asked for. */
export const INDEX = `${AOS}/index`;

const FILES = ['mode', 'locked', 'cost', 'cache', 'error'];
const USERS_MAX = 100;
/** Kinds that only what is outside can bring about. */
const OUTSIDE: ReadonlySet<string> = new Set(['upstream', 'timeout', 'rate_limited', 'io']);

/** The last thing that went wrong outside, for each user: nobody reads another's. */
export class Mishaps {
  private readonly last = new Map<number, string>();
  private readonly now: () => Millis;

  constructor(now: () => Millis) {
    this.now = now;
  }

  of(uid: number): string {
    return this.last.get(uid) ?? '';
  }

  /** Runs `fn` and remembers how it failed. */
  watch<T>(op: Op, fn: () => Maybe<T>): Maybe<T> {
    const note = (error: unknown): never => {
      this.note(op, error);
      throw error;
    };
    try {
      const result = fn();
      return isPromise(result) ? result.catch(note) : result;
    } catch (error) {
      return note(error);
    }
  }

  private note(op: Op, error: unknown): void {
    if (error instanceof AosError && !(error.cause instanceof HttpFailure) && !OUTSIDE.has(error.kind)) return;
    const text = error instanceof Error ? error.message : String(error);
    const said = error instanceof AosError && error.cause instanceof HttpFailure ? `\n${error.cause.body}` : '';
    this.last.delete(op.caller.uid);
    this.last.set(op.caller.uid, `${new Date(this.now()).toISOString()} ${op.path}\n${text}${said}`);
    for (const oldest of this.last.keys()) {
      if (this.last.size <= USERS_MAX) break;
      this.last.delete(oldest);
    }
  }
}

export interface MountState {
  readonly path: Path;
  readonly api: PluginApi;
  readonly writable: boolean;
  readonly allowDelete: boolean;
  readonly mishaps: Mishaps;
  cache(): object;
  forget(): void;
}

/** The node at `rest` below `.aos`. */
export function aosNode(rest: string, state: MountState): Node | undefined {
  if (rest === '') return { kind: 'dir', list: () => FILES.map(name => ({ name, kind: 'value' })) };
  switch (rest) {
    case 'mode':
      return local(() => `${state.writable ? 'rw' : 'ro'}${state.writable && state.allowDelete ? ',delete' : ''}`);
    case 'locked':
      return local(op => String(isLocked(state.api, state.path, op.caller)));
    case 'cost':
      return local(() => spentAt(state));
    case 'cache':
      return local(() => linesOf(state.cache()));
    case 'error':
      return local(op => state.mishaps.of(op.caller.uid));
    default:
      return undefined;
  }
}

function local(read: (op: Op) => string): Node {
  return { kind: 'value', local: true, read };
}

/** Whether a caller has no lease for a mount. */
export function isLocked(api: PluginApi, path: Path, caller: Caller): boolean {
  const { steps } = api.aos.explain(caller, 'list', parsePath(`${path}/${INDEX}`));
  return steps.some(({ step, allowed }) => step === 'lock' && !allowed);
}

/** Everything ever spent here, as `0.23`. */
function spentAt({ api, path }: MountState): string {
  const row = api.state.ledger.report('mount', 0).find(({ key }) => key === path);
  return printUsd(row?.micros ?? 0);
}

function linesOf(facts: object): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name}: ${String(value)}`)
    .join('\n');
}
