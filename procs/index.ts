/** /aos/procs: accepted messages and the runs they become. */

import { definePlugin, LIMITS, parsePath } from '../plugin-sdk/index.ts';
import { Table } from './table.ts';
import { procsTree } from './tree.ts';

/** Of the grace that the daemon has, left for the ends of interrupted runs to be written. */
const WRITE_MS = 3_000;

export const procsPlugin = definePlugin({
  name: 'procs',
  after: ['agents', 'conversations', 'memory', 'models', 'tools'],
  setup(api) {
    const table = new Table(api);
    api.mount({ path: parsePath('/aos/procs'), tree: procsTree(api, table) });
    api.tap.spend(record => table.paid(record));
    api.tap.stop(() => table.drain(LIMITS.drain_ms - WRITE_MS));
    // A macrotask: the plugins that a run needs, and those that listen, are there; what is left to set up comes first.
    const timer = setImmediate(() => {
      try {
        table.recover();
      } catch (err) {
        api.log.error({ err }, 'earlier runs could not be taken up; tried again at the next use of /aos/procs');
      }
    });
    api.signal.addEventListener('abort', () => clearImmediate(timer), { once: true });
  },
});
