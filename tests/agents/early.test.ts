/** What is certainly wrong is refused by the write: shells hear that, and ignore what close says. */

import test, { type ExecutionContext } from 'ava';
import { Cancellation } from '../../core/cancel.ts';
import { AosError } from '../../core/errors.ts';
import { parsePath } from '../../core/path.ts';
import type { Handle } from '../../core/types.ts';
import { held, type Script, saying, type World, worldFor } from '../procs/world.ts';

const WRITING = { read: false, write: true, append: false, truncate: true };

function world(t: ExecutionContext, script: Script = { model: saying('hello') }): Promise<World> {
  return worldFor(t, script);
}

async function opened(w: World, path: string): Promise<Handle> {
  return w.core.aos.open(w.as(0), parsePath(path), WRITING);
}

for (const [what, name, line, errno] of [
  ['a key that is no style', 'prefs.yaml', 'verbosity: low\npersona: evil\n', 'EPERM'],
  ['a session that is a path', 'session', '../x\n', 'EINVAL'],
  ['a context that is not there', 'context', '/aos/conversations/2026/01/01/none/context.ctx\n', 'ENOENT'],
  ['a context that is none', 'context', '/aos/memory/x.md\n', 'EINVAL'],
  ['a message whose context is not there', 'inbox', '{"prompt": "x", "context": "/aos/memory/x.ctx"}', 'ENOENT'],
  ['JSON that is none', 'inbox', '{bad\n', 'EINVAL'],
  ['an unknown key of a message', 'inbox', '{"prompt": "x", "overide": {}}\n', 'EINVAL'],
] as const) {
  test(`${what} is refused by the write, and once`, async t => {
    const w = await world(t);
    const refused: string[] = [];
    w.core.hooks.taps('test', new AbortController().signal).settled(({ why }) => void refused.push(String(why)));
    const handle = await opened(w, `/aos/agents/coder/${name}`);
    const error = t.throws(() => handle.write(0, Buffer.from(line)), { instanceOf: AosError });
    t.is(error.errno, errno);
    t.throws(() => handle.flush(), { message: error.message });
    handle.close();
    t.deepEqual(refused, [error.why]);
    t.is(w.events.length, 0);
  });
}

for (const [what, name, pieces] of [
  ['a message in several lines', 'inbox', ['{\n', '"prompt":\n', '"x"}\n']],
  ['text of several lines', 'inbox', ['\n', 'write\n', '{bad\n']],
  ['a message in pieces', 'inbox', ['{"pro', 'mpt": "x"}']],
  ['preferences in several lines', 'prefs.yaml', ['{verbosity:\n', ' low}\n']],
  ['a session', 'session', ['ne', 'w\n']],
] as const) {
  test(`${what} is taken`, async t => {
    const w = await world(t);
    const handle = await opened(w, `/aos/agents/coder/${name}`);
    let at = 0;
    for (const piece of pieces) at += await handle.write(at, Buffer.from(piece));
    await t.notThrowsAsync(async () => handle.flush());
    handle.close();
  });
}

test('a word that ctl does not know is refused by the write', async t => {
  const first = held('half');
  const w = await world(t, { model: first.model });
  const pid = await w.send('coder', 'x');
  await first.begun;
  const handle = await opened(w, `/aos/procs/${pid}/ctl`);
  const error = t.throws(() => handle.write(0, Buffer.from('dance\n')), { instanceOf: AosError });
  t.regex(error.message, /write one of: stop kill/);
  handle.close();
  const again = await opened(w, `/aos/procs/${pid}/ctl`);
  await again.write(0, Buffer.from('st'));
  await again.write(2, Buffer.from('op\n'));
  await again.flush();
  t.is((await w.wait(pid)).reason, 'stopped');
});

test('what has to be looked up first is waited for by the write', async t => {
  const backends = { openai: { base_url: 'http://127.0.0.1:9/v1', local: false, api_key: 'x' } };
  const w = await world(t, { model: saying('unused'), real: { mock: [{ text: 'x' }], config: { backends } } });
  const handle = await opened(w, '/aos/agents/coder/inbox');
  const message = { prompt: 'x', override: { model: 'openai/unknown-thing' } };
  const write = async (): Promise<unknown> => handle.write(0, Buffer.from(JSON.stringify(message)));
  const error = await t.throwsAsync(write, { instanceOf: AosError });
  t.regex(error.message, /no model "openai\/unknown-thing"/);
  handle.close();
  t.is(w.events.length, 0);
});

test('what a message will cost, or a word will never be, is refused without a newline too', async t => {
  const real = { mock: [{ text: 'x' }], pricing: { input_per_1m: 1, output_per_1m: 60 } };
  const w = await world(t, { model: saying('unused'), real });
  const inbox = await opened(w, '/aos/agents/coder/inbox');
  t.throws(() => inbox.write(0, Buffer.from('dear')), { message: /above \$0\.10/ });
  inbox.close();

  const first = held('half');
  const other = await world(t, { model: first.model });
  const pid = await other.send('coder', 'x');
  await first.begun;
  const ctl = await opened(other, `/aos/procs/${pid}/ctl`);
  let at = 0;
  for (const piece of ['\n', 'pa', 'u', 'se']) at += await ctl.write(at, Buffer.from(piece));
  t.throws(() => ctl.write(at, Buffer.from('d\n')), { message: /"paused" is not a word of ctl/ });
  ctl.close();
  const frob = await opened(other, `/aos/procs/${pid}/ctl`);
  t.throws(() => frob.write(0, Buffer.from('frob')), { message: /"frob" is not a word of ctl/ });
  frob.close();
  first.release();
  await other.wait(pid);
});

test('of a write that is given up while it waits nothing is taken', async t => {
  const backends = { openai: { base_url: 'http://192.0.2.1/v1', local: false, api_key: 'x' } };
  const w = await world(t, { model: saying('unused'), real: { mock: [{ text: 'x' }], config: { backends } } });
  const handle = await opened(w, '/aos/agents/coder/inbox');
  const cancel = new Cancellation();
  const message = Buffer.from(JSON.stringify({ prompt: 'x', override: { model: 'openai/unknown-thing' } }));
  const writing = Promise.resolve(handle.write(0, message, cancel));
  cancel.abort();
  const error = await t.throwsAsync(writing, { instanceOf: AosError });
  t.is(error.errno, 'EINTR');
  await handle.write(0, Buffer.from('only this'));
  await handle.flush();
  handle.close();
  const rows = (await w.call('/aos/procs', { op: 'list' })) as { pid: number }[];
  t.is(rows.length, 1);
  for (const { pid } of rows) t.is((await w.wait(pid)).exit_code, 0);
});

test('a message of one user waits for no place that another only holds', async t => {
  const w = await world(t);
  const open = (): Promise<Handle> =>
    Promise.resolve(w.core.aos.open(w.as(8), parsePath('/aos/agents/coder/inbox'), WRITING));
  const held = await Promise.all(Array.from({ length: 100 }, open));
  for (const handle of held) await handle.write(0, Buffer.from('x'));
  await t.throwsAsync(() => w.send('coder', 'one too many', w.as(8)), { message: /you are writing 100/ });
  t.is((await w.wait(await w.send('coder', 'mine', w.as(7)), w.as(7))).exit_code, 0);
  for (const handle of held) handle.close();
});
