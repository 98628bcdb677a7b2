/** What the accounts of a mount pay for and keep: the whole of a file, and each of its fields by itself. */

import test from 'ava';
import { parsePath } from '../../core/path.ts';
import { defineMount, dir, file, type Node, tree, usd } from '../../plugin-sdk/index.ts';
import { until } from '../support/until.ts';
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

/** A text whose reading and writing end when the test says so. */
function slow() {
  let text = 'old';
  const reads: (() => void)[] = [];
  const writes: ((error?: Error) => void)[] = [];
  const read = (): Promise<string> => {
    const seen = text;
    return new Promise(resolve => reads.push(() => resolve(seen)));
  };
  const write = (body: string): Promise<void> =>
    new Promise((resolve, reject) => {
      writes.push(error => {
        text = body;
        if (error === undefined) resolve();
        else reject(error);
      });
    });
  const type = defineMount({
    name: 'slow',
    help: 'Slow.',
    options: {},
    cost: { read: PRICE, write: PRICE },
    open: () =>
      tree({
        '/': dir(() => ['a']),
        '/a': file({ read, write: (_args, body) => write(String(body)) }),
      }),
  });
  return {
    type,
    /** Ends the oldest of those that go on, once there is one. */
    endRead: async () => {
      await until('it is read', () => reads.length > 0);
      reads.shift()?.();
    },
    endWrite: async (error?: Error) => {
      await until('it is written', () => writes.length > 0);
      writes.shift()?.(error);
    },
    reads,
  };
}

for (const error of [undefined, new Error('cut off')]) {
  const how = error === undefined ? 'succeeds' : 'fails';
  test(`what is asked for before a write that ${how}, and comes after it or before, is not kept`, async t => {
    for (const first of ['write', 'read']) {
      const { type, endRead, endWrite, reads } = slow();
      const w = await world(t, { type, given: { writable: true } });
      const writing = error === undefined ? w.write('a', 'new') : refusal(t, () => w.write('a', 'new'));
      const during = w.read('a');
      await until('it is read', () => reads.length > 0);
      if (first === 'read') await endRead();
      if (first === 'read') t.is(await during, 'old\n');
      await endWrite(error);
      await writing;
      if (first === 'write') await endRead();
      t.is(await during, 'old\n');
      const after = w.read('a');
      await until('it is asked again', () => reads.length > 0);
      await endRead();
      t.is(await after, 'new\n');
    }
  });
}

test('.aos/cost asks the ledger once, whoever reads and looks, and counts what is paid from then on', async t => {
  const w = await world(t, { type: issues([]), given: { ttl: '0' } });
  let reports = 0;
  const report = () => {
    reports++;
    return [
      { key: '/aos/mnt/api', micros: 5000, operations: 5 },
      { key: '/aos/mnt/ap', micros: 70_000, operations: 7 },
    ];
  };
  Object.assign(w.core.ledger, { report });
  t.is((await w.core.aos.stat(w.who, parsePath('/aos/mnt/api/.aos/cost'))).kind, 'value');
  t.is(reports, 0);
  t.is(await w.read('.aos/cost'), '0.005\n');
  await w.read('issue');
  await w.read('issue');
  w.core.mount(
    '/aos/mnt/api2',
    { node: () => ({ kind: 'value', read: op => String(op.meter.spend(PRICE)) }) },
    {
      price: () => PRICE,
    },
  );
  await w.core.aos.read(w.who, parsePath('/aos/mnt/api2'));
  t.is(await w.read('.aos/cost'), '0.007\n');
  t.is(await w.read('.aos/cost'), '0.007\n');
  t.deepEqual([reports, w.paid()], [1, 3]);
});
