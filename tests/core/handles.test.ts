/** What becomes of an open handle: after a refused write, an unmount, an empty open, a file that it has made itself. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { AosError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { parsePath } from '../../core/path.ts';
import type { Caller, FileBody, Node, Op, OpenHow, Settled } from '../../core/types.ts';
import { diskTree } from '../../plugin-sdk/index.ts';
import { emptyBody } from '../support/body.ts';
import { caller, granted, testCore } from '../support/core.ts';
import { tmpDir } from '../support/dirs.ts';
import { refusal } from '../support/refusal.ts';

const at = parsePath;
const WRITE: OpenHow = { read: false, write: true, append: false, truncate: true };
const BOTH: OpenHow = { read: true, write: true, append: false, truncate: false };
const who = caller();
const bytes = (text: string): Uint8Array => Buffer.from(text);

/** A core that serves these nodes at /aos/t, by name. */
async function serving(nodes: Readonly<Record<string, Node>>) {
  const core = await testCore();
  const undo = core.mount('/aos/t', { node: rest => nodes[rest] });
  const open = (name: string, how: OpenHow) => core.aos.open(who, at(`/aos/t/${name}`), how);
  return { core, undo, open };
}

/** A value in memory, and all that was ever committed to it. */
function kept(start = 'old') {
  const commits: string[] = [];
  const node: Node = {
    kind: 'value',
    read: () => commits.at(-1) ?? start,
    write: (_op, body) => void commits.push(Buffer.from(body).toString()),
  };
  return { node, commits };
}

const LARGE = Buffer.alloc(LIMITS.value_bytes_max + 1);

test('of a value of which one write was refused, nothing replaces the old one', async t => {
  const { node, commits } = kept();
  const { open } = await serving({ v: node });
  const handle = await open('v', WRITE);
  handle.write(0, bytes('half'));
  t.is((await refusal(() => handle.write(4, LARGE))).errno, 'EFBIG');
  t.is((await refusal(() => handle.write(4, bytes('rest')))).errno, 'EFBIG');
  t.is((await refusal(() => handle.flush())).errno, 'EFBIG');
  handle.close();
  t.deepEqual(commits, []);
});

test('of a request of which one write was refused, nothing is sent', async t => {
  const asked: number[] = [];
  const { open } = await serving({
    c: { kind: 'call', reply: (_op, body) => String(asked.push(body.length)) },
  });
  const handle = await open('c', BOTH);
  handle.write(0, bytes('half'));
  t.is((await refusal(() => handle.write(4, LARGE))).errno, 'EFBIG');
  t.is((await refusal(() => handle.flush())).errno, 'EFBIG');
  t.is((await refusal(() => handle.read(0, 10))).errno, 'EFBIG');
  handle.close();
  t.deepEqual(asked, []);
});

test('what a plugin gave to be read is not changed by who writes', async t => {
  const body = Buffer.from('cached body');
  const refused: Node = {
    kind: 'value',
    read: () => body,
    write: () => {
      throw new AosError('invalid', { component: 'test', why: 'no' });
    },
  };
  const { open } = await serving({ v: refused });
  const handle = await open('v', BOTH);
  handle.write(0, bytes('XXXX'));
  handle.truncate(6);
  t.is(Buffer.from(await handle.read(0, 100)).toString(), 'XXXXed');
  await refusal(() => handle.flush());
  t.is(body.toString(), 'cached body');
});

test('a value that is cut and written beyond its end holds zeros between', async t => {
  const { node, commits } = kept('0123456789');
  const { open } = await serving({ v: node });
  const handle = await open('v', BOTH);
  handle.truncate(4);
  handle.write(6, bytes('x'));
  handle.truncate(9);
  await handle.flush();
  t.deepEqual(commits, ['0123\0\0x\0\0']);
});

test('a value that is opened to be emptied is empty at the last close, and one commit is one', async t => {
  const { node, commits } = kept();
  const { core, open } = await serving({ v: node });
  const bare = await open('v', WRITE);
  // A shell closes the descriptor it opened once it has copied it.
  await bare.flush();
  t.deepEqual(commits, []);
  bare.close();
  bare.close();
  t.deepEqual(commits, ['']);

  const echo = await open('v', WRITE);
  await echo.flush();
  echo.write(0, bytes('x'));
  await echo.flush();
  echo.close();
  t.deepEqual(commits, ['', 'x']);

  const truncated = await open('v', { ...WRITE, truncate: false });
  truncated.truncate(0);
  truncated.close();
  t.deepEqual(commits, ['', 'x', '']);

  const last = await open('v', WRITE);
  await last.flush(undefined, true);
  last.close();
  t.deepEqual(commits, ['', 'x', '', '']);

  await core.aos.write(who, at('/aos/t/v'), bytes(''));
  t.is(commits.length, 5);
});

test('a path that is cut is cut: a value to any length, with one commit', async t => {
  const { node, commits } = kept('0123456789');
  const { core } = await serving({ v: node });
  await core.aos.truncate(who, at('/aos/t/v'), 4);
  await core.aos.truncate(who, at('/aos/t/v'), 0);
  t.deepEqual(commits, ['0123', '']);
  t.is((await refusal(() => core.aos.truncate(who, at('/aos/t/v'), LARGE.length))).errno, 'EFBIG');
});

test('a write replaces a value, opened to be cut or not; to append adds, and to read as well is to patch', async t => {
  const wrote = async (how: OpenHow): Promise<string | undefined> => {
    const { node, commits } = kept('a longer text');
    const { open } = await serving({ v: node });
    const handle = await open('v', how);
    handle.write(0, bytes('new'));
    handle.write(3, bytes('er'));
    await handle.flush(undefined, true);
    handle.close();
    return commits.at(-1);
  };
  t.is(await wrote(WRITE), 'newer');
  t.is(await wrote({ ...WRITE, truncate: false }), 'newer');
  t.is(await wrote({ ...WRITE, truncate: false, append: true }), 'a longer text\nnewer');
  t.is(await wrote(BOTH), 'newerger text\n');
});

test('what never reached whoever opened it commits nothing', async t => {
  const { node, commits } = kept();
  const { open } = await serving({ v: node });
  (await open('v', WRITE)).abandon();
  t.deepEqual(commits, []);
});

test('an empty open of a message or a call sends nothing', async t => {
  const sent: string[] = [];
  const { open } = await serving({
    m: { kind: 'message', commit: () => void sent.push('message') },
    c: { kind: 'call', reply: () => String(sent.push('call')) },
  });
  for (const name of ['m', 'c']) {
    const handle = await open(name, WRITE);
    await handle.flush();
    await handle.flush(undefined, true);
    handle.close();
  }
  t.deepEqual(sent, []);
});

test('an emptying that the plugin refuses is told, for close says nothing', async t => {
  const no: Node = {
    kind: 'value',
    write: () => Promise.reject(new AosError('invalid', { component: 't', why: 'no' })),
  };
  const { core, open } = await serving({ v: no });
  const told: (string | undefined)[] = [];
  core.api.tap.settled(record => void told.push(record.error));
  (await open('v', WRITE)).close();
  await new Promise(done => setImmediate(done));
  t.deepEqual(told, ['invalid']);
});

test('cutting a file is writing to it, however it is opened', async t => {
  const hows: OpenHow[] = [];
  const body = emptyBody();
  const open = (_op: Op, how: OpenHow): FileBody => {
    hows.push(how);
    return body;
  };
  const { core } = await serving({ f: { kind: 'file', open } });
  const cut = { read: true, write: false, append: false, truncate: true };
  const reader = granted({ verbs: ['read'], path: '/aos/t/f' });
  t.is((await refusal(() => core.aos.open(reader, at('/aos/t/f'), cut))).errno, 'EACCES');
  const writer = granted({ verbs: ['write'], path: '/aos/t/f' });
  t.is((await refusal(() => core.aos.open(writer, at('/aos/t/f'), cut))).errno, 'EACCES');
  t.deepEqual(hows, []);
  await core.aos.open(who, at('/aos/t/f'), cut);
  t.deepEqual(
    hows.map(({ write, truncate }) => [write, truncate]),
    [[true, true]],
  );
});

test('a file whose reading fails is closed again', async t => {
  let closed = 0;
  const body = (read: FileBody['read']): FileBody => ({
    read,
    write: () => 0,
    truncate() {},
    sync() {},
    attr: () => ({}),
    close: () => void closed++,
  });
  const broken = (): never => {
    throw new AosError('io', { component: 'test', why: 'broken' });
  };
  const { core } = await serving({
    now: { kind: 'file', open: () => body(broken) },
    later: { kind: 'file', open: () => body(async () => broken()) },
  });
  await refusal(() => core.aos.read(who, at('/aos/t/now')));
  await refusal(() => core.aos.read(who, at('/aos/t/later')));
  t.is(closed, 2);
});

test('after an unmount an open handle is stale: nothing is sent unlocked and unpaid', async t => {
  const core = await testCore();
  core.mount('/aos/mnt', { node: () => ({ kind: 'dir', list: () => [] }) });
  const sent: string[] = [];
  const nodes: Readonly<Record<string, Node>> = {
    new: { kind: 'message', commit: (_op, body) => void sent.push(Buffer.from(body).toString()) },
    item: { kind: 'value', read: () => 'text', write: () => void sent.push('value') },
  };
  const mount = () => core.mount('/aos/mnt/api', { node: rest => nodes[rest] }, { locked: true, price: () => 1000 });
  const unmount = mount();
  core.policy.leases.add({ path: '/aos/mnt/api', until: Date.now() + 60_000, uid: 1000, scope: { kind: 'uid' } });
  const message = await core.aos.open(who, at('/aos/mnt/api/new'), WRITE);
  const value = await core.aos.open(who, at('/aos/mnt/api/item'), { ...BOTH, truncate: true });
  message.write(0, bytes('hello'));
  const told: Settled[] = [];
  core.api.tap.settled(record => void told.push(record));
  unmount();
  t.is((await refusal(() => message.flush())).errno, 'ESTALE');
  t.is((await refusal(() => value.read(0, 10))).errno, 'ESTALE');
  mount();
  t.is((await refusal(() => value.write(0, bytes('x')))).errno, 'ESTALE', 'another mount of the same path is another');
  value.close();
  t.deepEqual(sent, []);
  t.deepEqual(
    told.map(({ path, error }) => [path, error]),
    [
      ['/aos/mnt/api/new', 'gone'],
      ['/aos/mnt/api/item', 'gone'],
      ['/aos/mnt/api/item', 'gone'],
    ],
  );
});

async function drop(t: ExecutionContext) {
  const dir = tmpDir(t);
  mkdirSync(join(dir, 'drop'));
  writeFileSync(join(dir, 'drop/old'), 'precious');
  const core = await testCore();
  core.mount('/aos/m', diskTree(dir, { component: 'm' }));
  const text = (name: string): string => readFileSync(join(dir, 'drop', name), 'utf8');
  const made = (caller: Caller, name: string, how: OpenHow) =>
    core.aos.openOrCreate(caller, at(`/aos/m/drop/${name}`), 0o600, how);
  return { core, text, made };
}

const dropper = granted({ verbs: ['create'], path: '/aos/m/drop/**' });

test('whoever may create and not write fills what it creates, and nothing else', async t => {
  const { core, text, made } = await drop(t);
  await core.aos.write(dropper, at('/aos/m/drop/new'), bytes('mine'));
  t.is(text('new'), 'mine');
  for (const name of ['new', 'old']) {
    const error = await refusal(() => core.aos.write(dropper, at(`/aos/m/drop/${name}`), bytes('no')));
    t.is(error.errno, 'EACCES');
    t.regex(error.message, /does not grant write/);
    const again = await refusal(() => core.aos.create(dropper, at(`/aos/m/drop/${name}`), 0o644, WRITE));
    t.is(again.errno, 'EACCES', 'nor is it emptied by creating it once more');
  }
  t.is(text('old'), 'precious');
  const handle = await made(dropper, 'long', WRITE);
  handle.write(0, bytes('one '));
  // Whatever changes meanwhile, it is asked whether it may still create.
  core.vfs.policyChanged();
  handle.write(4, bytes('two'));
  await handle.flush();
  handle.close();
  t.is(text('long'), 'one two');
  t.is((await refusal(() => made(dropper, 'long', WRITE))).errno, 'EACCES');
});

test('a handle that made its file is refused once its user may not even create', async t => {
  const { core, text, made } = await drop(t);
  let may = true;
  core.api.tap.narrow(() => (may ? undefined : { name: 'later', grants: [{ verbs: ['stat'], path: '/aos/**' }] }));
  const handle = await made(dropper, 'new', WRITE);
  handle.write(0, bytes('before'));
  may = false;
  core.vfs.policyChanged();
  t.is((await refusal(() => handle.write(6, bytes(' after')))).errno, 'EACCES');
  t.is((await refusal(() => handle.flush())).errno, 'EACCES');
  t.is(text('new'), 'before');
});

test('who may neither write nor create hears the refusal to write, and the plugin nothing', async t => {
  const { core, made } = await drop(t);
  const told: Settled[] = [];
  core.api.tap.settled(record => void told.push(record));
  const error = await refusal(() => made(granted({ verbs: ['read'], path: '/aos/m/**' }), 'none', WRITE));
  t.regex(error.message, /does not grant write/);
  t.deepEqual(
    told.map(({ verb }) => verb),
    ['write'],
  );
});
