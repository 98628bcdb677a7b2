/** The hooks, one sentence each. The only import of tapable; a plugin gets `tap` functions, never a hook. */

import { AsyncParallelHook, SyncHook } from 'tapable';
import { readySet } from './capabilities/grant.ts';
import type { Caller, GrantSet, Log, Maybe, RunEvent, Settled, Taps } from './types.ts';

export class Hooks {
  /** Asks for further grant sets for a caller; they can only narrow. */
  private readonly narrow = new SyncHook<[Caller, (set: GrantSet) => void]>(['caller', 'add']);
  /** Tells of every operation that was refused, paid, or changed something. */
  private readonly settled = new SyncHook<[Settled]>(['record']);
  /** Tells what happens in runs. */
  private readonly run = new SyncHook<[RunEvent]>(['event']);
  /** Tells of money spent. */
  private readonly spend = new SyncHook<[Settled]>(['record']);
  /** Tells that the daemon is stopping. */
  private readonly stop = new AsyncParallelHook<[]>([]);
  private readonly log: Log;
  private narrows = false;

  constructor(log: Log) {
    this.log = log;
  }

  /** What one plugin may tap. A tap dies with the signal: tapable has no untap. */
  taps(plugin: string, signal: AbortSignal): Taps {
    const failed = (error: unknown): void => this.log.error({ plugin, err: error }, 'a hook failed');
    const guard =
      <A extends unknown[]>(fn: (...args: A) => void) =>
      (...args: A) => {
        if (signal.aborted) return;
        try {
          fn(...args);
        } catch (error) {
          failed(error);
        }
      };
    return {
      settled: fn => this.settled.tap(plugin, guard(fn)),
      run: fn => this.run.tap(plugin, guard(fn)),
      spend: fn => this.spend.tap(plugin, guard(fn)),
      stop: fn =>
        this.stop.tapPromise(plugin, async () => {
          try {
            await fn();
          } catch (error) {
            failed(error);
          }
        }),
      narrow: fn => {
        this.narrows = true;
        this.narrow.tap(plugin, (caller, add) => {
          if (!signal.aborted) add(narrowing(plugin, () => fn(caller), this.log));
        });
      },
    };
  }

  /** The sets that plugins add for this caller. */
  narrowed(caller: Caller): readonly GrantSet[] {
    if (!this.narrows) return NONE;
    const sets: GrantSet[] = [];
    this.narrow.call(caller, set => sets.push(set));
    return sets.filter(set => set !== OPEN);
  }

  tellSettled(record: Settled): void {
    this.settled.call(record);
    if (record.cost > 0) this.spend.call(record);
  }

  tellRun(event: RunEvent): void {
    this.run.call(event);
  }

  /** Over when every one has finished, well or not. */
  tellStop(): Maybe<void> {
    return this.stop.promise();
  }
}

const NONE: readonly GrantSet[] = [];
/** Stands for "nothing to add". */
const OPEN: GrantSet = { name: 'open', grants: [] };

/** What a `narrow` tap says; a throw denies everything, and so does what is no set, such as a promise of one. */
function narrowing(plugin: string, fn: () => GrantSet | undefined, log: Log): GrantSet {
  try {
    const set = fn() ?? OPEN;
    readySet(set);
    return set;
  } catch (error) {
    log.error({ plugin, err: error }, 'a narrow hook failed, which denies');
    return { name: `${plugin} (its hook failed)`, grants: [] };
  }
}
