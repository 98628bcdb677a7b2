import { readdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { command } from '../support/command.ts';
import { startDaemon } from '../support/daemon.ts';
import { tmpDir } from '../support/dirs.ts';

/** Keeps a mount with a secret of so many bytes, and says how that went. */
const SAVE = `
  import { MountStore } from '${new URL('../../mounts/store.ts', import.meta.url).pathname}';
  const keys = { get() {}, set() {}, remove() {}, list: () => [] };
  const [dir, path, bytes] = process.argv.slice(1);
  const store = new MountStore(keys, dir, console);
  try {
    store.save({ path, type: 'http', uid: 0, options: { header: 'x'.repeat(Number(bytes)) } }, () => true);
    console.log('kept');
  } catch (error) {
    console.log(error.code);
  }`;

test('secrets that do not fit on the disk leave those that are there as they are', async t => {
  const dir = tmpDir(t);
  const save = async (path: string, bytes: number): Promise<string> => {
    const args = [
      '-c',
      'ulimit -f 16; exec "$@"',
      'sh',
      process.execPath,
      '--input-type=module-typescript',
      '-e',
      SAVE,
    ];
    return (await command('/bin/sh', [...args, dir, path, String(bytes)])).stdout.trim();
  };
  t.is(await save('/aos/mnt/a', 10), 'kept');
  const before = readFileSync(join(dir, 'secrets.json'), 'utf8');
  t.is(await save('/aos/mnt/b', 100_000), 'EFBIG');
  t.is(readFileSync(join(dir, 'secrets.json'), 'utf8'), before);
  t.deepEqual(readdirSync(dir), ['secrets.json']);
  t.is(await save('/aos/mnt/c', 10), 'kept');
  t.deepEqual(Object.keys(JSON.parse(readFileSync(join(dir, 'secrets.json'), 'utf8'))), ['/aos/mnt/a', '/aos/mnt/c']);
});

test('a damaged file of secrets keeps no daemon from starting, and no mount goes without its own', async t => {
  const daemon = await startDaemon(t, { fuse: false });
  const mount = 'aos mount http --base-url=http://127.0.0.1:9 --allow-private';
  t.is((await daemon.sh(`${mount} --header='X-Token: hush' /aos/mnt/a && ${mount} /aos/mnt/b`)).code, 0);
  await daemon.stop();
  const kept = join(daemon.home, 'mounts');
  truncateSync(join(kept, 'secrets.json'), 20);
  await daemon.start();
  const lines = JSON.parse((await daemon.aos('mount', '--list', '--json')).stdout) as {
    path: string;
    error?: string;
  }[];
  t.deepEqual(
    lines.map(({ path, error }) => [path, error !== undefined]),
    [
      ['/aos/mnt/a', true],
      ['/aos/mnt/b', false],
    ],
  );
  t.regex((await daemon.aos('cat', '/aos/mnt/a/.aos/error')).stdout, /--header, a secret, .*aos umount \/aos\/mnt\/a/);
  t.true(readdirSync(kept).some(name => name.startsWith('secrets.json.damaged-')));
  t.regex((await daemon.aos('logs')).stdout, /put aside/);
  t.is((await daemon.sh(`aos umount /aos/mnt/a && ${mount} --header='X-Token: new' /aos/mnt/a`)).code, 0);
  await daemon.stop();
  await daemon.start();
  t.notRegex((await daemon.aos('mount', '--list', '--json')).stdout, /"error"/);
});
