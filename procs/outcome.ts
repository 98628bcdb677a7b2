/** What a run came to, and waiting for it. */

import { AosError, type RunEnd } from '../plugin-sdk/index.ts';
import { costOf } from './cost.ts';
import type { Run } from './run.ts';

/** What waiting for a run gives. */
export interface Outcome {
  readonly pid: number;
  readonly conversation: string;
  readonly output: string;
  readonly exit_code: number;
  /** Null where it is not known. */
  readonly cost_usd: number | null;
  readonly reason: string;
  readonly message?: string;
}

export function outcomeOf(run: Run, end: RunEnd): Outcome {
  return {
    pid: run.pid,
    conversation: run.info.conversation,
    output: end.output,
    exit_code: end.code,
    cost_usd: costOf(run),
    reason: end.reason,
    ...(end.message !== undefined && { message: end.message }),
  };
}

/** The answer, or an error as soon as whoever waits gives up. */
export function interruptible<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const give = (): void =>
      reject(new AosError('interrupted', { component: 'procs', why: 'the wait was interrupted; the run goes on' }));
    if (signal.aborted) give();
    signal.addEventListener('abort', give, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', give));
  });
}
