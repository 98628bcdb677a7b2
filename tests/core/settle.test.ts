/** A bill that cannot be written down: whoever listens hears once of what was done outside, and so does the caller. */

import test from 'ava';
import { AosError } from '../../core/errors.ts';
import { parsePath } from '../../core/path.ts';
import type { Op, Settled } from '../../core/types.ts';
import { READ } from '../../core/whole.ts';
import { caller, type TestCore, testCore } from '../support/core.ts';
import { refusal } from '../support/refusal.ts';

const PRICE = 50_000;
const who = caller();

/** A core whose ledger takes reservations and no bills. */
async function unwritable() {
  const core = await testCore();
  let tries = 0;
  core.ledger.settle = () => {
    tries++;
    throw new AosError('no_space', { component: 'store', why: 'there is no space left' });
  };
  const told: Settled[] = [];
  core.api.tap.settled(record => void told.push(record));
  const mount = (act: (op: Op) => unknown) =>
    core.mount('/aos/p', { node: () => ({ kind: 'dir', list: () => [], call: act }) }, { price: () => PRICE });
  const call = () => core.aos.call(who, parsePath('/aos/p/x'), {});
  return { core, told, mount, call, tries: () => tries };
}

/** Spent and reserved, of the caller's user. */
function used({ core }: { readonly core: TestCore }): number | undefined {
  return core.policy.budgets(who, parsePath('/aos/p/x')).find(({ layer }) => layer === 'uid')?.used;
}

for (const [name, pause] of [
  ['at once', undefined],
  ['later', Promise.resolve()],
] as const) {
  test(`done ${name}: told once with what it cost and why, and refused`, async t => {
    const subject = await unwritable();
    subject.mount(op => {
      op.meter.spend(2000);
      return pause?.then(() => 'done') ?? 'done';
    });
    const error = await refusal(subject.call);
    t.is(error.errno, 'ENOSPC');
    t.is(subject.tries(), 1);
    t.deepEqual(
      subject.told.map(({ cost, error: kind }) => [cost, kind]),
      [[2000, 'no_space']],
    );
    t.is(used(subject), 2000, 'nothing stays reserved');
  });

  test(`failed ${name}: told once, with its own error, and the caller hears both`, async t => {
    const subject = await unwritable();
    subject.mount(op => {
      op.meter.spend(2000);
      const error = new AosError('upstream', { component: 'test', why: 'the service failed' });
      if (pause !== undefined) return pause.then(() => Promise.reject(error));
      throw error;
    });
    const error = await refusal(subject.call);
    t.is(error.kind, 'upstream');
    t.regex(error.message, /the service failed; and store: there is no space left/);
    t.is(subject.tries(), 1);
    t.deepEqual(
      subject.told.map(({ cost, error: kind }) => [cost, kind]),
      [[2000, 'upstream']],
    );
    t.is(used(subject), 2000);
  });
}

test('a stream whose bill cannot be written down ends with that', async t => {
  const subject = await unwritable();
  subject.mount(async function* (op) {
    op.meter.spend(1000);
    yield 'one';
  });
  const stream = await subject.call();
  const pieces: unknown[] = [];
  const error = await refusal(async () => {
    // The core gives what the node's call gave: a stream.
    for await (const piece of stream as AsyncIterable<unknown>) pieces.push(piece);
  });
  // Left once more after its end, as some readers do.
  await (stream as AsyncIterable<unknown>)[Symbol.asyncIterator]().return?.();
  t.deepEqual(pieces, ['one']);
  t.is(error.errno, 'ENOSPC');
  t.is(subject.tries(), 1);
  t.is(subject.told.length, 1);
  t.is(used(subject), 1000);
});

test('what cost something is told, also where the answer is an ordinary one such as that there is no such thing', async t => {
  const core = await testCore();
  const told: Settled[] = [];
  core.api.tap.settled(record => void told.push(record));
  const missing = (op: Op): never => {
    op.meter.spend(1000);
    throw new AosError('not_found', { component: 'test', why: 'the service has none' });
  };
  core.mount('/aos/p', { node: () => ({ kind: 'value', read: missing }) }, { price: () => PRICE });
  await refusal(() => core.aos.read(who, parsePath('/aos/p/x')));
  t.deepEqual(
    told.map(({ cost, error }) => [cost, error]),
    [[1000, 'not_found']],
  );
});

test('each read of an open handle that is refused by now is told', async t => {
  let now = 0;
  const core = await testCore(undefined, () => now);
  core.mount('/aos/p', { node: () => ({ kind: 'value', read: () => 'hello' }) });
  const grants = [{ verbs: ['read'] as const, path: '/aos/p/**', until: 10 }];
  const guest = { ...who, authority: [{ name: 'guest', grants }] };
  const handle = await core.aos.open(guest, parsePath('/aos/p/x'), READ);
  t.is(Buffer.from(await handle.read(0, 10)).toString(), 'hello\n');
  const told: Settled[] = [];
  core.api.tap.settled(record => void told.push(record));
  now = 10;
  for (let i = 0; i < 2; i++) await refusal(() => handle.read(0, 10));
  t.deepEqual(
    told.map(({ verb, path, error }) => [verb, path, error]),
    [
      ['read', '/aos/p/x', 'not_found'],
      ['read', '/aos/p/x', 'not_found'],
    ],
  );
});
