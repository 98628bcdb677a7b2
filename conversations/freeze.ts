/** Which turns are finished: they never change again, for anybody. */

import { join } from 'node:path';
import { type Meta, readMeta, turnOf } from './turn.ts';

/** Turns remembered as finished; a turn that was forgotten is read again. */
const REMEMBERED_MAX = 100_000;

export interface FreezeOptions {
  readonly root: string;
  /** Whether a run of this daemon is writing the turn. */
  isActive(turn: string): boolean;
  /** Whether a run that is yet to start will write it, or one that is yet to come might. */
  isExpected(turn: string): boolean;
  /**
   * A directory says that it is a running turn, and no run writes it. Gives its meta once that is put right; undefined, or the
   * same, where no run ever wrote it: it is somebody's own then.
   */
  heal(turn: string, meta: Meta): Meta | undefined;
}

export class Freeze {
  private readonly options: FreezeOptions;
  private readonly finished = new Set<string>();

  constructor(options: FreezeOptions) {
    this.options = options;
  }

  /** True for a finished turn's directory and everything in it. What has finished stays so: it may be remembered. */
  isFrozen(rest: string): boolean {
    const turn = turnOf(rest);
    if (turn === undefined) return false;
    if (this.finished.has(turn)) return true;
    if (this.options.isActive(turn)) return false;
    let meta = readMeta(join(this.options.root, turn));
    if (meta?.outcome === 'running') meta = this.options.heal(turn, meta);
    if (meta === undefined || meta.outcome === 'running') return false;
    this.remember(turn);
    return true;
  }

  /** False while a run is writing the turn that `rest` lies in, and before. */
  isWritable(rest: string): boolean {
    const turn = turnOf(rest);
    return turn === undefined || !(this.options.isActive(turn) || this.options.isExpected(turn));
  }

  private remember(turn: string): void {
    if (this.finished.size >= REMEMBERED_MAX) this.finished.clear();
    this.finished.add(turn);
  }
}
