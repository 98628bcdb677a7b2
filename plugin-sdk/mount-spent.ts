/** What was ever spent in each mount. The ledger is asked once for each; what is paid from then on is added. */

import { isWithin } from '../core/path.ts';
import type { Micros, Path, PluginApi } from '../core/types.ts';

/** By whom it was paid: a listener cannot be taken away again, so each plugin that makes mounts has one for all of them. */
const sums = new WeakMap<PluginApi, Map<Path, Micros>>();

/** Everything ever spent in the mount at `path`, which no other mount is below. */
export function spentAt(api: PluginApi, path: Path): Micros {
  const known = sums.get(api) ?? listening(api);
  const sum = known.get(path) ?? api.state.ledger.report('mount', 0).find(({ key }) => key === path)?.micros ?? 0;
  known.set(path, sum);
  return sum;
}

function listening(api: PluginApi): Map<Path, Micros> {
  const known = new Map<Path, Micros>();
  sums.set(api, known);
  api.tap.spend(({ path, cost }) => {
    for (const [mount, sum] of known) if (isWithin(path, mount)) known.set(mount, sum + cost);
  });
  return known;
}
