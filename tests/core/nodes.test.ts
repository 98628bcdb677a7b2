import test from 'ava';
import { AosError } from '../../core/errors.ts';
import { parsePath } from '../../core/path.ts';
import type { OpenHow } from '../../core/types.ts';
import { callable, LogBuffer, log, message, tree, value } from '../../plugin-sdk/index.ts';
import { caller, testCore } from '../support/core.ts';

const at = parsePath;
const READ: OpenHow = { read: true, write: false, append: false, truncate: false };
const WRITE: OpenHow = { read: false, write: true, append: false, truncate: true };
const BOTH: OpenHow = { read: true, write: true, append: false, truncate: false };
const who = caller();

test('a value is a snapshot taken at open and ends in one newline', async t => {
  const core = await testCore();
  let n = 0;
  core.mount('/aos/t', tree({ '/v': value({ read: () => `value ${++n}` }) }));
  const handle = await core.aos.open(who, at('/aos/t/v'), READ);
  t.is(String(await handle.read(0, 3)) + String(await handle.read(3, 100)), 'value 1\n');
  t.is(String(await handle.read(0, 100)), 'value 1\n');
  t.true(handle.direct);
});

test('a value is replaced once, at close, by all that was written', async t => {
  const core = await testCore();
  const sets: string[] = [];
  core.mount('/aos/t', tree({ '/v': value({ read: () => 'old', write: (_args, text) => void sets.push(text) }) }));
  const handle = await core.aos.open(who, at('/aos/t/v'), WRITE);
  await handle.flush();
  await handle.write(0, Buffer.from('new '));
  await handle.write(4, Buffer.from('text\n'));
  t.deepEqual(sets, []);
  await handle.flush();
  await handle.flush();
  handle.close();
  t.deepEqual(sets, ['new text']);
});

test('a message is one open; an early flush with nothing written sends nothing', async t => {
  const core = await testCore();
  const got: string[] = [];
  core.mount('/aos/t', tree({ '/in': message({ commit: (_args, text) => void got.push(text) }) }));
  const handle = await core.aos.open(who, at('/aos/t/in'), WRITE);
  await handle.flush();
  await handle.write(0, Buffer.from('hello\n'));
  await handle.flush();
  await handle.flush();
  t.deepEqual(got, ['hello']);
});

test('a message over 64 KiB is EFBIG at the write, and nothing of it is sent', async t => {
  const core = await testCore();
  const got: string[] = [];
  core.mount('/aos/t', tree({ '/in': message({ commit: (_args, text) => void got.push(text) }) }));
  const handle = await core.aos.open(who, at('/aos/t/in'), WRITE);
  await handle.write(0, Buffer.alloc(65536, 'x'));
  const error = t.throws(() => handle.write(65536, Buffer.from('y')), { instanceOf: AosError });
  t.is(error.errno, 'EFBIG');
  t.throws(() => handle.flush(), { instanceOf: AosError });
  t.deepEqual(got, []);
});

test('a message that can be refused early is refused at open', async t => {
  const core = await testCore();
  const full = () => {
    throw new AosError('queue_full', { component: 'test', why: 'the queue is full' });
  };
  core.mount('/aos/t', tree({ '/in': message({ accept: full, commit: () => undefined }) }));
  const error = await t.throwsAsync(async () => core.aos.open(who, at('/aos/t/in'), WRITE), { instanceOf: AosError });
  t.is(error.errno, 'EAGAIN');
});

test('two users of a call never see each other’s reply', async t => {
  const core = await testCore();
  core.mount('/aos/t', tree({ '/call': callable(async (_args, request) => `reply to ${request}`) }));
  const one = await core.aos.open(who, at('/aos/t/call'), BOTH);
  const two = await core.aos.open(who, at('/aos/t/call'), BOTH);
  await one.write(0, Buffer.from('one'));
  await two.write(0, Buffer.from('two'));
  t.is(String(await two.read(3, 100)), 'reply to two\n');
  t.is(String(await one.read(3, 100)), 'reply to one\n');
  t.is((await one.read(16, 100)).length, 0);
});

test('a log grows under its reader and wakes it', async t => {
  const core = await testCore();
  const buffer = new LogBuffer(Date.now);
  core.mount('/aos/t', tree({ '/log': log(() => buffer) }));
  buffer.append('one\n');
  const handle = await core.aos.open(who, at('/aos/t/log'), READ);
  t.is(String(await handle.read(0, 100)), 'one\n');
  t.is((await handle.read(4, 100)).length, 0);
  let woken = 0;
  t.false(handle.poll(4, () => woken++));
  buffer.append('two\n');
  t.is(woken, 1);
  t.is(String(await handle.read(4, 100)), 'two\n');
  t.is((await core.aos.stat(who, at('/aos/t/log'))).size, 8);
  t.false(handle.ended);
  buffer.end();
  t.true(handle.ended);
});

test('a long log reads the same in any pieces', async t => {
  const buffer = new LogBuffer(Date.now);
  const text = Array.from({ length: 40_000 }, (_, i) => `line ${i}\n`).join('');
  for (let i = 0; i < text.length; i += 7919) buffer.append(text.slice(i, i + 7919));
  t.is(buffer.text(), text);
  t.is(Buffer.from(buffer.read(65530, 100)).toString(), text.slice(65530, 65630));
});

test('a file with fields: parts are paths and attributes, and only what has a writer can be set', async t => {
  const core = await testCore();
  let state = 'open';
  const fields = {
    state: {
      read: () => state,
      write: (_op: unknown, text: string) => {
        state = text;
      },
    },
    id: { read: () => '7' },
  };
  core.mount('/aos/t', {
    node: rest => (rest === 'issues/7' ? { kind: 'value', read: () => '# Issue 7', fields } : undefined),
  });
  const issue = at('/aos/t/issues/7');
  t.is(String(await core.aos.read(who, at('/aos/t/issues/7/state'))), 'open\n');
  await core.aos.write(who, at('/aos/t/issues/7/state'), Buffer.from('closed\n'));
  t.is(String(await core.aos.getXattr(who, issue, 'user.state')), 'closed');
  await core.aos.setXattr(who, issue, 'user.state', Buffer.from('open'));
  t.is(state, 'open');
  t.deepEqual(await core.aos.listXattrs(who, issue), ['user.state', 'user.id']);
  t.is(await core.aos.getXattr(who, issue, 'user.none'), undefined);
  const error = t.throws(() => core.aos.setXattr(who, issue, 'user.id', Buffer.from('8')), { instanceOf: AosError });
  t.is(error.errno, 'EROFS');
});

test('what every object inherits is no field', async t => {
  const core = await testCore();
  const fields = { state: { read: () => 'open' } };
  core.mount('/aos/t', {
    node: rest => (rest === 'issue' ? { kind: 'value', read: () => '# Issue', fields } : undefined),
  });
  for (const name of ['constructor', 'toString', '__proto__']) {
    t.is(await core.aos.getXattr(who, at('/aos/t/issue'), `user.${name}`), undefined);
    t.throws(() => core.aos.stat(who, at(`/aos/t/issue/${name}`)), { instanceOf: AosError, message: /no such file/ });
    const set = t.throws(() => core.aos.setXattr(who, at('/aos/t/issue'), `user.${name}`, Buffer.from('x')), {
      instanceOf: AosError,
    });
    t.is(set.errno, 'ENOTSUP');
    const removed = t.throws(() => core.aos.removeXattr(who, at('/aos/t/issue'), `user.${name}`), {
      instanceOf: AosError,
    });
    t.is(removed.errno, 'ENODATA');
  }
});
