/** What is certainly wrong is refused by the write: shells hear that, and ignore what close says. */

import test, { type ExecutionContext } from 'ava';
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
    // That something is not there is nothing to put on record.
    t.deepEqual(refused, errno === 'ENOENT' ? [] : [error.why]);
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
