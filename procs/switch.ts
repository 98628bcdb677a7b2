/** A wish to stop, that every wait of a run watches. */

import type { Cancel, Maybe } from '../plugin-sdk/index.ts';
import { isPromise } from '../plugin-sdk/index.ts';
import { leave } from './stream.ts';

/** Thrown where a run notices that it is to stop. Why is written in the run. */
export class Halted extends Error {}

export class Switch implements Cancel {
  private readonly controller = new AbortController();
  private readonly waiting = new Set<(reason: Halted) => void>();

  get aborted(): boolean {
    return this.controller.signal.aborted;
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  abort(): void {
    if (this.aborted) return;
    this.controller.abort();
    for (const reject of this.waiting) reject(new Halted());
    this.waiting.clear();
  }

  /**
   * The answer, or Halted as soon as the switch is thrown, whether or not whoever answers reacts. A stream that arrives when
   * nobody waits for it any more is left unread.
   */
  async race<T>(answer: Maybe<T>): Promise<T> {
    if (this.aborted) {
      if (isPromise(answer)) answer.then(leave, () => {});
      else leave(answer);
      throw new Halted();
    }
    if (!isPromise(answer)) return answer;
    return new Promise<T>((resolve, reject) => {
      let lost = false;
      const halt = (reason: Halted): void => {
        lost = true;
        reject(reason);
      };
      this.waiting.add(halt);
      const given = (value: T): void => {
        if (lost) leave(value);
        else resolve(value);
      };
      answer.then(given, reject).finally(() => this.waiting.delete(halt));
    });
  }
}
