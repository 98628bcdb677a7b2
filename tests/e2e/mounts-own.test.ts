/** Mounts of one's own in a real daemon: what the system does for them whatever they do, and packages that bring them. */

import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { countingServer } from '../support/counting-server.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { fuseTest } from '../support/need.ts';
import { until } from '../support/until.ts';

const SDK = JSON.stringify('agent-os/plugin-sdk');
const HANGS = `
import { appendFileSync } from 'node:fs';
import { defineMount, dir, file, secret, tree, usd } from ${SDK};
const hang = () => {
  appendFileSync(process.env.AOS_HOME + '/asked', '.');
  return new Promise(() => {});
};
export default defineMount({
  name: 'mine', help: 'Mine.', options: { key: secret('A key.') }, cost: { read: usd(0.001) },
  open: ({ key }, { log }) => tree({
    '/': dir(() => ['hang', 'boom', 'ok']),
    '/hang': file({ read: hang }),
    '/boom': file({ read: () => {
      const error = new Error('boom ' + key);
      log.error({ key, err: error }, 'logged ' + key);
      throw error;
    } }),
    '/ok': file({ read: () => 'ok' }),
  }),
});
`;

/** A daemon that was started in a directory with a package of this name. */
function withPackage(name: string, text: string, plugins: readonly string[]) {
  return {
    config: { plugins },
    prepare: (home: string): void => {
      const dir = join(dirname(home), 'node_modules', name);
      mkdirSync(dir, { recursive: true });
      writeFileSync(join(dir, 'index.js'), text);
      writeFileSync(join(dir, 'package.json'), JSON.stringify({ name, version: '1.0.0', type: 'module' }));
    },
  };
}

const mount = (type: string, flags = ''): string =>
  `aos mount ${type} ${flags} /aos/mnt/m && aos unlock /aos/mnt/m --duration=30m`;

/** What is kept below the home, but for the file that holds the secrets. */
function everything(daemon: Daemon): string {
  return readdirSync(daemon.home, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name !== 'secrets.json')
    .map(entry => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

fuseTest('a plugin that hangs is given up by its deadline, and by Ctrl-C at once', async t => {
  const daemon = await startDaemon(t, withPackage('my-mount', HANGS, ['my-mount']));
  t.is((await daemon.sh(mount('mine', '--timeout=1s'))).code, 0);
  const late = await daemon.sh(
    'cat "$AOS_MOUNT"/mnt/m/hang; aos cat /aos/mnt/m/hang; cat "$AOS_MOUNT"/mnt/m/.aos/error',
  );
  t.regex(late.stderr, /hang: Connection timed out\nmine: .*has not answered within 1 s; .*--timeout/);
  t.regex(late.stdout, /has not answered within 1 s/);
  t.is((await daemon.sh('cat "$AOS_MOUNT"/mnt/m/.aos/cost')).stdout, '0.002\n');

  t.is((await daemon.sh(`aos umount /aos/mnt/m && ${mount('mine', '--timeout=1h')}`)).code, 0);
  const reader = spawn('aos', ['cat', '/aos/mnt/m/hang'], { env: daemon.env, stdio: 'ignore' });
  const ended = new Promise<number | null>(resolve => reader.once('exit', resolve));
  await until('the plugin was asked', () => readFileSync(join(daemon.home, 'asked'), 'utf8').length === 3);
  reader.kill('SIGINT');
  t.is(await ended, 130);
  const cost = (): Promise<string> => daemon.sh('cat "$AOS_MOUNT"/mnt/m/.aos/cost').then(({ stdout }) => stdout);
  await until('it is paid', async () => (await cost()) === '0.003\n');
});

fuseTest('a secret is in nothing that is told of a failure', async t => {
  const server = await countingServer(t, ({ headers }) => ({ status: 401, body: `you sent ${headers.authorization}` }));
  const daemon = await startDaemon(t, withPackage('my-mount', HANGS, ['my-mount']));
  const made = await daemon.sh(
    `${mount('mine', '--key=s3cr3tKEY')}
     aos mount http --base-url=${server.url} --allow-private --header 'Authorization: Bearer s3cr3tTOKEN' /aos/mnt/a
     aos unlock /aos/mnt/a --duration=30m`,
  );
  t.is(made.code, 0, made.stderr);
  const { stdout, stderr } = await daemon.sh(`
    for path in /aos/mnt/a/x /aos/mnt/m/boom; do aos cat $path; aos cat --json $path; cat "$AOS_MOUNT"\${path#/aos}; done
    aos why; aos why --json; aos mount --list
    cd "$AOS_MOUNT"; cat mnt/a/.aos/* mnt/m/.aos/* system/errors system/audit.jsonl; aos logs`);
  t.regex(stdout, /you sent \[secret\]/);
  t.regex(stderr, /boom \[secret\]; .*ask whoever wrote the mount "mine"/);
  t.regex(everything(daemon), /logged \[secret\]/);
  t.notRegex(stdout + stderr + everything(daemon), /s3cr3t/);
});

test('a package in the configuration brings a kind of mount, by its own name and by the package', async t => {
  const daemon = await startDaemon(t, { ...withPackage('my-mount', HANGS, ['my-mount']), fuse: false });
  for (const name of ['mine', 'my-mount']) {
    const made = await daemon.sh(`${mount(name)} && aos cat /aos/mnt/m/ok`);
    t.is(made.stdout.trim().split('\n').at(-1), 'ok', made.stderr);
    t.is((await daemon.aos('umount', '/aos/mnt/m')).code, 0);
  }
  t.is((await daemon.sh(mount('my-mount'))).code, 0);
  await daemon.stop();
  await daemon.start();
  t.is((await daemon.aos('cat', '/aos/mnt/m/ok')).stdout, 'ok\n');
  t.regex((await daemon.aos('plugins')).stdout, /mine/);
});

test('a package that is not there is said in one sentence', async t => {
  const daemon = await startDaemon(t, { config: { plugins: ['not-there'] }, fuse: false });
  const sentence =
    /not-there: there is no such package or file to be found from .*; install it there \(npm install not-there\), or/;
  const plugins = await daemon.aos('plugins');
  t.regex(plugins.stdout, sentence);
  t.notRegex(plugins.stdout, /Require stack/);
  t.regex((await daemon.aos('logs')).stdout, sentence);
  const made = await daemon.sh(mount('not-there'));
  t.regex(made.stderr, /not-there: the plugin could not be loaded; see: aos plugins/);
});
