/** What several verbs do with a run: wait for it, and say how it ended. */

import { AosError } from '../core/errors.ts';
import type { Client } from './client.ts';
import { type Fields, fields, number, text } from './shape.ts';

/** Gives `{pid, conversation, output, exit_code, cost_usd, reason}` once the run has ended. */
export async function waitFor(client: Client, pid: string): Promise<Fields> {
  return fields(await namingRun(pid, () => client.call(`/aos/procs/${pid}`, { op: 'wait' })));
}

/** Asks something of a run; that a file of it is missing means that there is no such run. */
export async function namingRun<T>(pid: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (thrown) {
    if (!(thrown instanceof AosError) || thrown.kind !== 'not_found') throw thrown;
    throw new AosError('not_found', {
      component: 'aos',
      path: `/aos/procs/${pid}`,
      why: `there is no run ${pid}`,
      remedy: 'see `aos ps -a`',
      cause: thrown,
    });
  }
}

export function exitCodeOf(end: Fields): number {
  return number(end, 'exit_code');
}

/** One sentence for a run that did not complete; undefined for one that did. */
export function complaint(end: Fields): string | undefined {
  if (exitCodeOf(end) === 0) return undefined;
  const message = text(end, 'message');
  const reason = text(end, 'reason', 'failed');
  return `aos: run ${text(end, 'pid')} ended: ${message === '' ? reason : message}`;
}

/** What scripts rely on, without what a plugin may have added. */
export function outcome(end: Fields): Fields {
  const { pid, conversation, output, exit_code, cost_usd, ...more } = end;
  return { pid, conversation, output, exit_code, cost_usd, ...more };
}
