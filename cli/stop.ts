/** The end of the daemon: runs drain, the doors close, then plugins and store. Each step is taken, whatever became of the others. */

import { LIMITS } from '../core/limits.ts';
import type { Log, Maybe } from '../core/types.ts';

/** Of the grace there is, kept for the steps that follow the plugins' own. */
const AFTERWARDS_MS = 2_000;

export interface Step {
  /** What it is about, as the log says where it fails. */
  readonly what: string;
  act(): Maybe<unknown>;
}

export interface Parts {
  /** Lets the plugins finish what they are at; not waited for beyond the grace. */
  readonly drain: () => Maybe<unknown>;
  /** In this order. */
  readonly steps: readonly Step[];
  readonly log: Log;
  exit(code: number): void;
}

export type Stop = (why: string, code?: number) => Promise<void>;

/** Stops once, whoever asks. A failed step is logged and makes the exit code 1. */
export function stopper(parts: Parts): Stop {
  let stopping: Promise<void> | undefined;
  return (why, code = 0) => {
    stopping ??= shut(parts, why, code);
    return stopping;
  };
}

async function shut({ drain, steps, log, exit }: Parts, why: string, code: number): Promise<void> {
  log.info({ why }, 'stopping');
  const deadline = setTimeout(() => {
    log.error({}, `not stopped after ${LIMITS.drain_ms / 1000} s: ending anyway`);
    exit(1);
  }, LIMITS.drain_ms);
  let failed = false;
  const take = async ({ what, act }: Step): Promise<void> => {
    try {
      await act();
    } catch (err) {
      failed = true;
      log.error({ err }, `stopping: ${what} failed`);
    }
  };
  await take({ what: 'letting the plugins finish', act: () => within(LIMITS.drain_ms - AFTERWARDS_MS, drain) });
  for (const step of steps) await take(step);
  clearTimeout(deadline);
  log.info({}, 'stopped');
  exit(failed ? code || 1 : code);
}

/** What `act` gives, or an error where that takes longer. */
async function within(ms: number, act: () => Maybe<unknown>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`it was not done after ${ms / 1000} s`)), ms);
  try {
    await Promise.race([act(), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
