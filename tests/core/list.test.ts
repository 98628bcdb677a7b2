/** Cursors, as the core hands them on. */

import test from 'ava';
import { AosError } from '../../core/errors.ts';
import { parsePath } from '../../core/path.ts';
import type { Node } from '../../core/types.ts';
import { caller, testCore } from '../support/core.ts';

test('a cursor reaches a directory that takes them, and the price of what it asks', async t => {
  const core = await testCore();
  const heard: unknown[] = [];
  const node: Node = {
    kind: 'dir',
    pages: true,
    list: (_op, cursor) => {
      heard.push(cursor);
      return [];
    },
  };
  const price = (_verb: string, _rest: string, request: unknown): number => {
    heard.push(`price ${request}`);
    return 0;
  };
  core.mount('/aos/long', { node: () => node }, { price });
  core.aos.list(caller(), parsePath('/aos/long'));
  core.aos.list(caller(), parsePath('/aos/long'), undefined, 'c');
  t.deepEqual(heard, ['price undefined', undefined, 'price c', 'c']);
});

test('a cursor for what is not listed in pages is EINVAL, and nothing is listed', async t => {
  const core = await testCore();
  core.mount('/aos/short', {
    node: rest => (rest === 'file' ? { kind: 'value' } : { kind: 'dir', list: () => t.fail() && [] }),
  });
  for (const path of ['/aos/short', '/aos/short/file']) {
    const error = t.throws(() => core.aos.list(caller(), parsePath(path), undefined, 'c'), { instanceOf: AosError });
    t.is(error?.errno, 'EINVAL');
    t.regex(error?.message ?? '', /it is not listed in pages, so it has no cursors; list it without one$/);
  }
});
