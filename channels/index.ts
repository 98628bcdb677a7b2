/** /aos/channels: where messages can be sent. `null` takes anything and drops it. */

import { definePlugin, dir, message, type Plugin, parsePath, tree } from '../plugin-sdk/index.ts';

export const channelsPlugin: Plugin = definePlugin({
  name: 'channels',
  setup({ mount }) {
    mount({
      path: parsePath('/aos/channels'),
      tree: tree({
        '/': dir(() => ['null']),
        '/null': message({ commit: () => undefined }),
      }),
    });
  },
});
