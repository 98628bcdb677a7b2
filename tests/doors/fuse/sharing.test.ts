/** What is read past the page cache, and when copies are forgotten without an event. */

import test from 'ava';
import type { Authority, Caller, Path } from '../../../core/types.ts';
import { Endings, isAskedEachTime } from '../../../doors/fuse/sharing.ts';
import { FakeApi } from './fake.ts';
import { until } from './mounted.ts';

const set = (...untils: (number | undefined)[]): Authority => [
  {
    name: 'uid 7',
    grants: untils.map(end => ({ verbs: ['read'], path: '/aos/**', ...(end !== undefined && { until: end }) })),
  },
];
const caller = (uid: number, authority: Authority): Caller => ({
  uid,
  gid: uid,
  door: 'kernel',
  authority,
  identity: () => ({ pid: 1, startTime: 1, sid: 1, tty: 0, comm: 'cat' }),
});
const FILE = '/aos/memory/f' as Path;

test('only what the owner opens, without an end and outside of mounts, may come from the page cache', t => {
  t.false(isAskedEachTime(caller(7, set(undefined)), FILE, 7));
  t.true(isAskedEachTime(caller(8, set(undefined)), FILE, 7));
  t.true(isAskedEachTime(caller(7, set(undefined, Date.now() + 1e6)), FILE, 7));
  t.true(isAskedEachTime(caller(7, set(undefined)), '/aos/mnt/api/f' as Path, 7));
});

class Clocked extends FakeApi {
  at = 1_000_000;
  sets = new Map<number, Authority>();

  override now(): number {
    return this.at;
  }

  override authorityOf(uid = 0): Authority {
    return this.sets.get(uid) ?? [];
  }
}

test('everything is forgotten when a grant of whoever came ends, once for each end', async t => {
  const api = new Clocked();
  let forgotten = 0;
  const endings = new Endings(api, () => forgotten++);
  api.sets.set(7, set(undefined, api.at + 20, api.at + 5000));
  api.sets.set(8, set(api.at + 10));
  endings.watch(7);
  api.at += 19;
  endings.look();
  t.is(forgotten, 0, 'user 8 never came');
  api.at += 1;
  await until(() => forgotten === 1);
  endings.look();
  t.is(forgotten, 1);
  api.at += 5000;
  endings.look();
  t.is(forgotten, 2, 'also where the clock was set');
  endings.close();
});

test('an end that is written into the configuration later is kept too', t => {
  const api = new Clocked();
  let forgotten = 0;
  const endings = new Endings(api, () => forgotten++);
  api.sets.set(7, set(undefined));
  endings.watch(7);
  api.sets.set(7, set(api.at + 1000));
  endings.look();
  api.at += 1000;
  endings.look();
  t.is(forgotten, 1);
  endings.close();
});
