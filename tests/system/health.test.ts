import test from 'ava';
import { healthOf } from '../../system/health.ts';
import { makeWorld, who } from './world.ts';

test('a disk without room is no good health, nor is one that cannot be asked', async t => {
  const world = await makeWorld(t);
  t.is(await world.read(who(), '/aos/system/health'), 'ok\n');
  t.is(
    healthOf('/home', () => 1024 * 1024),
    'degraded: 1024 KiB are left on the disk that holds /home; free some space',
  );
  t.regex(healthOf('/nowhere/at/all'), /^degraded: system: \/nowhere\/at\/all: no such file/);
});
