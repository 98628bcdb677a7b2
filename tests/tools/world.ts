/** A core with a store, a real memory directory and the tools. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { DEFAULT_CONFIG } from '../../core/config.ts';
import { createCore } from '../../core/core.ts';
import { type Caller, definePlugin, diskTree, type Grant, parsePath } from '../../plugin-sdk/index.ts';
import { openStore } from '../../store/index.ts';
import { toolsPlugin } from '../../tools/index.ts';
import { caller, SILENT } from '../support/core.ts';

export async function toolsWorld(t: ExecutionContext, files: Record<string, string> = {}) {
  const home = mkdtempSync(join(tmpdir(), 'aos-tools-'));
  const store = openStore(join(home, 'aos.db'), { now: Date.now, log: SILENT });
  t.teardown(() => {
    store.close();
    rmSync(home, { recursive: true });
  });
  for (const name of ['memory', 'conversations']) mkdirSync(join(home, name));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(home, name)), { recursive: true });
    writeFileSync(join(home, name), text);
  }
  const core = createCore({
    owner: { uid: 1000, gid: 1000 },
    state: store.state,
    config: DEFAULT_CONFIG,
    now: Date.now,
    log: () => SILENT,
    dir: name => join(home, name),
  });
  const disks = definePlugin({
    name: 'disks',
    setup: api => {
      for (const name of ['memory', 'conversations']) {
        api.mount({ path: parsePath(`/aos/${name}`), tree: diskTree(join(home, name), { component: name }) });
      }
    },
  });
  await core.plugins.admit([disks, toolsPlugin]);
  const use = async (tool: string, args: unknown, as: Caller = caller()) =>
    core.aos.call(as, parsePath(`/aos/tools/${tool}`), args);
  return { ...core, home, state: store.state, use };
}

/** Someone who may use the tools and what else is granted. */
export function user(...grants: Grant[]): Caller {
  const tools: Grant = { verbs: ['stat', 'read', 'call'], path: '/aos/tools/**' };
  return caller([{ name: 'granted', grants: [tools, ...grants] }]);
}
