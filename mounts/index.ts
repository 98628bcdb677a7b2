/**
 * /aos/mnt: what is mounted from outside. `call` on the directory makes, lists and takes away mounts; they are kept over
 * restarts, their secrets apart from the rest.
 */

import { definePlugin, describeMount, type Op, type Plugin, parsePath, then } from '../plugin-sdk/index.ts';
import { Catalogue } from './catalogue.ts';
import { httpMount } from './http/index.ts';
import { Mounts } from './mounts.ts';
import { type MountRequest, readRequest } from './request.ts';
import { MountStore } from './store.ts';

const MNT = parsePath('/aos/mnt');

export const mountsPlugin: Plugin = definePlugin({
  name: 'mounts',
  async setup(api) {
    const catalogue = new Catalogue([httpMount]);
    const store = new MountStore(api.state.keys, api.dir('mounts'), api.log);
    const mounts = new Mounts(api, catalogue, store);
    api.mount({
      path: MNT,
      tree: {
        node(rest) {
          if (rest === '')
            return { kind: 'dir', list: () => mounts.lostEntries(), call: (asked, request) => answer(asked, request) };
          return mounts.broken(rest);
        },
      },
    });
    const answer = (op: Op, request: unknown): unknown => serve(mounts, catalogue, op, readRequest(request));
    for (const name of api.config.plugins) await catalogue.add(name, api.log);
    await mounts.restore();
    api.signal.addEventListener('abort', () => mounts.close(), { once: true });
  },
});

function serve(mounts: Mounts, catalogue: Catalogue, op: Op, request: MountRequest): unknown {
  op.told = 'path' in request ? `${request.op} ${request.path}` : false;
  switch (request.op) {
    case 'list':
      return mounts.list(op.caller);
    case 'types':
      return catalogue.all();
    case 'describe':
      return then(catalogue.find(request.type, op.caller), ({ type }) => describeMount(type));
    case 'mount':
      return mounts.make(op.caller, request);
    case 'umount':
      return mounts.remove(op.caller, request.path);
  }
}
