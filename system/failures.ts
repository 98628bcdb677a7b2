/** The last refusals, for `aos why` and /aos/system/errors: those of the reader's own session, then of its user. */

import { type Caller, LIMITS, type Settled } from '../plugin-sdk/index.ts';

/** Refusals for want of money. */
const MONEY: ReadonlySet<string> = new Set(['budget', 'velocity', 'unpriced']);
/** Users remembered; the one who was refused longest ago goes first. */
const USERS_MAX = 256;

interface Kept {
  readonly id: number;
  readonly record: Settled;
}

export class Failures {
  /** By uid, so that nobody's refusals push out another's. */
  private readonly kept = new Map<number, Kept[]>();
  private next = 1;

  /** What is withheld looks like what is not there, and says no more here either. */
  add(record: Settled): void {
    if (record.error === undefined || (record.error === 'not_found' && record.of === undefined)) return;
    const own = this.kept.get(record.uid) ?? [];
    own.push({ id: this.next++, record });
    if (own.length > LIMITS.errors_kept) own.shift();
    this.kept.delete(record.uid);
    this.kept.set(record.uid, own);
    const [oldest] = this.kept.keys();
    if (this.kept.size > USERS_MAX && oldest !== undefined) this.kept.delete(oldest);
  }

  /** Most recent first; nobody else's. The newest of the reader's session stand before the rest of its user's. */
  of(caller: Caller): object[] {
    return this.own(caller).map(({ record }) => shape(record));
  }

  text(caller: Caller): string {
    return this.of(caller)
      .map(record => JSON.stringify(record))
      .join('\n');
  }

  /** What was refused for want of money, by a number that stays its own. */
  blocked(caller: Caller): { id: number; refusal: object }[] {
    return this.own(caller)
      .filter(({ record }) => MONEY.has(record.error ?? ''))
      .map(({ id, record }) => ({ id, refusal: shape(record) }));
  }

  private own(caller: Caller): Kept[] {
    const all = (this.kept.get(caller.uid) ?? []).toReversed();
    // A run may see less than its user: it is told of its own refusals only.
    if (caller.run !== undefined) return all.filter(({ record }) => record.run === caller.run);
    const { sid } = caller.identity();
    const here = all.filter(({ record }) => record.sid === sid);
    return [...here, ...all.filter(({ record }) => record.sid !== sid)];
  }
}

function shape(record: Settled): object {
  const { path, of, why } = record;
  const below = of?.startsWith(`${path}/`) === true;
  return {
    at: new Date(record.at).toISOString(),
    kind: record.error,
    errno: record.errno,
    verb: record.verb,
    component: record.component,
    path: below ? of : path,
    why: below || of === undefined ? why : `${of}: ${why}`,
    remedy: record.remedy ?? null,
    pid: record.pid,
    agent: record.agent ?? null,
  };
}
