/** Signals: to the daemon, to whoever waits for it, and the ways its mount can be taken away. */

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { type Daemon, isRunning, startDaemon } from '../support/daemon.ts';
import { mountsBelow } from '../support/dirs.ts';
import { fuseTest } from '../support/need.ts';
import { until } from '../support/until.ts';
import { holds, ok } from './shared.ts';

const MOCK = [
  { match: '^long', delay_ms: 1200, text: 'finished after all' },
  { match: '^endless', delay_ms: 60_000, text: 'never said' },
  { text: 'done' },
];

function start(t: ExecutionContext, config: object = {}): Promise<Daemon> {
  return startDaemon(t, { mock: MOCK, config });
}

/** Starts a script in its own process group, as a terminal would, and gives it time to print `ready`. */
async function begun(t: ExecutionContext, daemon: Daemon, script: string) {
  const child = spawn('/bin/sh', ['-c', script], { env: daemon.env, cwd: daemon.home, detached: true });
  const end = new Promise<{ code: number | null; signal: string | null }>(resolve => {
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (said += chunk));
  const signal = (name: NodeJS.Signals) => {
    try {
      process.kill(-(child.pid ?? 0), name);
    } catch {
      // Gone already.
    }
  };
  t.teardown(() => signal('SIGKILL'));
  return { said: () => said, signal, end };
}

fuseTest('SIGTERM lets a run finish, refuses what comes then, unmounts and exits with 0', async t => {
  const daemon = await start(t);
  await daemon.stop();
  const front = await begun(t, daemon, 'exec aos-mount -f --mock "$(dirname "$AOS_HOME")/mock.jsonl"');
  await until('it answers', async () => (await daemon.aos('status')).code === 0, 15_000);
  const { pid } = JSON.parse(await ok(daemon, 'aos status --json'));
  await ok(daemon, 'echo long > "$AOS_MOUNT"/agents/researcher/inbox');
  await holds(daemon, 'agents/researcher/status', 'running');
  process.kill(pid, 'SIGTERM');
  await until('it stops', () =>
    /"stopping"/.test(readFileSync(join(daemon.home, 'log/daemon.log'), 'utf8').split(`"pid":${pid}`).at(-1) ?? ''),
  );

  const late = await daemon.sh('echo late > "$AOS_MOUNT"/agents/coder/inbox');
  t.not(late.code, 0, 'what the shell does not see refused would be lost');
  const verb = await daemon.aos('invoke', 'coder', 'late as well', '--json');
  t.is(verb.code, 1);
  t.is(JSON.parse(verb.stdout).error.errno, 'ECONNREFUSED');

  t.deepEqual(await front.end, { code: 0, signal: null });
  t.deepEqual(mountsBelow(daemon.mount), []);
  await daemon.start();
  t.is(await ok(daemon, 'cat "$AOS_MOUNT"/agents/researcher/output'), 'finished after all\n');
  t.is(await ok(daemon, 'cat "$AOS_MOUNT"/agents/coder/output; ls "$AOS_MOUNT"/procs'), '');
});

fuseTest('Ctrl-C on aos-mount -f stops the daemon in order', async t => {
  const daemon = await start(t);
  await daemon.stop();
  const front = await begun(t, daemon, 'exec aos-mount -f --mock "$(dirname "$AOS_HOME")/mock.jsonl"');
  await until('it answers', async () => (await daemon.aos('status')).code === 0, 15_000);
  await ok(daemon, 'echo long > "$AOS_MOUNT"/agents/researcher/inbox');
  await holds(daemon, 'agents/researcher/status', 'running');
  front.signal('SIGINT');
  t.is((await front.end).signal, null);
  t.deepEqual(mountsBelow(daemon.mount), []);
  await daemon.start();
  t.is(await ok(daemon, 'cat "$AOS_MOUNT"/agents/researcher/output'), 'finished after all\n');
});

fuseTest('Ctrl-C on a read that waits for a server returns at once, and the daemon goes on', async t => {
  const silent = createServer();
  const asked = new Promise<Socket>(resolve => {
    silent.on('connection', socket => socket.once('data', () => resolve(socket)));
  });
  await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve));
  t.teardown(() => void silent.close());
  const address = silent.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const daemon = await start(t, { backends: { openai: { base_url: `http://127.0.0.1:${port}/v1` } } });

  const reader = await begun(t, daemon, 'exec cat "$AOS_MOUNT"/models/openai/available');
  const connection = await asked;
  t.teardown(() => void connection.destroy());
  let given = false;
  connection.on('close', () => {
    given = true;
  });
  reader.signal('SIGINT');
  t.deepEqual(await reader.end, { code: null, signal: 'SIGINT' });
  t.false(given, 'the daemon still waits for the server');
  t.is((await ok(daemon, 'cat "$AOS_MOUNT"/system/health')).trim(), 'ok');
  t.regex(await ok(daemon, 'timeout 10 cat "$AOS_MOUNT"/models/openai/available'), /did not answer/);
});

fuseTest('Ctrl-C on whoever waits exits with 130, and the run goes on until it is killed', async t => {
  const daemon = await start(t);
  const invoke = await begun(t, daemon, 'exec aos invoke researcher endless --wait');
  await holds(daemon, 'agents/researcher/status', 'running');
  const waiting = [
    invoke,
    await begun(t, daemon, 'echo ready; exec aos wait researcher'),
    await begun(t, daemon, 'echo ready; exec aos cat -f /aos/procs/1/stdout'),
  ];
  for (const one of waiting) {
    // A client that has its connection open is at its wait.
    await until('it is connected', async () => (await connections(daemon)) >= waiting.length - waiting.indexOf(one));
    one.signal('SIGINT');
    t.deepEqual(await one.end, { code: 130, signal: null }, one.said());
  }
  t.regex(invoke.said(), /run 1 goes on/);
  t.is(await ok(daemon, 'cat "$AOS_MOUNT"/procs/1/status'), 'running\n');
  await ok(daemon, 'aos kill 1');
  t.is((await daemon.aos('wait', '1')).code, 130);
  await holds(daemon, 'agents/researcher/status', 'idle');
});

/** Clients of the daemon's socket, by the kernel's table: each end that the daemon holds has the socket's path. */
async function connections(daemon: Daemon): Promise<number> {
  const lines = readFileSync('/proc/net/unix', 'utf8').split('\n');
  return lines.filter(line => / 0001 03 +\d+ /.test(line) && line.endsWith(` ${daemon.socket}`)).length;
}

fuseTest('aos umount needs nobody to leave the mount first', async t => {
  const daemon = await start(t);
  const inside = await begun(
    t,
    daemon,
    'cd "$AOS_MOUNT"/agents && exec 3<researcher/status && echo ready && exec sleep 60',
  );
  await until('it is inside', () => inside.said() === 'ready\n');
  const { pid } = daemon;
  t.is((await daemon.stop()).code, 0);
  t.false(isRunning(pid));
  t.deepEqual(mountsBelow(daemon.mount), []);
  await daemon.start();
  t.is(await ok(daemon, 'cat "$AOS_MOUNT"/agents/researcher/status'), 'idle\n');
  inside.signal('SIGKILL');
});

fuseTest('umount from outside lets runs finish and ends the daemon', async t => {
  const daemon = await start(t);
  const { pid } = daemon;
  await ok(daemon, 'echo long > "$AOS_MOUNT"/agents/researcher/inbox');
  await holds(daemon, 'agents/researcher/status', 'running');
  await ok(daemon, process.geteuid?.() === 0 ? 'umount "$AOS_MOUNT"' : 'fusermount3 -u "$AOS_MOUNT"');
  await until('the daemon is gone', () => !isRunning(pid));
  t.regex((await daemon.aos('status')).stderr, /aos-mount/);
  await daemon.start();
  t.is(await ok(daemon, 'cat "$AOS_MOUNT"/agents/researcher/output'), 'finished after all\n');
});
