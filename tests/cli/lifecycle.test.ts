import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { command } from '../support/command.ts';
import { isRunning, prepareDaemon, startDaemon } from '../support/daemon.ts';
import { mountsBelow, tmpDir } from '../support/dirs.ts';
import { needs } from '../support/need.ts';
import { until } from '../support/until.ts';
import { ROOT } from './aos.ts';

needs(test, { fuse: true })('aos-mount returns once the mount answers; aos umount leaves nothing behind', async t => {
  const daemon = prepareDaemon(t);
  const started = await daemon.sh('aos-mount && cat $AOS_MOUNT/agents/researcher/status');
  t.like(started, { code: 0, stderr: '' });
  t.regex(started.stdout, /^mounted on \S+ \(kernel driver\), answers: offline.*\nidle\n$/);
  const { pid } = JSON.parse((await daemon.aos('status', '--json')).stdout);
  const second = await daemon.sh('aos-mount');
  t.is(second.code, 1);
  t.regex(second.stderr, new RegExp(`pid ${pid}`));
  t.true(isRunning(pid));
  t.like(await daemon.aos('umount', '/nowhere'), { code: 2 });
  t.like(await daemon.sh('aos umount $AOS_MOUNT'), { code: 0, stdout: `stopped the daemon, ${pid}\n` });
  t.false(isRunning(pid));
  t.deepEqual(mountsBelow(daemon.mount), []);
  t.deepEqual(readdirSync(daemon.mount), []);
  t.false(readdirSync(daemon.home).includes('aos.sock'));
});

needs(test, { fuse: true })('a daemon that was killed leaves nothing that the next start cannot heal', async t => {
  const daemon = await startDaemon(t, { fuse: true });
  await daemon.kill('SIGKILL');
  t.is((await daemon.aos('status')).code, 1);
  await daemon.start();
  t.like(await daemon.sh('cat $AOS_MOUNT/agents/researcher/status'), { code: 0, stdout: 'idle\n' });
  await daemon.stop();
  t.deepEqual(mountsBelow(daemon.mount), []);
});

test('without a mount everything is reached by the command line', async t => {
  const daemon = await startDaemon(t, { fuse: false });
  t.like(JSON.parse((await daemon.aos('status', '--json')).stdout), { pid: daemon.pid, mount: '', driver: 'none' });
  t.regex((await daemon.aos('ls')).stdout, /^agents$/m);
  const { stdout, code } = await daemon.aos('invoke', 'researcher', 'anything about quokkas?', '--wait');
  t.is(code, 0);
  t.regex(stdout, /No language model/);
  t.is((await daemon.stop()).code, 0);
});

test('aos-mount -f stays in front until it is interrupted', async t => {
  const daemon = prepareDaemon(t, { fuse: false });
  const child = spawn(join(ROOT, 'bin/aos-mount'), ['-f', '--no-fuse'], { env: daemon.env });
  let out = '';
  child.stdout.on('data', (text: Buffer) => {
    out += text;
  });
  const ended = new Promise<number | null>(resolve => child.once('close', resolve));
  await until('it answers', () => out.includes('running without a mount'), 10_000);
  t.is((await daemon.aos('status')).code, 0);
  child.kill('SIGTERM');
  t.is(await ended, 0);
  t.is((await daemon.aos('status')).code, 1);
});

test('what keeps a daemon from starting is one sentence', async t => {
  const daemon = prepareDaemon(t, { fuse: false });
  const said = async (script: string, code: number): Promise<string> => {
    const result = await daemon.sh(script);
    t.is(result.code, code, `${script}: ${result.stdout}${result.stderr}`);
    t.is(result.stderr.trim().split('\n').length, 1, result.stderr);
    return result.stderr;
  };
  t.regex(await said('AOS_CONFIG=/nowhere.yaml aos-mount --no-fuse', 1), /nowhere.yaml/);
  t.regex(await said(`AOS_SOCKET=/tmp/${'x'.repeat(120)} aos-mount --no-fuse`, 2), /AOS_SOCKET/);
  t.regex(await said('AOS_HOME=/proc/none aos-mount --no-fuse', 1), /AOS_HOME/);
  t.regex(await said('aos-mount --no-fues', 2), /--no-fuse/);
  const asJson = await daemon.sh('AOS_CONFIG=/nowhere.yaml aos-mount --no-fuse --json');
  t.like(JSON.parse(asJson.stdout), { error: { component: 'config', errno: 'ENOENT' } });
  t.is((await daemon.aos('status')).code, 1);
});

test('doctor says of each thing whether it is there', async t => {
  const daemon = prepareDaemon(t, { fuse: false });
  const { stdout } = await daemon.aos('doctor', '--json');
  const findings: { name: string; ok: boolean; remedy?: string }[] = JSON.parse(stdout);
  for (const name of ['node', 'home', 'mountpoint', '/dev/fuse', 'daemon']) {
    t.true(
      findings.some(finding => finding.name === name),
      name,
    );
  }
  for (const { ok, name, remedy } of findings) if (!ok) t.truthy(remedy, name);
  const lines = (await daemon.aos('doctor')).stdout.trimEnd().split('\n');
  for (const line of lines) t.regex(line, /^(?:ok {7}|missing {2}| {9})\S/);
  t.true(lines.some(line => /^missing {2}daemon \(optional\): no daemon answers/.test(line)));
});

needs(test, { fuse: true })('a start from a directory of the mount that is gone starts from /', async t => {
  const daemon = prepareDaemon(t, { fuse: true });
  await daemon.start();
  const script =
    'cd "$AOS_MOUNT"/agents && aos umount > /dev/null && aos-mount && aos cat /aos/agents/researcher/status';
  const { code, stdout, stderr } = await daemon.sh(script);
  t.is(code, 0, stderr);
  // What sh itself says of where it is.
  t.is(stderr.replace(/^sh: \d+: getcwd\(\) failed: .*\n/gm, ''), '');
  t.regex(stdout, /^mounted on .*\nidle\n$/);
  const { pid } = JSON.parse((await daemon.aos('status', '--json')).stdout);
  t.is(readlinkSync(`/proc/${pid}/cwd`), '/');
  await daemon.stop();
});

test('the daemon keeps no directory in use, and finds what was named where it was started', async t => {
  const daemon = prepareDaemon(t, { fuse: false });
  const answers = '{"match":"","text":"from the file"}\n';
  const script = `mkdir start && cd start && printf '%s' '${answers}' > a.jsonl && aos-mount --no-fuse --mock a.jsonl &&
    kill -HUP $(aos status --json | grep -o '"pid":[0-9]*' | cut -d: -f2) && aos invoke researcher hi --wait`;
  const { stdout, stderr } = await daemon.sh(script);
  t.regex(stdout, /\nfrom the file\n$/, stderr);
  const { pid } = JSON.parse((await daemon.aos('status', '--json')).stdout);
  t.is(readlinkSync(`/proc/${pid}/cwd`), '/');
  await daemon.stop();
});

for (const fuse of [true, false]) {
  const title = fuse ? 'the demo plays through the mount' : 'the demo plays without a mount';
  needs(test, fuse ? { fuse: true } : {})(`${title}, exits 0 and leaves the daemon running`, async t => {
    const daemon = fuse ? prepareDaemon(t) : await startDaemon(t, { fuse: false });
    const { code, stdout, stderr } = await daemon.sh(`"${process.execPath}" "${ROOT}/dist/cli/demo.js"`);
    t.is(code, 0, stderr);
    t.regex(stdout, fuse ? /\$ echo ".*" > \$AOS_MOUNT\/agents\/researcher\/inbox/ : /\$ aos write \/aos\/agents/);
    t.regex(stdout, /> High tide at the old pier comes 40 minutes after the harbour/);
    t.regex(stdout, /\$ aos invoke .* --wait\n.+/);
    t.regex(stdout, /model that answers: offline/);
    t.regex(stdout, /Stop it with: aos umount\n$/);
    t.is((await daemon.aos('status')).code, 0);
    await daemon.stop();
  });
}

test('bin/aos is found through links and says which Node it needs', async t => {
  const dir = tmpDir(t);
  symlinkSync(join(ROOT, 'bin/aos'), join(dir, 'a'));
  symlinkSync('a', join(dir, 'b'));
  t.regex((await command(join(dir, 'b'), ['--version'])).stdout, /^\d+\.\d+\.\d+\n$/);
  // A copy without node_modules, on a machine whose Node is old.
  mkdirSync(join(dir, 'bin'));
  copyFileSync(join(ROOT, 'bin/aos'), join(dir, 'bin/aos'));
  writeFileSync(join(dir, 'node'), '#!/bin/sh\n[ "$1" = -v ] && echo v20.11.0 || echo 20\n');
  chmodSync(join(dir, 'node'), 0o755);
  const old = await command(join(dir, 'bin/aos'), ['ps'], { env: { PATH: `${dir}:/usr/bin:/bin` } });
  t.is(old.code, 1);
  t.regex(old.stderr, /Node 24 or newer is needed and v20\.11\.0 is on the path; run npm ci/);
});
