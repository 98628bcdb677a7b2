/** Reads the turns that are on the disk, newest first, in slices that hold nobody up. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../plugin-sdk/index.ts';
import { type Meta, readMeta } from './turn.ts';

/** Of the event loop's time at once. */
const SLICE_MS = 4;
/** Between slices while nobody waits. */
const PAUSE_MS = 20;
/** Turns that the views show; older ones stay where they are, by date. */
const TURNS_MAX = 100_000;

export interface ScanOptions {
  readonly root: string;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Called for each turn. */
  found(turn: string, meta: Meta): void;
  /** Called once, when all were found. */
  finished(): void;
}

export class Scan {
  private readonly options: ScanOptions;
  private readonly turns: Iterator<string>;
  private timer: NodeJS.Timeout | NodeJS.Immediate | undefined;
  private waiting: PromiseWithResolvers<void> | undefined;
  private count = 0;
  done = false;

  constructor(options: ScanOptions) {
    this.options = options;
    this.turns = turnsBelow(options.root);
    options.signal.addEventListener('abort', () => this.finish(false), { once: true });
  }

  /** Begins after a while, in the background. */
  later(ms: number): void {
    if (!this.done) this.timer ??= setTimeout(() => this.slice(), ms).unref();
  }

  /** Now, and without pauses; resolves when all is read. */
  ready(): Promise<void> | undefined {
    if (this.done) return undefined;
    if (this.waiting === undefined) {
      this.waiting = Promise.withResolvers<void>();
      this.slice();
    }
    return this.done ? undefined : this.waiting.promise;
  }

  private slice(): void {
    this.cancel();
    const until = performance.now() + SLICE_MS;
    while (performance.now() < until) {
      const next = this.turns.next();
      if (next.done === true || ++this.count > TURNS_MAX) {
        this.finish(next.done !== true);
        return;
      }
      this.take(next.value);
    }
    this.timer = this.waiting ? setImmediate(() => this.slice()) : setTimeout(() => this.slice(), PAUSE_MS).unref();
  }

  private take(turn: string): void {
    try {
      const meta = readMeta(join(this.options.root, turn));
      if (meta !== undefined) this.options.found(turn, meta);
    } catch (thrown) {
      this.options.log.error(
        { turn, error: String(thrown) },
        `conversations: ${turn} could not be taken into the views`,
      );
    }
  }

  private finish(cut: boolean): void {
    if (this.done) return;
    this.done = true;
    this.cancel();
    const { log, signal } = this.options;
    if (cut) log.warn({ max: TURNS_MAX }, `conversations: the views show ${TURNS_MAX} turns; see older ones by date`);
    if (!signal.aborted) this.conclude();
    this.waiting?.resolve();
  }

  /** Runs in a timer, where nobody would catch what a full disk throws: the next start reads everything again. */
  private conclude(): void {
    try {
      this.options.finished();
    } catch (thrown) {
      this.options.log.error({ error: String(thrown) }, 'conversations: that all is indexed could not be noted');
    }
  }

  private cancel(): void {
    // Either kind of timer; clearing the other kind does nothing.
    clearTimeout(this.timer as NodeJS.Timeout | undefined);
    clearImmediate(this.timer as NodeJS.Immediate | undefined);
    this.timer = undefined;
  }
}

/** `YYYY/MM/DD/<id>`, newest first. */
function* turnsBelow(root: string): Generator<string> {
  for (const year of namesIn(root, /^\d{4}$/)) {
    for (const month of namesIn(join(root, year), /^\d{2}$/)) {
      for (const day of namesIn(join(root, year, month), /^\d{2}$/)) {
        const date = `${year}/${month}/${day}`;
        for (const id of namesIn(join(root, date), /^[^.]/)) yield `${date}/${id}`;
      }
    }
  }
}

/** Directories only, so no link is followed. */
function namesIn(dir: string, pattern: RegExp): string[] {
  try {
    const found = readdirSync(dir, { withFileTypes: true });
    const names = found.filter(entry => entry.isDirectory() && pattern.test(entry.name)).map(entry => entry.name);
    return names.sort().reverse();
  } catch {
    // Gone meanwhile.
    return [];
  }
}
