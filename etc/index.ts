/** /aos/etc: the operator's own files. What is made in `agents.d/` can be read by its owner only. */

import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { definePlugin, diskTree, isWithin, parsePath } from '../plugin-sdk/index.ts';

const AGENTS = 'agents.d';
const OWNER_ONLY = 0o700;

export const etcPlugin = definePlugin({
  name: 'etc',
  setup(api) {
    const root = api.dir('etc');
    const agents = join(root, AGENTS);
    mkdirSync(agents, { recursive: true });
    chmodSync(agents, OWNER_ONLY);
    const tree = diskTree(root, {
      component: 'etc',
      modeOf: (rest, mode) => (isWithin(rest, AGENTS) ? mode & OWNER_ONLY : mode),
      pinned: rest => rest === AGENTS,
    });
    api.mount({ path: parsePath('/aos/etc'), tree });
  },
});
