import test from 'ava';
import { DEFAULT_CONFIG } from '../../core/config.ts';
import { parsePath } from '../../core/path.ts';
import type { Path } from '../../core/types.ts';
import { refusal, type World, world } from './world.ts';

const path = (name: string): Path => parsePath(`/aos/mnt/api/${name}`);

test('cat is one GET, paid once', async t => {
  const w = await world(t);
  t.is(await w.read('items/5?x=1'), '/items/5?x=1\n');
  t.deepEqual([w.server.count(), w.paid()], [1, 1]);
});

test('what the cache answers costs nothing, until its time is over', async t => {
  const w = await world(t);
  await w.read('a');
  await w.read('a');
  t.deepEqual([w.server.count(), w.paid()], [1, 1]);
  w.later(60_001);
  await w.read('a');
  t.deepEqual([w.server.count(), w.paid()], [2, 2]);
});

test('with --ttl=0 each read goes out', async t => {
  const w = await world(t, { given: { ttl: '0' } });
  await w.read('a');
  await w.read('a');
  t.deepEqual([w.server.count(), w.paid()], [2, 2]);
});

test('stat asks nobody', async t => {
  const w = await world(t);
  const stat = await w.core.aos.stat(w.who, path('a.json'));
  t.deepEqual([stat.kind, stat.size], ['value', 0]);
  t.is(w.server.count(), 0);
});

test('under the lock nothing goes out, and what is local answers', async t => {
  const w = await world(t, { locked: true, given: { dirs: 'items' } });
  t.is((await refusal(t, () => w.read('a'))).errno, 'EACCES');
  t.is((await refusal(t, () => w.list('items'))).errno, 'EACCES');
  t.deepEqual(await w.list(''), ['.aos', 'items']);
  t.is(await w.read('.aos/locked'), 'true\n');
  t.is(await w.read('.aos/mode'), 'ro\n');
  t.deepEqual([w.server.count(), w.paid()], [0, 0]);
});

const STATUS = [
  [400, 'EINVAL'],
  [401, 'EACCES'],
  [403, 'EACCES'],
  [404, 'ENOENT'],
  [405, 'ENOTSUP'],
  [410, 'ENOENT'],
  [418, 'EIO'],
  [429, 'EAGAIN'],
  [500, 'EIO'],
  [503, 'EIO'],
  [504, 'ETIMEDOUT'],
] as const;

for (const [status, errno] of STATUS) {
  test(`${status} is ${errno}, is paid, and its text is kept`, async t => {
    const w = await world(t, { answer: () => ({ status, body: `because of ${status}` }) });
    const error = await refusal(t, () => w.read('a'));
    t.is(error.errno, errno);
    t.regex(error.message, new RegExp(`answered ${status} \\(because of ${status}\\)`));
    t.truthy(error.remedy);
    t.regex(await w.read('.aos/error'), new RegExp(`/aos/mnt/api/a\n.*\nbecause of ${status}\n$`));
    t.deepEqual([w.server.count(), w.paid()], [1, 1]);
  });
}

test('explain tells what listing the top costs, and that under the lock only what is local answers', async t => {
  const says = ({ core, who }: World): string[] =>
    core.aos.explain(who, 'list', parsePath('/aos/mnt/api')).steps.map(({ by, why }) => `${by}: ${why}`);
  const open = says(await world(t));
  t.true(open.some(step => /^lease 1: open until/.test(step)));
  t.true(
    open.some(step => /^uid: \$0\.00 used of .*, and this could cost \$0\.001$/.test(step)),
    open.join('\n'),
  );
  const locked = await world(t, { locked: true });
  t.regex(says(locked).at(-1) ?? '', /only what is local: locked; open it with: aos unlock \/aos\/mnt\/api/);
  t.true(locked.core.aos.explain(locked.who, 'list', parsePath('/aos/mnt/api')).allowed);
});

test('a listing that a budget refuses is refused for the path that was listed', async t => {
  const budgets = { ...DEFAULT_CONFIG.budgets, uid: { usd: 500, per: 60_000 } };
  const error = await refusal(t, async () => (await world(t, { config: { budgets } })).list(''));
  t.like(error, { errno: 'EDQUOT', path: '/aos/mnt/api' });
});

test('a missing name is believed for 5 seconds', async t => {
  const w = await world(t, { answer: () => undefined });
  for (const later of [0, 4000, 1500]) {
    w.later(later);
    t.is((await refusal(t, () => w.read('a'))).errno, 'ENOENT');
  }
  t.deepEqual([w.server.count(), w.paid()], [2, 2]);
});

test('an answer that still holds is not sent again', async t => {
  const w = await world(t, {
    answer: ({ headers }) =>
      headers['if-none-match'] === '"1"' ? { status: 304 } : { body: 'whole', headers: { etag: '"1"' } },
  });
  t.is(await w.read('a'), 'whole');
  w.later(61_000);
  t.is(await w.read('a'), 'whole');
  t.is(await w.read('a'), 'whole');
  t.deepEqual([w.server.count(), w.paid()], [2, 2]);
});

test('a redirect within the origin is followed, and each request is paid', async t => {
  const w = await world(t, {
    answer: ({ path }) => (path === '/a' ? { status: 302, headers: { location: '/b' } } : `at ${path}`),
  });
  t.is(await w.read('a'), 'at /b');
  t.deepEqual([w.server.count(), w.paid()], [2, 2]);
});

test('a redirect elsewhere is refused before anything is sent there', async t => {
  const other = await world(t);
  const w = await world(t, { answer: () => ({ status: 302, headers: { location: `${other.server.url}/b` } }) });
  const error = await refusal(t, () => w.read('a'));
  t.deepEqual([error.errno, other.server.count()], ['EIO', 0]);
  t.regex(error.why, /redirects to http:\/\/127\.0\.0\.1:\d+, which is not/);
});

test('a redirect in a circle ends', async t => {
  const w = await world(t, { answer: () => ({ status: 302, headers: { location: '/a' } }) });
  t.is((await refusal(t, () => w.read('a'))).errno, 'EIO');
  t.deepEqual([w.server.count(), w.paid()], [5, 5]);
});

test('a service that says when to come back is asked again, and each request is paid', async t => {
  let busy = 2;
  const w = await world(t, { answer: () => (busy-- > 0 ? { status: 429, headers: { 'retry-after': '0' } } : 'now') });
  t.is(await w.read('a'), 'now');
  t.deepEqual([w.server.count(), w.paid()], [3, 3]);
});

test('a further request that the budget does not cover is not sent', async t => {
  const w = await world(t, {
    given: { limit: '0.001/1h' },
    answer: () => ({ status: 302, headers: { location: '/b' } }),
  });
  t.is((await refusal(t, () => w.read('a'))).errno, 'EDQUOT');
  t.deepEqual([w.server.count(), w.paid()], [1, 1]);
});

test('callers that race never spend more than the limit', async t => {
  const w = await world(t, { given: { ttl: '0', limit: '0.01/24h' } });
  const all = await Promise.allSettled(Array.from({ length: 40 }, (_, i) => w.read(`n${i}`)));
  const refused = all.flatMap(one => (one.status === 'rejected' ? [one.reason.errno] : []));
  t.deepEqual([w.server.count(), w.paid(), refused.length, [...new Set(refused)]], [10, 10, 30, ['EDQUOT']]);
});

test('without --allow-private a private address is refused, a number when the mount is made, a name when it is used', async t => {
  const w = await world(t, { locked: true });
  const made = (host: string) =>
    world(t, { given: { 'base-url': `http://${host}:${w.server.port}`, 'allow-private': false, ttl: '0' } });
  for (const host of ['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0', '0x7f.1', '10.0.0.1']) {
    const error = await refusal(t, () => made(host));
    t.is(error.errno, 'EPERM', host);
    t.regex(error.message, /is a loopback or private address; add --allow-private/);
  }
  const inner = await made('localhost');
  const error = await refusal(t, () => inner.read('a'));
  t.deepEqual([error.errno, inner.paid()], ['EPERM', 0]);
  t.regex(error.message, /--allow-private/);
  t.is(w.server.count(), 0);
});

test('a service that is not there costs nothing', async t => {
  const w = await world(t, { given: { 'base-url': 'http://127.0.0.1:1' } });
  const error = await refusal(t, () => w.read('a'));
  t.deepEqual([error.errno, w.paid()], ['EIO', 0]);
  t.regex(error.why, /nothing listens there/);
});

test('a service that does not answer in time is given up, and paid', async t => {
  const w = await world(t, { given: { timeout: '1s' }, answer: () => new Promise(() => undefined) });
  t.is((await refusal(t, () => w.read('a'))).errno, 'ETIMEDOUT');
  t.deepEqual([w.server.count(), w.paid()], [1, 1]);
});

test('an answer without end is cut off', async t => {
  const w = await world(t, { answer: () => 'x'.repeat(17 * 1024 * 1024) });
  t.is((await refusal(t, () => w.read('a'))).errno, 'EFBIG');
});

test('read-only: nothing is sent and nothing is paid', async t => {
  const w = await world(t);
  t.is((await refusal(t, () => w.write('a', 'x'))).errno, 'EROFS');
  t.is((await refusal(t, () => w.remove('a'))).errno, 'EROFS');
  t.is((await refusal(t, () => w.write('a/new', 'x'))).errno, 'EROFS');
  t.deepEqual([w.server.count(), w.paid()], [0, 0]);
});

test('--writable: write is PUT, new is POST, and remove wants --allow-delete', async t => {
  const w = await world(t, {
    given: { writable: true },
    answer: ({ method }) => ({ status: method === 'POST' ? 201 : 200, headers: { location: '/items/9' } }),
  });
  await w.write('items/5', '{"a":1}');
  t.like(await w.write('items/new', 'text'), { status: 201, location: '/items/9' });
  t.is((await refusal(t, () => w.remove('items/5'))).errno, 'EPERM');
  t.deepEqual(
    w.server.seen.map(one => [one.method, one.path, one.headers['content-type'], one.body]),
    [
      ['PUT', '/items/5', 'application/json', '{"a":1}'],
      ['POST', '/items', 'text/plain; charset=utf-8', 'text'],
    ],
  );
  t.is(w.paid(), 2);
});

test('--allow-delete: remove is DELETE', async t => {
  const w = await world(t, { given: { writable: true, 'allow-delete': true } });
  await w.remove('items/5');
  t.deepEqual([w.server.count('/items/5', 'DELETE'), w.paid()], [1, 1]);
});

test('a write makes the cache forget the path and its listing', async t => {
  const w = await world(t, { given: { writable: true }, answer: ({ path }) => (path === '/items' ? '["5"]' : 'x') });
  await w.list('items');
  await w.read('items/5');
  await w.read('other');
  await w.write('items/5', 'y');
  w.server.reset();
  await w.list('items');
  await w.read('items/5');
  await w.read('other');
  t.deepEqual([w.server.count('/items'), w.server.count('/items/5'), w.server.count('/other')], [1, 1, 0]);
});

test('a listing is what the service lists: JSON, or the index of a file server', async t => {
  const index = '<html><title>Index of /</title><a href="../">up</a><a href="b%20c">b</a><a href="d/">d</a>';
  const answers: Record<string, string> = {
    '/': '["a","sub/",7,{"id":3},{"name":"n"},".hidden","x/y"]',
    '/i': index,
    '/o': '{}',
  };
  const w = await world(t, {
    answer: ({ path }) => ({ body: answers[path] ?? 'text', headers: { 'content-type': 'text/html' } }),
  });
  t.deepEqual(await w.list(''), ['.aos', 'a', 'sub', '7', '3', 'n']);
  t.deepEqual(await w.list('i'), ['b c', 'd']);
  t.is((await refusal(t, () => w.list('o'))).errno, 'ENOTDIR');
  const kind = async (name: string) => (await w.core.aos.stat(w.who, path(name))).kind;
  t.deepEqual([await kind('a'), await kind('sub')], ['value', 'dir']);
});

test('a path cannot lead out of the base, and hidden names do not exist', async t => {
  const w = await world(t, { given: { 'base-url': 'http://127.0.0.1:1' } });
  const inner = await world(t);
  const base = await world(t, { given: { 'base-url': `${inner.server.url}/v1` } });
  t.is(await base.read('a b#c\\..\\d'), '/v1/a%20b%23c%5C..%5Cd\n');
  t.is((await refusal(t, () => base.read('%2e%2E/secret'))).errno, 'EINVAL');
  for (const name of ['.git', 'a/.env']) t.is((await refusal(t, () => w.read(name))).errno, 'ENOENT');
});

test('headers are sent, and are in no error', async t => {
  const w = await world(t, {
    given: { header: ['Authorization: Bearer s3cret', 'X-Two: 2'] },
    answer: () => ({ status: 500 }),
  });
  const error = await refusal(t, () => w.read('a'));
  t.deepEqual([w.server.seen[0]?.headers.authorization, w.server.seen[0]?.headers['x-two']], ['Bearer s3cret', '2']);
  t.notRegex(`${error.message}${await w.read('.aos/error')}${await w.read('.aos/cache')}`, /s3cret/);
});
