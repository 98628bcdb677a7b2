/**
 * An example of a mount. /aos/mnt/quotes/<symbol>/{price,note}: share prices as files, with a note you may edit. In a file of
 * your own the import is from 'agent-os/plugin-sdk', and `aos mount ./quotes.ts --base=... /aos/mnt/quotes` mounts it.
 */

import { defineMount, dir, file, secret, tree, url, usd } from '../index.ts';

export default defineMount({
  name: 'quotes',
  help: 'Share prices as files.',
  options: { base: url('Where the service answers.'), token: secret('API token.') },
  cost: { list: usd(0.001), read: usd(0.001), write: usd(0.001) },
  open: ({ base, token }, { http }) => {
    const api = http(base, { bearer: token });
    return tree({
      '/': dir(({ signal }) => api.json<string[]>('/symbols', { signal })),
      '/:symbol': dir(() => ['price', 'note']),
      '/:symbol/price': file({ read: ({ symbol, signal }) => api.text(`/price/${symbol}`, { signal }) }),
      '/:symbol/note': file({
        read: ({ symbol, signal }) => api.text(`/note/${symbol}`, { signal }),
        write: ({ symbol, signal }, body) => api.put(`/note/${symbol}`, body, { signal }),
      }),
    });
  },
});
