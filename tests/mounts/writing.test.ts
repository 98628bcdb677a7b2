/** A writable web service: what is not there is made by being written, at every door in the same way. */

import test from 'ava';
import type { ErrnoName } from '../../core/errors.ts';
import { parsePath } from '../../core/path.ts';
import type { Maybe, OpenHow } from '../../core/types.ts';
import type { Seen } from '../support/counting-server.ts';
import { refusal, type World, world } from './world.ts';

const WRITE: OpenHow = { read: false, write: true, append: false, truncate: false };

/** A service that keeps what is put. */
function store(kept: Map<string, string>) {
  return ({ method, path, body }: Seen) => {
    if (method === 'PUT') kept.set(path, body);
    return kept.get(path);
  };
}

const at = (name: string) => parsePath(`/aos/mnt/api/${name}`);

/** Opens, writes where there is something, and closes, as a program does through any door. */
async function put(w: World, name: string, how: OpenHow, text?: string): Promise<void> {
  const handle = await w.core.aos.open(w.who, at(name), how);
  if (text !== undefined) await handle.write(0, Buffer.from(text));
  await handle.flush(undefined, true);
  handle.close();
}

const sent = (w: World): string[] => w.server.seen.map(({ method, path, body }) => `${method} ${path} ${body}`.trim());

async function writable(t: Parameters<typeof world>[0], kept = new Map<string, string>()) {
  const w = await world(t, { given: { writable: true, 'allow-delete': true }, answer: store(kept) });
  return { ...w, kept };
}

test('to add to what is not there is to make it; without a cut it is the same', async t => {
  const w = await writable(t);
  await put(w, 'fresh.txt', { ...WRITE, append: true }, 'x');
  await put(w, 'other', { ...WRITE, read: true }, 'y');
  t.deepEqual(sent(w), ['GET /fresh.txt', 'PUT /fresh.txt x', 'GET /other', 'PUT /other y']);
  t.is(w.paid(), 4);
  t.is(await w.read('.aos/error'), '');
});

test('to add to what is there keeps what it has now, whatever the cache had', async t => {
  const w = await writable(t);
  t.is((await refusal(t, () => w.read('a'))).errno, 'ENOENT');
  w.kept.set('/a', 'one ');
  await put(w, 'a', { ...WRITE, append: true }, 'two');
  t.is(w.kept.get('/a'), 'one two');
});

test('what is cut to nothing is put as nothing', async t => {
  const w = await writable(t, new Map([['/a', 'text']]));
  await put(w, 'a', { ...WRITE, truncate: true });
  await w.core.aos.truncate(w.who, at('b'), 0);
  t.deepEqual(sent(w), ['PUT /a', 'PUT /b']);
});

test('touch makes what is not there, and leaves alone what is', async t => {
  const w = await writable(t, new Map([['/there', 'text']]));
  const times = { atime: 0, mtime: 0 };
  await put(w, 'new.txt', WRITE);
  await w.core.aos.change(w.who, at('new.txt'), times);
  t.deepEqual(sent(w), ['GET /new.txt', 'PUT /new.txt']);
  w.server.reset();
  for (const name of ['there', 'there', 'new.txt', 'alone']) await w.core.aos.change(w.who, at(name), times);
  t.deepEqual(sent(w), ['GET /there', 'GET /alone', 'PUT /alone']);
  t.deepEqual([w.kept.get('/there'), w.kept.get('/alone')], ['text', '']);
  t.is(w.paid(), 5);
});

test('touch says so where the service refuses', async t => {
  const w = await world(t, { given: { writable: true }, answer: () => ({ status: 403 }) });
  t.is((await refusal(t, () => w.core.aos.change(w.who, at('a'), { mtime: 0 }))).errno, 'EACCES');
  t.is((await refusal(t, () => put(w, 'a', { ...WRITE, append: true }, 'x'))).errno, 'EACCES');
  t.is((await refusal(t, () => w.core.aos.change(w.who, at('a'), { mode: 0o600 }))).errno, 'EPERM');
});

test('what was removed is made again', async t => {
  const w = await writable(t, new Map([['/a', 'x']]));
  await w.read('a');
  await w.remove('a');
  w.kept.delete('/a');
  await w.core.aos.change(w.who, at('a'), { mtime: 0 });
  t.is(w.kept.get('/a'), '');
});

const PLAIN = { noReplace: false, exchange: false };

test('what a service has no word for is refused as a file system without it does, and asks nobody', async t => {
  const w = await writable(t, new Map([['/a.txt', 'x']]));
  const acts: [ErrnoName, () => Maybe<unknown>][] = [
    ['EPERM', () => w.core.aos.makeDir(w.who, at('d'), 0o755)],
    ['EPERM', () => w.core.aos.makeLink(w.who, at('l'), 'a.txt')],
    ['EPERM', () => w.core.aos.makeHardLink(w.who, at('l'), at('a.txt'))],
    ['EPERM', () => w.core.aos.removeDir(w.who, at('d'))],
    ['EPERM', () => w.core.aos.openOrCreate(w.who, at('.hidden'), 0o644, { ...WRITE, truncate: true })],
    ['EXDEV', () => w.core.aos.rename(w.who, at('a.txt'), at('b.txt'), PLAIN)],
  ];
  for (const [errno, act] of acts) t.is((await refusal(t, act)).errno, errno);
  const ro = await world(t);
  const how = [
    () => ro.core.aos.makeDir(ro.who, at('d'), 0o755),
    () => ro.core.aos.rename(ro.who, at('a'), at('b'), PLAIN),
  ];
  for (const act of how) t.is((await refusal(t, act)).errno, 'EROFS');
  t.deepEqual([w.server.count(), ro.server.count()], [0, 0]);
});

test('what was removed is not there, and can be made with O_EXCL, as mv does', async t => {
  const w = await writable(t, new Map([['/plain', 'x']]));
  await w.remove('plain');
  w.kept.delete('/plain');
  t.is((await refusal(t, () => w.core.aos.stat(w.who, at('plain')))).errno, 'ENOENT');
  w.server.reset();
  const handle = await w.core.aos.create(w.who, at('plain'), 0o600, { ...WRITE, exclusive: true });
  t.is((await w.core.aos.stat(w.who, at('plain'))).kind, 'value');
  await w.core.aos.change(w.who, at('plain'), { mode: 0o644 });
  await handle.write(0, Buffer.from('new'));
  await handle.flush(undefined, true);
  handle.close();
  t.deepEqual(sent(w), ['PUT /plain new']);
});

test('whoever may create and not write makes nothing outside: only what is written is paid for', async t => {
  const w = await writable(t);
  const grants = [{ verbs: ['create', 'list'] as const, path: '/aos/mnt/api/**' }];
  const who = { ...w.who, authority: [{ name: 'creator', grants }] };
  const create = () => w.core.aos.create(who, at('a.txt'), 0o600, { ...WRITE, exclusive: true });
  t.is((await refusal(t, create)).errno, 'EACCES');
  t.is(w.server.count(), 0);
});

test('that it was removed is believed for 5 seconds: somebody else may make it', async t => {
  const w = await writable(t, new Map([['/a.txt', 'x']]));
  await w.remove('a.txt');
  w.later(4_000);
  t.is((await refusal(t, () => w.core.aos.stat(w.who, at('a.txt')))).errno, 'ENOENT');
  w.later(1_500);
  t.is((await w.core.aos.stat(w.who, at('a.txt'))).kind, 'value');
});

test('what a service never had is not there once it said so to a removal', async t => {
  const w = await world(t, { given: { writable: true, 'allow-delete': true }, answer: () => ({ status: 404 }) });
  t.is((await refusal(t, () => w.remove('a.txt'))).errno, 'ENOENT');
  t.is((await refusal(t, () => w.core.aos.stat(w.who, at('a.txt')))).errno, 'ENOENT');
});

test('a read-only mount refuses each of them, and asks nobody', async t => {
  const w = await world(t);
  const acts = [
    () => put(w, 'a', { ...WRITE, append: true }, 'x'),
    () => put(w, 'a', { ...WRITE, truncate: true }),
    () => w.core.aos.change(w.who, at('a'), { mtime: 0 }),
  ];
  for (const act of acts) t.is((await refusal(t, act)).errno, 'EROFS');
  t.is(w.server.count(), 0);
});
