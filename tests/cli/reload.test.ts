import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { reloader } from '../../cli/reload.ts';
import { DEFAULT_CONFIG } from '../../core/config.ts';
import { SILENT } from '../support/core.ts';
import { type Daemon, prepareDaemon, startDaemon } from '../support/daemon.ts';
import { tmpDir } from '../support/dirs.ts';
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

test('a configuration behind a symbolic link counts when its target changes, and when the link leads elsewhere', async t => {
  const dir = tmpDir(t);
  const [link, kept, other] = ['aos.config.yaml', 'kept/real.yaml', 'other/real.yaml'].map(name => join(dir, name));
  if (link === undefined || kept === undefined || other === undefined) throw new Error('no names');
  for (const file of [kept, other]) {
    mkdirSync(dirname(file));
    writeFileSync(file, '');
  }
  symlinkSync(kept, link);
  let loads = 0;
  const watching = reloader({
    file: link,
    load: async () => {
      loads += 1;
      return { config: DEFAULT_CONFIG, file: link };
    },
    current: () => DEFAULT_CONFIG,
    apply() {},
    log: SILENT,
  });
  t.teardown(() => watching.stop());
  const reloads = async (what: string, change: () => void): Promise<void> => {
    const before = loads;
    change();
    await until(what, () => loads > before);
  };
  await reloads('its target was written', () => writeFileSync(kept, CEILING));
  await reloads('its target was replaced', () => {
    writeFileSync(`${kept}.new`, '');
    renameSync(`${kept}.new`, kept);
  });
  await reloads('the link leads elsewhere', () => {
    symlinkSync(other, `${link}.new`);
    renameSync(`${link}.new`, link);
  });
  await reloads('the new target was written', () => writeFileSync(other, CEILING));
  await reloads('it leads through a directory that is a link itself', () => {
    symlinkSync(dirname(other), join(dir, 'now'));
    symlinkSync('now/real.yaml', `${link}.new`);
    renameSync(`${link}.new`, link);
  });
  await reloads('that one leads elsewhere, and the old one is gone', () => {
    symlinkSync(dirname(kept), join(dir, 'next'));
    renameSync(join(dir, 'next'), join(dir, 'now'));
    rmSync(dirname(other), { recursive: true });
  });
  await reloads('the new one was written', () => writeFileSync(kept, CEILING));
  t.pass();
});
