/**
 * The kernel door over one value, with the whole gate or with one that lets everything through:
 * `node policy-server.ts MOUNTPOINT HOME policy|stub`. The value is at MOUNTPOINT/bench/value.
 */

import { join } from 'node:path';
import { NEVER } from '../core/cancel.ts';
import { DEFAULT_CONFIG } from '../core/config.ts';
import { type Core, createCore } from '../core/core.ts';
import { restOf } from '../core/namespace.ts';
import { parsePath } from '../core/path.ts';
import type { Caller, Log, Op, Path, Verb } from '../core/types.ts';
import { startFuse } from '../doors/fuse/index.ts';
import { definePlugin, dir, tree, value } from '../plugin-sdk/index.ts';
import { openStore } from '../store/index.ts';

const [mountpoint, home, gate] = process.argv.slice(2);
if (mountpoint === undefined || home === undefined || (gate !== 'policy' && gate !== 'stub')) {
  process.stderr.write('policy-server: usage: node policy-server.ts MOUNTPOINT HOME policy|stub\n');
  process.exit(2);
}

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {} };
const { state } = openStore(join(home, `${gate}.db`), { now: Date.now, log: quiet });
const core = createCore({
  owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
  state,
  config: DEFAULT_CONFIG,
  now: Date.now,
  log: () => quiet,
  dir: name => join(home, name),
});
const routes = tree({ '/value': value({ read: () => '0.23' }), '/dir': dir(() => ['a', 'b']) });
await core.plugins.admit([
  definePlugin({ name: 'bench', setup: api => void api.mount({ path: parsePath('/aos/bench'), tree: routes }) }),
]);
if (gate === 'stub') openWide(core);
const door = await startFuse(core.door('fuse'), { mountpoint, driver: 'kernel', allowOther: false });
await door.gone;
process.exit(0);

/** Nothing is asked any more: the mount is found, and the plugin is called. */
function openWide({ vfs }: Core): void {
  const cancel = NEVER;
  const { signal } = cancel;
  const meter = { max: 0, spent: 0, spend: () => true };
  const through = (caller: Caller, verb: Verb, path: Path, act: (...given: never[]) => unknown): unknown => {
    const mount = vfs.policy.namespace.at(path);
    const op: Op = { caller, verb, path, signal, cancel, meter };
    // An act takes the mount, the rest of the path and the operation, whatever it gives.
    return (act as (...given: unknown[]) => unknown)(mount, restOf(mount, path), op);
  };
  Object.assign(vfs, { perform: through, authorise: () => undefined, recheck: () => undefined });
}
