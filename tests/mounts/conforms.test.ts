/** The rules of every mount, on the mounts themselves. */

import test, { type ExecutionContext } from 'ava';
import { parsePath } from '../../core/path.ts';
import { httpMount } from '../../mounts/http/index.ts';
import quotes from '../../plugin-sdk/examples/quotes.ts';
import type { MountType } from '../../plugin-sdk/index.ts';
import { conforms } from '../../plugin-sdk/testing/index.ts';
import type { Seen } from '../support/counting-server.ts';
import { world } from './world.ts';

const NAMES = JSON.stringify(Array.from({ length: 2500 }, (_, i) => `n${i}`));
const answer = ({ path }: Seen): string => (path === '/many' || path === '/symbols' ? NAMES : `${path}\n`);

function check(type: MountType, file: string, long: string): void {
  const register = (title: string, run: (t: ExecutionContext) => Promise<void>) => test(title, run);
  conforms(register, {
    type,
    file,
    long,
    async open(t, how) {
      const w = await world(t, { type, answer, ...how });
      return {
        ...w,
        stat: async path => w.core.aos.stat(w.who, parsePath(`/aos/mnt/api/${path}`)),
        asked: () => w.server.count(),
      };
    },
  });
}

check(httpMount, 'items/5', 'many');
check(quotes, 'ACME/price', '');
