/** What a service may send to hold everybody up: one thread serves all, so the time that any answer takes is bounded. */

import test, { type ExecutionContext } from 'ava';
import { nextLink } from '../../mounts/http/link.ts';
import { world } from './world.ts';

const MIB = 1024 * 1024;
const within = (t: ExecutionContext, ms: number, what: string, from: number): void => {
  const took = performance.now() - from;
  t.true(took < ms, `${what} took ${took} ms`);
};

for (const part of [
  '<a ',
  '<a x',
  `<a ${'x'.repeat(2000)}`,
  '<a href="',
  '<a href="?',
  `<a href="${'x'.repeat(2000)}`,
  '<a href="a">',
  '<title> ',
  '<title>index of',
]) {
  test(`an index page of 1 MiB is listed at once: ${part.slice(0, 20)}`, async t => {
    const body = `<title>Index of /</title>\n<a href="first">1</a>\n${part.repeat(Math.ceil(MIB / part.length))}`;
    const w = await world(t, { answer: () => ({ body, headers: { 'content-type': 'text/html' } }) });
    const from = performance.now();
    t.is((await w.list('i'))[0], 'first');
    within(t, 2000, 'listing', from);
  });
}

for (const part of ['<', '<>;', '<a>;x=', ' ; a', ';a="', '<>;a="b" ', '<a>;a=b;', '<>;a="\\"']) {
  test(`a Link header is read at once: ${part}`, t => {
    const at = new URL('http://example.org/');
    const header = `<?p=1>; rel="prev", ${part.repeat(MIB / part.length)}`;
    const from = performance.now();
    for (let i = 0; i < 10; i++) t.is(nextLink(header, at, at), undefined);
    within(t, 500, 'reading', from);
  });
}

test('a Link header counts as far as 16 KiB', t => {
  const at = new URL('http://example.org/');
  const next = (before: number) => nextLink(`${'<a>; rel=prev, '.repeat(before)}<?p=2>; rel=next`, at, at);
  t.deepEqual([next(1000), next(2000)], ['http://example.org/?p=2', undefined]);
});
