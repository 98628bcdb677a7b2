import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type Daemon, prepareDaemon, startDaemon } from '../support/daemon.ts';
import { until } from '../support/until.ts';

const CEILING = 'ceilings: { "/aos/memory/**": [stat, list, read] }\n';

async function writes(daemon: Daemon): Promise<boolean> {
  return (await daemon.aos('write', '/aos/memory/a', '--value=x')).code === 0;
}

test('a configuration that is taken away stays in force, whatever else there would be to find', async t => {
  const found = (home: string): string => join(home, 'aos.config.yaml');
  // Another one, with nothing in it, lies further up.
  const daemon = await startDaemon(t, {
    fuse: false,
    env: { AOS_CONFIG: '' },
    prepare: home => writeFileSync(found(home), CEILING),
  });
  const refusals = async (): Promise<number> =>
    (await daemon.aos('logs', '--lines=1000')).stdout.split('the configuration was not taken over').length - 1;
  t.false(await writes(daemon));
  rmSync(found(daemon.home));
  const once = await until('its loss is told', async () => (await refusals()) || undefined);
  t.false(await writes(daemon));
  await daemon.kill('SIGHUP');
  await until('it is told again', async () => (await refusals()) > once);
  t.regex((await daemon.aos('logs')).stdout, /aos\.config\.yaml.*no such file/i);
  t.false(await writes(daemon));
  writeFileSync(found(daemon.home), 'budgets: { velocity: 7 }\n');
  await until('what is put in its place counts', () => writes(daemon));
});

test('where there was none, SIGHUP finds one, and from then on it is that one', async t => {
  const daemon = prepareDaemon(t, { fuse: false, env: { AOS_CONFIG: '' } });
  rmSync(join(daemon.home, '../aos.config.yaml'));
  await daemon.start();
  t.true(await writes(daemon));
  writeFileSync(join(daemon.home, 'aos.config.yaml'), CEILING);
  await daemon.kill('SIGHUP');
  await until('it counts', async () => !(await writes(daemon)));
  rmSync(join(daemon.home, 'aos.config.yaml'));
  await daemon.kill('SIGHUP');
  await until('its loss is told', async () => (await daemon.aos('logs')).stdout.includes('was not taken over'));
  t.false(await writes(daemon));
});
