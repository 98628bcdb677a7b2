/** `.aos/` of a mount: what is known of it here, answered without asking anybody. */

import { printUsd } from '../core/cost/money.ts';
import type { AosError } from '../core/errors.ts';
import { parsePath } from '../core/path.ts';
import type { Caller, Millis, Node, Op, Path, PluginApi } from '../core/types.ts';
import { HttpFailure } from './http-client.ts';
import { spentAt } from './mount-spent.ts';

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

  /** Remembers what failed outside; what was refused here is the gate's to tell. */
  note({ uid }: Caller, path: Path, error: AosError): void {
    const { cause } = error;
    if (!(cause instanceof HttpFailure) && !OUTSIDE.has(error.kind)) return;
    const said = cause instanceof HttpFailure ? `\n${cause.body}` : '';
    this.last.delete(uid);
    this.last.set(uid, `${new Date(this.now()).toISOString()} ${path}\n${error.message}${said}`);
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
  /** One line for each fact about the cache. */
  cache(): string;
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
      return { kind: 'value', read: () => printUsd(spentAt(state.api, state.path)) };
    case 'cache':
      return local(() => state.cache());
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

/** Facts, one a line. */
export function linesOf(facts: object): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name}: ${String(value)}`)
    .join('\n');
}
