import test from 'ava';
import { type Parts, stopper } from '../../cli/stop.ts';
import { SILENT } from '../support/core.ts';

interface Seen {
  readonly done: string[];
  readonly said: string[];
  readonly codes: number[];
}

function parts(more: Partial<Parts>): Parts & Seen {
  const done: string[] = [];
  const said: string[] = [];
  const codes: number[] = [];
  const step = (what: string): Parts['steps'][number] => ({ what, act: () => void done.push(what) });
  const drain = (): void => void done.push('drain');
  const log = { ...SILENT, error: (_fields: object, message: string) => void said.push(message) };
  const steps = ['unmounting', 'closing the socket', 'closing the store'].map(step);
  return { drain, steps, log, exit: code => void codes.push(code), done, said, codes, ...more };
}

test('the steps are taken once and in order, whoever asks', async t => {
  const all = parts({});
  const stop = stopper(all);
  await Promise.all([stop('SIGTERM'), stop('unmounted', 3)]);
  t.deepEqual(all.done, ['drain', 'unmounting', 'closing the socket', 'closing the store']);
  t.deepEqual([all.said, all.codes], [[], [0]]);
});

test('a step that fails is told, and keeps none that follows from being taken', async t => {
  const { steps, done, ...rest } = parts({});
  const failing = [
    { what: 'unmounting', act: () => Promise.reject(new Error('busy')) },
    {
      what: 'closing the socket',
      act() {
        throw new Error('gone');
      },
    },
    ...steps.slice(2),
  ];
  const drain = (): never => {
    throw new Error('a hook failed');
  };
  await stopper({ ...rest, drain, steps: failing })('SIGTERM');
  t.deepEqual(done, ['closing the store']);
  t.deepEqual(rest.said, [
    'stopping: letting the plugins finish failed',
    'stopping: unmounting failed',
    'stopping: closing the socket failed',
  ]);
  t.deepEqual(rest.codes, [1]);
});
