/** /aos/memory: a real directory, read and written like any other. `agents/<name>/` is each agent's own. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkName, definePlugin, diskTree, parsePath } from '../plugin-sdk/index.ts';

export const memoryPlugin = definePlugin({
  name: 'memory',
  setup(api) {
    const root = api.dir('memory');
    const agents = join(root, 'agents');
    mkdirSync(agents, { recursive: true });
    api.mount({ path: parsePath('/aos/memory'), tree: diskTree(root, { component: 'memory' }) });
    api.tap.run(event => {
      if (event.kind !== 'started') return;
      checkName(event.run.agent);
      mkdirSync(join(agents, event.run.agent), { recursive: true });
    });
  },
});
