/** The last refusals, for `aos why` and /aos/system/errors: those of the reader's own session, then of its user. */

import { type Caller, LIMITS, type Settled } from '../plugin-sdk/index.ts';

export class Failures {
  private readonly kept: Settled[] = [];

  add(record: Settled): void {
    if (record.error === undefined) return;
    this.kept.push(record);
    if (this.kept.length > LIMITS.errors_kept) this.kept.shift();
  }

  /** Most recent first; nobody else's. The newest of the reader's session stand before the rest of its user's. */
  of(caller: Caller): object[] {
    const { sid } = caller.identity();
    const own = this.kept.filter(record => record.uid === caller.uid).reverse();
    const here = own.filter(record => record.sid === sid);
    return [...here, ...own.filter(record => record.sid !== sid)].map(shape);
  }

  text(caller: Caller): string {
    return this.of(caller)
      .map(record => JSON.stringify(record))
      .join('\n');
  }
}

function shape(record: Settled): object {
  return {
    at: new Date(record.at).toISOString(),
    kind: record.error,
    errno: record.errno,
    verb: record.verb,
    component: record.component,
    path: record.path,
    why: record.why,
    remedy: record.remedy ?? null,
  };
}
