/**
 * /aos/conversations: what every run was asked, did and answered, as plain files under the home. A turn is written as its
 * run goes and never changes once it has ended; everything else here is ordinary disk.
 */

import { realpathSync } from 'node:fs';
import { definePlugin, diskTree, parsePath } from '../plugin-sdk/index.ts';
import { VIEWS } from './catalogue.ts';
import { Freeze } from './freeze.ts';
import { Records } from './records.ts';
import { isDate, TREE, turnOf } from './turn.ts';
import { viewTree } from './views.ts';

export const conversationsPlugin = definePlugin({
  name: 'conversations',
  setup(api) {
    const root = realpathSync.native(api.dir('conversations'));
    const records = new Records(root, api);
    const freeze = new Freeze({
      root,
      isActive: turn => records.isActive(turn),
      heal: (turn, meta) => records.heal(turn, meta),
    });
    const tree = diskTree(root, {
      component: 'conversations',
      frozen: rest => freeze.isFrozen(rest),
      writable: rest => freeze.isWritable(rest),
      pinned: isDate,
      refusal: rest =>
        records.isActive(turnOf(rest) ?? '')
          ? { why: 'its run is still writing it', remedy: 'wait until the run has ended' }
          : { why: 'a finished turn never changes', remedy: 'copy it elsewhere to change the copy' },
      overlay: { names: VIEWS, tree: viewTree(records.catalogue, () => records.ready()) },
    });
    api.mount({ path: parsePath(TREE), tree });
    api.tap.run(event => records.take(event));
    records.start();
  },
});
