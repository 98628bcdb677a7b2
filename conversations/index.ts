/**
 * /aos/conversations: what every run was asked, did and answered, as plain files under the home. A turn is written as its
 * run goes and never changes once it has ended; everything else here is ordinary disk.
 */

import { realpathSync } from 'node:fs';
import { definePlugin, diskTree, type PluginApi, parsePath } from '../plugin-sdk/index.ts';
import { VIEWS } from './catalogue.ts';
import { Freeze } from './freeze.ts';
import { Records } from './records.ts';
import { isDate, startOf, TREE, turnOf } from './turn.ts';
import { viewTree } from './views.ts';

export const conversationsPlugin = definePlugin({
  name: 'conversations',
  setup(api) {
    const root = realpathSync.native(api.dir('conversations'));
    const records = new Records(root, api);
    const freeze = new Freeze({
      root,
      isActive: turn => records.isActive(turn),
      isExpected: turn => isExpected(api, turn),
      heal: (turn, meta) => records.heal(turn, meta),
    });
    const tree = diskTree(root, {
      component: 'conversations',
      frozen: rest => freeze.isFrozen(rest),
      writable: rest => freeze.isWritable(rest),
      pinned: isDate,
      refusal: rest => {
        const turn = turnOf(rest) ?? '';
        if (records.isActive(turn))
          return { why: 'its run is still writing it', remedy: 'wait until the run has ended' };
        if (isExpected(api, turn)) return { why: 'such names are kept for runs to come', remedy: 'take another name' };
        return { why: 'a finished turn never changes', remedy: 'copy it elsewhere to change the copy' };
      },
      overlay: { names: VIEWS, tree: viewTree(records.catalogue, () => records.ready()) },
    });
    api.mount({ path: parsePath(TREE), tree });
    api.tap.run(event => records.take(event));
    records.start();
  },
});

/** Whose directory is in place when its run begins decides what that run said: nobody may be there before it. */
function isExpected({ now, state }: PluginApi, turn: string): boolean {
  const start = startOf(turn);
  if (start === undefined) return false;
  // A run that is accepted later begins in this second or after it.
  return start + 1000 > now() || state.runs.list(['queued']).some(({ conversation }) => conversation === turn);
}
