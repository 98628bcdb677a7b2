/** Listings that are cut: what goes out, what is paid, and what `.more.json` says. */

import test, { type ExecutionContext } from 'ava';
import { parsePath } from '../../core/path.ts';
import { defineMount, dir, file, page, tree, usd } from '../../plugin-sdk/index.ts';
import { caller } from '../support/core.ts';
import type { Answer, Seen } from '../support/counting-server.ts';
import { refusal, type World, type WorldOptions, world } from './world.ts';

const numbered = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => `n${from + i}`);
const many = ({ path }: Seen): Answer => (path === '/many' ? JSON.stringify(numbered(2500)) : `this is ${path}`);

/** What `.more.json` of a directory says. */
async function more(w: World, at: string, who = w.who): Promise<string> {
  const said = JSON.parse(await w.read(at === '' ? '.more.json' : `${at}/.more.json`, who));
  if (typeof said.next !== 'string' || said.has_more !== true) throw new Error(JSON.stringify(said));
  return said.next;
}

const absent = async (t: ExecutionContext, w: World, at: string, who = w.who): Promise<void> =>
  void t.is((await refusal(t, () => w.read(`${at}/.more.json`, who))).errno, 'ENOENT');

/** The names of every page. */
async function pages(w: World, at: string): Promise<string[][]> {
  const all: string[][] = [];
  for (let cursor: string | undefined; all.length === 0 || cursor !== undefined; ) {
    if (all.length === 10) throw new Error('it goes round in circles');
    const names = await w.list(at, cursor);
    cursor = names.includes('.more.json') ? await more(w, at) : undefined;
    all.push(names.filter(name => name !== '.more.json'));
  }
  return all;
}

test('a long array is cut by position; from the cache the rest costs nothing', async t => {
  const w = await world(t, { answer: many });
  await absent(t, w, 'many');
  const first = await w.list('many');
  t.deepEqual(first, [...numbered(1000), '.more.json']);
  const cursor = await more(w, 'many');
  t.is((await w.core.aos.list(w.who, parsePath('/aos/mnt/api/many'))).at(-1)?.kind, 'value');
  t.deepEqual(await w.list('many', cursor), [...numbered(1000, 1000), '.more.json']);
  t.deepEqual(await w.list('many', await more(w, 'many')), numbered(500, 2000));
  await absent(t, w, 'many');
  t.deepEqual([w.server.count(), w.paid()], [1, 1]);
  t.is(await w.read('many/n2400'), 'this is /many/n2400');
  t.is((await w.core.aos.stat(w.who, parsePath('/aos/mnt/api/many/n2400'))).kind, 'value');
});

test('without a cache each page is asked for and paid', async t => {
  const w = await world(t, { answer: many, given: { ttl: '0' } });
  t.deepEqual(
    (await pages(w, 'many')).map(names => names.length),
    [1000, 1000, 500],
  );
  t.deepEqual([w.server.count('/many'), w.paid()], [3, 3]);
});

test('exactly 1,000 names are a whole listing', async t => {
  const w = await world(t, { answer: () => JSON.stringify(numbered(1000)) });
  t.deepEqual(await w.list('many'), numbered(1000));
  await absent(t, w, 'many');
});

test('a page after the first is refused by a budget like any listing', async t => {
  const w = await world(t, { answer: many, given: { ttl: '0', limit: '0.001/1h' } });
  await w.list('many');
  const cursor = await more(w, 'many');
  t.is((await refusal(t, () => w.list('many', cursor))).errno, 'EDQUOT');
  t.deepEqual([w.server.count(), w.paid()], [1, 1]);
});

test('under the lock .more.json answers and nothing goes on', async t => {
  const w = await world(t, { answer: many });
  await w.list('many');
  const cursor = await more(w, 'many');
  for (const { id } of w.core.policy.leases.list()) w.core.policy.leases.end(id);
  t.is(await more(w, 'many'), cursor);
  t.true((await w.core.aos.stat(w.who, parsePath('/aos/mnt/api/many/.more.json'))).size > 0);
  t.is((await refusal(t, () => w.list('many', cursor))).kind, 'locked');
  t.is((await refusal(t, () => w.list('', cursor))).kind, 'locked');
  t.is(w.server.count(), 1);
});

test('a cursor is for the directory that gave it, and for its mount', async t => {
  const w = await world(t, { answer: () => JSON.stringify(numbered(1001)) });
  await w.list('a');
  const cursor = await more(w, 'a');
  const changed = `${cursor.slice(0, -1)}${cursor.endsWith('A') ? 'B' : 'A'}`;
  const other = await world(t, { answer: many });
  for (const act of [
    () => w.list('b', cursor),
    () => w.list('', cursor),
    () => w.list('a', changed),
    () => w.list('a', `${cursor}!`),
    () => other.list('a', cursor),
  ]) {
    const error = await refusal(t, act);
    t.is(error.errno, 'EINVAL');
    t.regex(error.message, /^http: \/aos\/mnt\/api.*: the cursor is none that .*; list it from its beginning$/);
  }
  t.deepEqual([w.server.count(), w.paid(), other.server.count()], [1, 1, 0]);
});

test('nobody is told what another user listed', async t => {
  const w = await world(t, { answer: many });
  await w.list('many');
  await absent(t, w, 'many', caller(w.who.authority, 1001));
  await t.notThrowsAsync(more(w, 'many'));
});

test('the top of a mount is cut like any directory, and its own names are on the first page alone', async t => {
  const w = await world(t, { answer: () => JSON.stringify(numbered(1500)), given: { dirs: 'n3,else' } });
  const [first = [], second = [], ...rest] = await pages(w, '');
  t.deepEqual(first.slice(0, 3), ['.aos', 'n3', 'else']);
  t.deepEqual([new Set(first).size, second, rest], [1002, numbered(500, 1000), []]);
  t.deepEqual([w.server.count(), w.paid()], [1, 1]);
  await w.list('');
  for (const { id } of w.core.policy.leases.list()) w.core.policy.leases.end(id);
  t.deepEqual(await w.list(''), ['.aos', 'n3', 'else', '.more.json']);
});

test('in a writable mount `new` is among the first 1,000 names, and once', async t => {
  const w = await world(t, { answer: many, given: { writable: true } });
  const all = await pages(w, 'many');
  t.deepEqual(
    all.map(names => names.length),
    [1000, 1000, 501],
  );
  t.deepEqual(all.flat(), ['new', ...numbered(2500)]);
});

/** Three names a page, each page with a link to the next. */
function linked(link: (next: number) => string): (request: Seen) => Answer {
  return ({ path }) => {
    const at = Number(/page=(\d+)/.exec(path)?.[1] ?? 1);
    if (!path.includes('items') || path.includes('/items/')) return `this is ${path}`;
    return { body: JSON.stringify(numbered(3, at * 10)), headers: at < 3 ? { link: link(at + 1) } : {} };
  };
}

const THREE = [numbered(3, 10), numbered(3, 20), numbered(3, 30)];

for (const [how, link] of [
  ['relative', (n: number) => `<items?page=${n}>; rel="next"`],
  ['absolute in the path', (n: number) => `</v1/items?page=${n}>;rel=next`],
  [
    'one of several',
    (n: number) => `<?page=9>; rel="last", <?a=1,2;3&page=${n}>; title="a, \\"b\\""; REL="Prefetch NEXT"`,
  ],
] as const) {
  test(`a service that pages by itself is followed: ${how}`, async t => {
    const inner = await world(t, { answer: linked(link) });
    const w = await world(t, { given: { 'base-url': `${inner.server.url}/v1` } });
    t.deepEqual(await pages(w, 'items'), THREE);
    t.deepEqual([inner.server.count(), w.paid()], [3, 3]);
    t.deepEqual(await pages(w, 'items'), THREE);
    t.deepEqual([inner.server.count(), w.paid()], [3, 3]);
    t.is(await w.read('items/n30'), 'this is /v1/items/n30');
  });
}

test('a link elsewhere, about something else, or back to the page itself is ignored', async t => {
  const other = await world(t);
  for (const link of [
    `<${other.server.url}/v1/items?page=2>; rel="next"`,
    '</v2/items?page=2>; rel="next"',
    '<../items?page=2>; rel="next"',
    '</v10/items?page=2>; rel="next"',
    '<?page=2>; rel="next"; anchor="/else"',
    '<?page=2>; rel="prev"; rel="next"',
    '<http://[>; rel="next"',
    '<items>; rel="next"',
    'nonsense',
  ]) {
    const inner = await world(t, { answer: linked(() => link) });
    const w = await world(t, { given: { 'base-url': `${inner.server.url}/v1` } });
    t.deepEqual(await pages(w, 'items'), [THREE[0] ?? []], link);
    await absent(t, w, 'items');
  }
  t.is(other.server.count(), 0);
});

test('a page of the service that is too long is cut by position first', async t => {
  const w = await world(t, {
    answer: ({ path }) =>
      path === '/items'
        ? { body: JSON.stringify(numbered(1001)), headers: { link: '</items?page=2>; rel=next' } }
        : JSON.stringify(['last']),
  });
  t.deepEqual(await pages(w, 'items'), [numbered(1000), ['n1000'], ['last']]);
  t.deepEqual([w.server.count(), w.paid()], [2, 2]);
});

test('a further request for a later page is reserved for, though the first page is kept', async t => {
  const redirecting = ({ path }: Seen): Answer => {
    if (path === '/moved') return '["m"]';
    if (path !== '/items') return { status: 302, headers: { location: '/moved' } };
    return { body: '["a"]', headers: { link: '</items?page=2>; rel=next' } };
  };
  const w = await world(t, { answer: redirecting });
  t.deepEqual(await pages(w, 'items'), [['a'], ['m']]);
  t.deepEqual([w.server.count(), w.paid()], [3, 3]);
  const tight = await world(t, { answer: redirecting, given: { limit: '0.002/1h' } });
  await tight.list('items');
  const cursor = await more(tight, 'items');
  t.is((await refusal(t, () => tight.list('items', cursor))).errno, 'EDQUOT');
  t.deepEqual([tight.server.count(), tight.paid()], [2, 2]);
  t.is(await more(tight, 'items'), cursor);
});

test('a redirect of the base itself is followed for a listing', async t => {
  const w = await world(t, {
    answer: ({ path }) => (path === '/v1' ? { status: 301, headers: { location: '/v1/' } } : '["a","b"]'),
  });
  const base = await world(t, { given: { 'base-url': `${w.server.url}/v1` } });
  t.deepEqual(await base.list(''), ['.aos', 'a', 'b']);
  t.deepEqual([w.server.count(), base.paid()], [2, 2]);
});

test('nobody writes or removes .more.json, and nothing is sent', async t => {
  const w = await world(t, { answer: many, given: { writable: true, 'allow-delete': true } });
  t.is((await refusal(t, () => w.write('many/.more.json', 'x'))).errno, 'EPERM');
  await w.list('many');
  t.is((await refusal(t, () => w.write('many/.more.json', 'x'))).errno, 'EROFS');
  t.is((await refusal(t, () => w.remove('many/.more.json'))).errno, 'EPERM');
  await t.notThrowsAsync(more(w, 'many'));
  t.deepEqual([w.server.count(), w.paid()], [1, 1]);
});

test('a write makes the cache forget the later pages too', async t => {
  const w = await world(t, { answer: linked(n => `</items?page=${n}>; rel=next`), given: { writable: true } });
  await pages(w, 'items');
  await w.write('items/n10', 'x');
  w.server.reset();
  await pages(w, 'items');
  t.is(w.server.count(undefined, 'GET'), 3);
});

/** A service with its own words for where a listing goes on. */
function things(heard: unknown[], options: WorldOptions = {}): WorldOptions {
  const type = defineMount({
    name: 'things',
    help: 'Things.',
    options: {},
    cost: { list: usd(0.001) },
    open: () =>
      tree({
        '/': dir(() => ['own', 'plain']),
        '/own': dir((_args, next) => {
          heard.push(next);
          return next === undefined ? page(numbered(1200), 'token/2 =') : page(['z'], '');
        }),
        '/own/:name': file({ read: ({ name }) => name, write: () => undefined }),
        '/plain': dir(() => numbered(1200)),
        '/plain/:name': dir(() => numbered(1001)),
        '/plain/:name/:part': file({ read: () => 'x' }),
      }),
  });
  return { type, ...options };
}

test("a plugin's own cursor comes back to it and to nobody else; what is kept is not asked again", async t => {
  const heard: unknown[] = [];
  const w = await world(t, things(heard, { given: { writable: true } }));
  const all = [numbered(1000), numbered(200, 1000), ['z']];
  t.deepEqual(await pages(w, 'own'), all);
  await w.list('own');
  t.notRegex(await w.read('own/.more.json'), /token/);
  t.deepEqual(await pages(w, 'own'), all);
  t.deepEqual([heard, w.paid()], [[undefined, 'token/2 ='], 2]);
  await w.write('own/z', 'x');
  t.deepEqual(await pages(w, 'own'), all);
  t.deepEqual([heard.length, w.paid()], [4, 4]);
});

test('a plugin that knows nothing of pages is cut by position', async t => {
  const w = await world(t, things([]));
  t.deepEqual(await pages(w, 'plain'), [numbered(1000), numbered(200, 1000)]);
  t.is(w.paid(), 1);
});

test('what is remembered of cut directories is bounded; the oldest goes first', async t => {
  const w = await world(t, things([], { given: { price: '0' } }));
  for (let i = 0; i <= 1000; i++) await w.list(`plain/n${i}`);
  await absent(t, w, 'plain/n0');
  await t.notThrowsAsync(more(w, 'plain/n1'));
  await t.notThrowsAsync(more(w, 'plain/n1000'));
});
