/** A caller's wish to stop, cheap to make: most operations end before anybody asks for the signal. */

import type { Cancel } from './types.ts';

export class Cancellation implements Cancel {
  aborted = false;
  private controller: AbortController | undefined;

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.aborted) this.controller.abort();
    }
    return this.controller.signal;
  }

  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    this.controller?.abort();
  }
}

const NEVER_SIGNAL = new AbortController().signal;

/** For operations that nobody can interrupt. */
export const NEVER: Cancel = {
  aborted: false,
  signal: NEVER_SIGNAL,
  abort() {},
};
