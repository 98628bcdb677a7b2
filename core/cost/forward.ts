/** A clock that never goes back: where the system's does, it goes on from where it was, so nothing gets younger or older. */

import type { Millis } from '../types.ts';

export class Forward {
  private latest = Number.NEGATIVE_INFINITY;
  private behind: Millis = 0;

  forward(at: Millis): Millis {
    if (at + this.behind < this.latest) this.behind = this.latest - at;
    this.latest = at + this.behind;
    return this.latest;
  }

  past(at: Millis): Millis {
    return at + this.behind;
  }
}
