/** The windows of one layer: one for each process, session, user, and so on that spent something lately. */

import type { Millis } from '../types.ts';
import type { Scope } from './budget.ts';
import { Window } from './window.ts';

/** How many windows one sweep looks at. With a sweep for each new window, fewer than two would not keep up. */
const SWEEP = 2;
/** As many as stay in the processor's cache: a look into the table of a million costs several times as much. */
const RECENT_MAX = 2048;

type Id = Scope['id'];

export class Windows {
  private readonly byId = new Map<Id, Window>();
  /** Those found last, which are asked for again soon. */
  private readonly recent = new Map<Id, Window>();
  private sweeper = this.byId.entries();

  get size(): number {
    return this.byId.size;
  }

  /** Undefined too where the id is that of a process or session that began earlier: that one is over. */
  known({ id, born }: Scope): Window | undefined {
    const window = this.recent.get(id) ?? this.recall(id);
    return window === undefined || born > window.born ? undefined : window;
  }

  make({ id, born, limit }: Scope): Window {
    const window = new Window(limit.per, born);
    this.recent.delete(id);
    this.byId.set(id, window);
    return window;
  }

  /** What was spent is forgotten; what is reserved stays. */
  clear(): void {
    for (const window of this.byId.values()) window.clear();
  }

  /** Goes on looking for windows that count nothing any more, and forgets them; with `kept` those that can be recalled, too. */
  sweep(now: Millis, kept: boolean): void {
    for (let i = 0; i < SWEEP; i++) {
      const step = this.sweeper.next();
      if (step.done === true) {
        this.sweeper = this.byId.entries();
        return;
      }
      const [id, window] = step.value;
      if (!window.idle(now, kept)) continue;
      this.byId.delete(id);
      this.recent.delete(id);
    }
  }

  private recall(id: Id): Window | undefined {
    const window = this.byId.get(id);
    if (window === undefined) return undefined;
    if (this.recent.size >= RECENT_MAX) this.recent.clear();
    this.recent.set(id, window);
    return window;
  }
}
