/** What is kept of a service's answers: never what a write has made old, and what was read out of one is not read out again. */

import test from 'ava';
import type { Answer, Seen } from '../support/counting-server.ts';
import { until } from '../support/until.ts';
import { refusal, world } from './world.ts';

/** A service with one text, whose answers to GET can be held back; each says what was there when it was asked for. */
function slow(look: (text: string, request: Seen) => Answer) {
  let text = 'old';
  let held: (() => void) | undefined;
  let hold = false;
  return {
    /** The next GET is not answered before `release`. */
    hold: () => {
      hold = true;
    },
    release: () => held?.(),
    answer: (request: Seen): Answer | Promise<Answer> => {
      if (request.method === 'PUT') {
        text = request.body;
        return { status: 200 };
      }
      const answer = look(text, request);
      if (!hold) return answer;
      hold = false;
      return new Promise(resolve => {
        held = () => resolve(answer);
      });
    },
  };
}

test('an answer that was asked for before a write and comes after it is not kept', async t => {
  const service = slow(text => text);
  const w = await world(t, { given: { writable: true }, answer: service.answer });
  service.hold();
  const reading = w.read('a');
  await until('the service is asked', () => w.server.count() === 1);
  await w.write('a', 'new');
  service.release();
  t.is(await reading, 'old');
  t.is(await w.read('a'), 'new');
  t.is(await w.read('a'), 'new');
  t.deepEqual([w.server.count('/a', 'GET'), w.paid()], [2, 3]);
});

test('so is a missing name, and what a redirect led to', async t => {
  const missing = slow(text => (text === 'old' ? undefined : text));
  const w = await world(t, { given: { writable: true }, answer: missing.answer });
  missing.hold();
  const looking = refusal(t, () => w.read('a'));
  await until('the service is asked', () => w.server.count() === 1);
  await w.write('a', 'new');
  missing.release();
  t.is((await looking).errno, 'ENOENT');
  t.is(await w.read('a'), 'new');

  const moved = slow((text, { path }) =>
    path === '/a' ? { status: 302, headers: { location: `/${text}` } } : `at ${path}`,
  );
  const other = await world(t, { given: { writable: true }, answer: moved.answer });
  moved.hold();
  const reading = other.read('a');
  await until('the service is asked', () => other.server.count() === 1);
  await other.write('a', 'new');
  moved.release();
  t.is(await reading, 'at /old');
  t.is(await other.read('a'), 'at /new');
});

test('an answer that still held before a write does not lengthen what was fetched after it', async t => {
  const service = slow((text, { headers }) =>
    headers['if-none-match'] === `"${text}"` ? { status: 304 } : { body: text, headers: { etag: `"${text}"` } },
  );
  const w = await world(t, { given: { writable: true }, answer: service.answer });
  await w.read('a');
  w.later(61_000);
  service.hold();
  const reading = w.read('a');
  await until('the service is asked', () => w.server.count() === 2);
  await w.write('a', 'new');
  t.is(await w.read('a'), 'new');
  w.later(30_000);
  service.release();
  t.is(await reading, 'old');
  w.later(31_000);
  w.server.reset();
  t.is(await w.read('a'), 'new');
  t.is(w.server.count(), 1);
});

test('a listing is read out of a kept answer once', async t => {
  const names = Array.from({ length: 60_000 }, (_, i) => ({ name: `n${i}`, about: 'x'.repeat(40) }));
  const w = await world(t, { answer: () => JSON.stringify(names) });
  const timed = async (times: number): Promise<number> => {
    const from = performance.now();
    for (let i = 0; i < times; i++) t.is((await w.list('many')).length, 1001);
    return performance.now() - from;
  };
  const first = await timed(1);
  const hundred = await timed(100);
  t.true(hundred < 10 * first, `${hundred} ms for a hundred, ${first} ms for the first`);
  t.deepEqual([w.server.count(), w.paid()], [1, 1]);
  t.regex(await w.read('.aos/cache'), /entries: 1\n/);
});

test('what is too large to be listed says so, whatever it is, and can be read', async t => {
  const large = 4 * 1024 * 1024;
  const bodies: Record<string, string> = {
    '/array': `["a"${' '.repeat(large)}]`,
    '/index': `<title>Index of /</title><a href="a">a</a>${' '.repeat(large)}`,
    '/page': `<title>A page</title>${' '.repeat(large)}`,
  };
  const w = await world(t, {
    answer: ({ path }) => ({ body: bodies[path] ?? '', headers: { 'content-type': 'text/html' } }),
  });
  for (const name of ['array', 'index']) {
    const error = await refusal(t, () => w.list(name));
    t.is(error.errno, 'EFBIG');
    t.regex(error.message, /^http: .*: the listing that the service gives is larger than 4 MiB; read it: aos cat \//);
    t.true((await w.read(name)) === bodies[`/${name}`]);
  }
  t.is((await refusal(t, () => w.list('page'))).errno, 'ENOTDIR');
  t.is(w.paid(), 3);
});
