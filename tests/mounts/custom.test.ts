/** A mount made with the SDK alone: what `defineMount` does for every mount. */

import test from 'ava';
import quotes from '../../plugin-sdk/examples/quotes.ts';
import { defineMount, dir, file, text, tree } from '../../plugin-sdk/index.ts';
import { caller } from '../support/core.ts';
import { refusal, world } from './world.ts';

const answer = ({ path }: { path: string }) => (path === '/symbols' ? '["ACME","EMCA"]' : `${path}!\n`);

test('the example lists, reads and writes; each call is paid, what is kept is not', async t => {
  const w = await world(t, { type: quotes, given: { writable: true, token: 's3cret' }, answer });
  t.deepEqual(await w.list(''), ['.aos', 'ACME', 'EMCA']);
  t.deepEqual(await w.list('ACME'), ['price', 'note']);
  t.is(await w.read('ACME/price'), '/price/ACME!\n');
  await w.read('ACME/price');
  t.is(w.server.count(), 2);
  await w.write('ACME/note', 'buy\n');
  t.deepEqual(w.server.seen.at(-1)?.body, 'buy');
  t.is(w.server.seen[0]?.headers.authorization, 'Bearer s3cret');
});

test('under the lock a mount shows its top and its state, and asks nobody', async t => {
  const w = await world(t, { type: quotes, locked: true, answer });
  t.deepEqual(await w.list(''), ['.aos']);
  for (const name of ['mode', 'locked', 'cost', 'cache', 'error']) await t.notThrowsAsync(w.read(`.aos/${name}`));
  t.is((await refusal(t, () => w.read('ACME/price'))).kind, 'locked');
  t.is(w.server.count(), 0);
});

test('--price replaces what the plugin asks, and --price=0 makes it free', async t => {
  const dear = await world(t, { type: quotes, given: { price: '0.05', ttl: '0' }, answer });
  await dear.read('ACME/price');
  t.is(dear.core.ledger.total(), 50_000);
  const free = await world(t, { type: quotes, given: { price: '0' }, answer });
  await free.read('ACME/price');
  t.is(free.core.ledger.total(), 0);
});

test('without --writable a write is EROFS, without --allow-delete a removal is EPERM', async t => {
  const removed: string[] = [];
  const type = defineMount({
    name: 'things',
    help: 'Things.',
    options: {},
    open: () => ({
      tree: {
        node: rest =>
          rest === ''
            ? { kind: 'dir', list: () => [], remove: (_op, name) => void removed.push(name) }
            : { kind: 'value', read: () => 'x', write: () => undefined },
      },
    }),
  });
  const given = (more: object) => world(t, { type, given: { ...more } });
  const ro = await given({});
  t.is((await refusal(t, () => ro.write('a', 'x'))).errno, 'EROFS');
  t.is((await refusal(t, () => ro.remove('a'))).errno, 'EROFS');
  const rw = await given({ writable: true });
  await rw.write('a', 'x');
  t.is((await refusal(t, () => rw.remove('a'))).errno, 'EPERM');
  await (await given({ writable: true, 'allow-delete': true })).remove('a');
  t.deepEqual(removed, ['a']);
});

test('what one user was told is not shown to another', async t => {
  const w = await world(t, { type: quotes, answer: () => ({ status: 500, body: 'private words' }) });
  await refusal(t, () => w.read('ACME/price'));
  t.regex(await w.read('.aos/error'), /private words/);
  t.is(await w.read('.aos/error', caller(w.who.authority, 1001)), '');
});

test('an option that every mount has cannot be declared again', t => {
  const open = () => tree({ '/': dir(() => ['a']), '/:name': file({ read: () => '' }) });
  const options = { ttl: text('Mine.') };
  t.throws(() => defineMount({ name: 'x', help: '', options, open }), { message: /every mount has an option "ttl"/ });
});
