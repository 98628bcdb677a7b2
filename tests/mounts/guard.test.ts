/** What the machinery does for every plugin of a mount: secrets stay secret, and nothing hangs. */

import test from 'ava';
import { Cancellation } from '../../core/cancel.ts';
import { parsePath } from '../../core/path.ts';
import type { Settled } from '../../core/types.ts';
import {
  defineMount,
  dir,
  file,
  type MountType,
  message,
  type Node,
  secret,
  tree,
  usd,
} from '../../plugin-sdk/index.ts';
import { until } from '../support/until.ts';
import { refusal, type World, world } from './world.ts';

const KEY = 's3cr3tKEY';
const never = (): Promise<never> => new Promise(() => undefined);

/** Everything that the core tells its listeners. */
function told(w: World): Settled[] {
  const records: Settled[] = [];
  w.core.api.tap.settled(record => void records.push(record));
  return records;
}

test('a service that repeats the header in its refusal does not make it known', async t => {
  const header = `Authorization: Bearer ${KEY}`;
  const w = await world(t, {
    given: { header: [header], 'allow-private': true },
    answer: ({ headers }) => ({ status: 401, body: `you sent ${headers.authorization}` }),
  });
  const records = told(w);
  const error = await refusal(t, () => w.read('a'));
  t.regex(error.message, /the service answered 401 \(you sent \[secret\]\)/);
  const state = (await w.read('.aos/error')) + (await w.read('.aos/cache'));
  t.regex(state, /you sent \[secret\]/);
  t.notRegex(JSON.stringify([error, error.cause, error.stack, state, records]), /s3cr3t/);
});

test('so in a further request of the same operation', async t => {
  const w = await world(t, {
    given: { header: [`X-Key: ${KEY}`] },
    answer: ({ path }) => ({ status: 302, headers: { location: path === '/a' ? '/b' : `http://${KEY}.example.org/` } }),
  });
  const records = told(w);
  const error = await refusal(t, () => w.read('a'));
  t.is(w.server.count(), 2);
  t.notRegex(JSON.stringify([error, records]), /s3cr3t/i);
});

test('what the service answers to a read is its own', async t => {
  const w = await world(t, { given: { header: [`X-Key: ${KEY}`] }, answer: ({ headers }) => `${headers['x-key']}` });
  t.is(await w.read('a'), KEY);
});

/** A mount whose every function throws what it knows. */
const leaky = defineMount({
  name: 'leaky',
  help: 'Tells.',
  options: { key: secret('A key.') },
  open: ({ key }, { log, api }) => {
    const boom = (): never => {
      log.error({ key, err: new Error(`logged ${key}`) }, `log ${key}`);
      api.log.error({}, `log ${key}`);
      throw new Error(`boom ${key}`);
    };
    const fields = { title: { read: boom, write: boom } };
    return {
      price: (_verb, rest) => (rest === 'priced' ? boom() : 0),
      local: rest => (rest === 'local' ? boom() : false),
      cache: () => ({ key }),
      tree: tree({
        '/': dir(() => ['a']),
        '/looked': file({ exists: boom }),
        '/list': dir(boom),
        '/generated': dir(function* () {
          yield boom();
        }),
        '/read': file({ read: boom }),
        '/later': file({ read: async () => boom() }),
        '/write': file({ write: boom }),
        '/send': message({ accept: boom, commit: boom }),
        '/fields': (): Node => ({ kind: 'value', read: () => 'x', fields }),
        '/xattrs': (): Node => ({ kind: 'value', read: () => 'x', xattrs: { get: boom, list: boom } }),
        '/file': (): Node => ({ kind: 'file', open: boom }),
        '/log': (): Node => ({ kind: 'log', source: { size: 1, ended: true, watch: boom, read: boom } }),
        '/priced': file({ read: () => '' }),
        '/local': file({ read: () => '' }),
      }),
    };
  },
});

test('whatever function of a plugin throws, the secret is not in what is told, and there is a remedy', async t => {
  const w = await world(t, { type: leaky, given: { key: KEY, writable: true } });
  const records = told(w);
  const path = (name: string) => parsePath(`/aos/mnt/api/${name}`);
  const { aos } = w.core;
  const acts: readonly [string, () => unknown][] = [
    ...['looked', 'read', 'later', 'file', 'log', 'priced', 'local'].map((name): [string, () => unknown] => [
      name,
      () => w.read(name),
    ]),
    ...['list', 'generated'].map((name): [string, () => unknown] => [name, () => w.list(name)]),
    ...['write', 'send'].map((name): [string, () => unknown] => [name, () => w.write(name, 'x')]),
    ['field', () => aos.getXattr(w.who, path('fields'), 'user.title')],
    ['field as a path', () => w.read('fields/title')],
    ['field set', () => aos.setXattr(w.who, path('fields'), 'user.title', Buffer.from('x'))],
    ['attribute', () => aos.getXattr(w.who, path('xattrs'), 'user.x')],
  ];
  for (const [what, act] of acts) {
    const error = await refusal(t, act);
    t.regex(error.why, /boom \[secret\]/, what);
    t.truthy(error.remedy, what);
    t.notRegex(JSON.stringify([error, error.stack, String(error.cause)]), /s3cr3t/, what);
  }
  t.is(await w.read('.aos/cache'), 'key: [secret]\n');
  t.notRegex(JSON.stringify(records) + (await w.read('.aos/error')), /s3cr3t/);
});

test('a mount that cannot be opened does not tell why with its secret', async t => {
  const type = defineMount({
    name: 'shut',
    help: 'Shut.',
    options: { key: secret('A key.') },
    open: async ({ key }) => {
      throw new Error(`no ${key}`);
    },
  });
  t.regex((await refusal(t, () => world(t, { type, given: { key: KEY } }))).message, /^shut: .*no \[secret\]; /);
});

/** A mount that never answers, whatever is asked of it. */
function hanging(cost: number | undefined): MountType {
  return defineMount({
    name: 'hanging',
    help: 'Hangs.',
    options: {},
    ...(cost !== undefined && { cost: { read: usd(cost), list: usd(cost), write: usd(cost) } }),
    open: () => ({
      tree: tree({
        '/': dir(() => ['hang']),
        '/hang': file({ read: never, write: never }),
        '/list': dir(never),
        '/looked': file({ exists: never }),
        '/called': file({ call: never }),
        '/stream': file({
          call: async function* () {
            yield 1;
            await never();
          },
        }),
        '/part': (): Node => ({ kind: 'value', read: () => 'x', fields: { title: { read: never } } }),
        '/open': (): Node => ({
          kind: 'file',
          open: () => ({
            read: never,
            write: never,
            truncate: never,
            sync: never,
            attr: () => ({ size: 1 }),
            close() {},
          }),
        }),
      }),
    }),
  });
}

const SHORT = { timeout: '50ms', writable: true };

test('a plugin that never answers is given up at the deadline, wherever it hangs', async t => {
  const w = await world(t, { type: hanging(undefined), given: SHORT });
  const path = (name: string) => parsePath(`/aos/mnt/api/${name}`);
  const { aos } = w.core;
  const acts: readonly [string, () => unknown][] = [
    ['read', () => w.read('hang')],
    ['write', () => w.write('hang', 'x')],
    ['list', () => w.list('list')],
    ['look', () => aos.stat(w.who, path('looked'))],
    ['call', () => aos.call(w.who, path('called'), {})],
    ['field', () => aos.getXattr(w.who, path('part'), 'user.title')],
    ['an open file', () => w.read('open')],
  ];
  for (const [what, act] of acts) {
    const error = await refusal(t, act);
    t.deepEqual([error.errno, error.component], ['ETIMEDOUT', 'hanging'], what);
    t.regex(error.message, /has not answered within 0\.05 s; .*--timeout/, what);
  }
  t.regex(await w.read('.aos/error'), /has not answered within/);
});

test('so does a stream that stops', async t => {
  const w = await world(t, { type: hanging(undefined), given: SHORT });
  const values = await w.core.aos.call(w.who, parsePath('/aos/mnt/api/stream'), {});
  const seen: unknown[] = [];
  const error = await refusal(t, async () => {
    // The route answers with a generator.
    for await (const value of values as AsyncIterable<unknown>) seen.push(value);
  });
  t.deepEqual([seen, error.errno], [[1], 'ETIMEDOUT']);
});

test('what a plugin declared that it costs is paid, also where it hangs', async t => {
  const w = await world(t, { type: hanging(0.001), given: SHORT });
  await refusal(t, () => w.read('hang'));
  t.is(w.paid(), 1);
});

test('a plugin that accounts for itself pays what it had spent, and nothing afterwards', async t => {
  const said: boolean[] = [];
  let goOn: (() => void) | undefined;
  const type = defineMount({
    name: 'slow',
    help: 'Slow.',
    options: {},
    open: () => ({
      price: verb => (verb === 'read' ? 3000 : 0),
      tree: {
        node: rest => ({
          kind: 'value',
          read: async ({ meter, signal }) => {
            meter.spend(1000);
            await new Promise<void>(resolve => {
              goOn = resolve;
            });
            said.push(meter.spend(1000), signal.aborted);
            return rest;
          },
        }),
      },
    }),
  });
  const w = await world(t, { type, given: SHORT });
  await refusal(t, () => w.read('a'));
  t.is(w.paid(), 1);
  goOn?.();
  await until('the plugin goes on', () => said.length > 0);
  t.deepEqual([said, w.paid()], [[false, true], 1]);
});

test('whoever gives up is answered at once, and what was reserved is settled', async t => {
  const w = await world(t, { type: hanging(0.001), given: { timeout: '1h' } });
  const cancel = new Cancellation();
  const reading = w.core.aos.read(w.who, parsePath('/aos/mnt/api/hang'), cancel);
  cancel.abort();
  t.is((await refusal(t, () => reading)).errno, 'EINTR');
  t.true(w.core.ledger.entries.every(({ settled }) => settled !== undefined));
});

test('whoever gives up ls of the top is answered at once', async t => {
  const type = defineMount({ name: 'top', help: 'Hangs.', options: {}, open: () => tree({ '/': dir(never) }) });
  const w = await world(t, { type, given: { timeout: '1h' } });
  const cancel = new Cancellation();
  const listing = w.core.aos.list(w.who, parsePath('/aos/mnt/api'), cancel);
  cancel.abort();
  t.is((await refusal(t, () => listing)).errno, 'EINTR');
});

test("http's own deadline is the one that is heard, and a repetition after a wait has its own", async t => {
  const w = await world(t, { given: { timeout: '1s' }, answer: never });
  t.regex((await refusal(t, () => w.read('a'))).why, /127\.0\.0\.1:\d+ has not answered within 1 s/);
  let busy = 2;
  const patient = await world(t, {
    given: { timeout: '1500ms' },
    answer: () => (busy-- > 0 ? { status: 429, headers: { 'retry-after': '1' } } : 'now'),
  });
  t.is(await patient.read('a'), 'now');
});

test('a mount that opens after the deadline is let go of', async t => {
  let open: (() => void) | undefined;
  let closed = 0;
  const type = defineMount({
    name: 'late',
    help: 'Late.',
    options: {},
    open: () =>
      new Promise(resolve => {
        open = () => resolve({ tree: tree({ '/': dir(() => []) }), close: () => void closed++ });
      }),
  });
  t.is((await refusal(t, () => world(t, { type, given: SHORT }))).errno, 'ETIMEDOUT');
  t.is(closed, 0);
  open?.();
  await until('it is closed', () => closed > 0);
  t.is(closed, 1);
});
