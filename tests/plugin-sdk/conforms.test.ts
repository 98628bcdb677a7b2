/** A rule that a mount skips does not look as if it were kept. */

import test, { type ExecutionContext } from 'ava';
import quotes from '../../plugin-sdk/examples/quotes.ts';
import { conforms, type Register } from '../../plugin-sdk/testing/index.ts';

const subject = {
  type: quotes,
  file: 'ACME/price',
  skip: { 'cuts a long listing, says so, and goes on to its end': 'it has none' },
  open: () => Promise.reject(new Error('nothing is run here')),
};

test('a skipped rule is left out, or goes to the skip of the runner with its reason', t => {
  const run: string[] = [];
  const skipped: string[] = [];
  const register = (title: string): void => void run.push(title);
  conforms<ExecutionContext>(register, subject);
  t.false(run.some(title => title.includes('cuts a long listing')));
  const withSkip: Register<ExecutionContext> = Object.assign((_title: string): void => {}, {
    skip: (title: string): void => void skipped.push(title),
  });
  conforms(withSkip, subject);
  t.deepEqual(skipped, ['quotes cuts a long listing, says so, and goes on to its end (skipped: it has none)']);
});
