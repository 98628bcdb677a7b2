import { statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { AosError } from '../../core/errors.ts';
import { parsePath } from '../../core/path.ts';
import { etcPlugin } from '../../etc/index.ts';
import { world } from '../conversations/world.ts';

test('only its owner reads an agent\u2019s source', async t => {
  const w = await world(t, [etcPlugin]);
  await w.write('/aos/etc/agents.d/researcher.yaml', 'model: offline\n');
  const mode = (name: string): number => statSync(join(w.home, 'etc', name)).mode & 0o777;
  t.is(mode('agents.d/researcher.yaml'), 0o600);
  t.is(mode('agents.d'), 0o700);
  t.is((await w.stat('/aos/etc/agents.d/researcher.yaml')).mode & 0o777, 0o600);
  await w.write('/aos/etc/other', '');
  t.is(mode('other'), 0o644);
});

test('agents.d keeps its name', async t => {
  const w = await world(t, [etcPlugin]);
  const how = { noReplace: false, exchange: false };
  const move = (): unknown =>
    w.core.aos.rename(w.core.self, parsePath('/aos/etc/agents.d'), parsePath('/aos/etc/x'), how);
  t.is(t.throws(move, { instanceOf: AosError })?.kind, 'read_only');
});
