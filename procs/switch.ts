/** A wish to stop, that every wait of a run watches. */

import type { Cancel, Maybe } from '../plugin-sdk/index.ts';
import { isPromise } from '../plugin-sdk/index.ts';

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

  /** The answer, or Halted as soon as the switch is thrown, whether or not whoever answers reacts. */
  async race<T>(answer: Maybe<T>): Promise<T> {
    if (this.aborted) {
      if (isPromise(answer)) answer.catch(() => {});
      throw new Halted();
    }
    if (!isPromise(answer)) return answer;
    return new Promise<T>((resolve, reject) => {
      this.waiting.add(reject);
      answer.then(resolve, reject).finally(() => this.waiting.delete(reject));
    });
  }
}
