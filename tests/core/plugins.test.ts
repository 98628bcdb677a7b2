/** What a plugin leaves behind, and what one plugin's failing hook does to the others. */

import { getEventListeners } from 'node:events';
import test from 'ava';
import { parsePath } from '../../core/path.ts';
import { caller, testCore } from '../support/core.ts';
import { refusal } from '../support/refusal.ts';

test('a mount that was taken away is held by nobody', async t => {
  const core = await testCore();
  const before = getEventListeners(core.api.signal, 'abort').length;
  for (let i = 0; i < 20; i++) core.mount('/aos/t', { node: () => undefined })();
  t.is(getEventListeners(core.api.signal, 'abort').length, before);
});

test('a plugin that is withdrawn takes its mounts with it', async t => {
  const core = await testCore();
  core.mount('/aos/t', { node: () => ({ kind: 'value', read: () => 'x' }) });
  t.is(String(await core.aos.read(caller(), parsePath('/aos/t'))), 'x\n');
  core.plugins.withdraw('test');
  t.is((await refusal(() => core.aos.read(caller(), parsePath('/aos/t')))).errno, 'ENOENT');
});

test('all are heard when the daemon stops, and waited for, though one of them fails', async t => {
  const core = await testCore();
  const heard: string[] = [];
  core.api.tap.stop(() => {
    throw new Error('at once');
  });
  core.api.tap.stop(async () => {
    throw new Error('later');
  });
  core.api.tap.stop(async () => {
    await new Promise(done => setImmediate(done));
    heard.push('last');
  });
  await core.hooks.tellStop();
  t.deepEqual(heard, ['last']);
});
