/** What the accounts of a mount pay for and keep: the whole of a file, and each of its fields by itself. */

import test from 'ava';
import { parsePath } from '../../core/path.ts';
import { defineMount, dir, type Node, tree, usd } from '../../plugin-sdk/index.ts';
import { refusal, type World, world } from './world.ts';

const PRICE = usd(0.001);

/** An issue with fields; counts what goes out. */
function issues(asked: string[]) {
  const ask = (what: string): string => {
    asked.push(what);
    return `${what} of it`;
  };
  return defineMount({
    name: 'issues',
    help: 'Issues.',
    options: {},
    cost: { read: PRICE, write: PRICE },
    open: () =>
      tree({
        '/': dir(() => ['issue']),
        '/issue': (): Node => ({
          kind: 'value',
          read: () => ask('whole'),
          write: () => ask('written'),
          fields: {
            title: { read: () => ask('title'), write: () => void ask('title written') },
            state: { read: () => ask('state') },
          },
        }),
      }),
  });
}

const ISSUE = parsePath('/aos/mnt/api/issue');

async function field(w: World, name: string): Promise<string> {
  return Buffer.from((await w.core.aos.getXattr(w.who, ISSUE, `user.${name}`)) ?? []).toString();
}

test('a field is asked for and paid by itself, also after the whole was read', async t => {
  const asked: string[] = [];
  const w = await world(t, { type: issues(asked) });
  await w.read('issue');
  t.is(await field(w, 'title'), 'title of it');
  t.is(await field(w, 'state'), 'state of it');
  t.is(await w.read('issue/title'), 'title of it\n');
  await w.read('issue');
  t.deepEqual([asked, w.paid()], [['whole', 'title', 'state'], 3]);
});

test('without a cache each one is paid', async t => {
  const asked: string[] = [];
  const w = await world(t, { type: issues(asked), given: { ttl: '0' } });
  for (const name of ['title', 'title']) await field(w, name);
  await w.read('issue/title');
  t.deepEqual([asked.length, w.paid()], [3, 3]);
});

test('a field that the budget does not cover is not asked for', async t => {
  const asked: string[] = [];
  const w = await world(t, { type: issues(asked), given: { limit: '0.001/1h' } });
  await w.read('issue');
  t.is((await refusal(t, () => field(w, 'title'))).errno, 'EDQUOT');
  t.deepEqual([asked, w.paid()], [['whole'], 1]);
});

test('a field that was written is asked for again, and so is the whole', async t => {
  const asked: string[] = [];
  const w = await world(t, { type: issues(asked), given: { writable: true } });
  await w.read('issue');
  await field(w, 'title');
  await w.core.aos.setXattr(w.who, ISSUE, 'user.title', Buffer.from('x'));
  await w.read('issue');
  await field(w, 'title');
  t.deepEqual([asked, w.paid()], [['whole', 'title', 'title written', 'whole', 'title'], 5]);
});

test('what is read to be added to is paid as a read', async t => {
  const asked: string[] = [];
  const w = await world(t, { type: issues(asked), given: { writable: true } });
  const how = { read: false, write: true, append: true, truncate: false };
  const handle = await w.core.aos.open(w.who, ISSUE, how);
  await handle.write(0, Buffer.from('more'));
  await handle.flush();
  handle.close();
  t.deepEqual([asked, w.paid()], [['whole', 'written'], 2]);
});
