import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parsePath } from '../../core/path.ts';
import { memoryPlugin } from '../../memory/index.ts';
import { world } from '../conversations/world.ts';

test('memory is a real directory: what is written is on the disk at once, and the other way round', async t => {
  const w = await world(t, [memoryPlugin]);
  t.deepEqual(await w.names('/aos/memory'), ['agents']);
  await w.write('/aos/memory/note.md', 'remember\n');
  t.is(readFileSync(join(w.home, 'memory/note.md'), 'utf8'), 'remember\n');
  writeFileSync(join(w.home, 'memory/note.md'), 'changed outside\n');
  t.is(await w.read('/aos/memory/note.md'), 'changed outside\n');
  await w.core.aos.remove(w.core.self, parsePath('/aos/memory/note.md'));
  t.deepEqual(await w.names('/aos/memory'), ['agents']);
});

test('an agent has a directory of its own from its first run on', async t => {
  const w = await world(t, [memoryPlugin]);
  const run = w.accept();
  t.deepEqual(await w.names('/aos/memory/agents'), []);
  w.begin(run);
  w.begin(w.accept());
  t.deepEqual(await w.names('/aos/memory/agents'), ['researcher']);
  t.true(statSync(join(w.home, 'memory/agents/researcher')).isDirectory());
});
