/** Lists of sets with further sets, the same list each time, so that decisions can be kept by it. */

import type { Authority, GrantSet } from '../types.ts';

export class Joined {
  private readonly known = new WeakMap<Authority, WeakMap<GrantSet, Authority>>();

  of(authority: Authority, more: readonly GrantSet[]): Authority {
    return more.reduce((list, set) => this.with(list, set), authority);
  }

  private with(authority: Authority, set: GrantSet): Authority {
    let longer = this.known.get(authority);
    if (longer === undefined) {
      longer = new WeakMap();
      this.known.set(authority, longer);
    }
    let joined = longer.get(set);
    if (joined === undefined) {
      joined = Object.freeze([...authority, set]);
      longer.set(set, joined);
    }
    return joined;
  }
}
