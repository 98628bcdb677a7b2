/** What `unlock` and `run` have in common: the flags of a lease, and asking for one. */

import { parseDuration } from '../core/duration.ts';
import { AosError } from '../core/errors.ts';
import { type Fields, fields } from './shape.ts';
import type { Context, Flag } from './verb.ts';

const UNLOCK = '/aos/system/unlock';

export const LEASE_FLAGS: readonly Flag[] = [
  { flags: '-d, --duration <time>', help: 'how long, such as 45s, 30m or 2h; at most 24h' },
  { flags: '--budget <usd>', help: 'what may be spent under it, instead of the budgets of process, session and user' },
];

/** Asks for a lease, or with `dry_run` for an estimate. Throws `invalid` for a duration or budget that is none. */
export async function askLease(context: Context, path: string, more: Fields = {}): Promise<Fields> {
  const { client, flags } = context;
  const request = { path, duration_ms: durationOf(context), budget_usd: flags.number('budget'), ...more };
  return fields(await client.call(UNLOCK, request));
}

function durationOf({ flags }: Context): number {
  const text = flags.text('duration');
  if (text === undefined) throw flags.wrong('say for how long: --duration=30m');
  try {
    return parseDuration(text);
  } catch (thrown) {
    if (!(thrown instanceof AosError)) throw thrown;
    const { why, remedy, cause } = thrown;
    throw new AosError('invalid', { component: 'aos', path: '--duration', why, remedy, cause });
  }
}
