import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Cancellation } from '../../../core/cancel.ts';
import { frame } from '../../../doors/shell/frames.ts';
import { ShellSession } from '../../../doors/shell/index.ts';
import { shellHandler } from '../../../doors/shell/serve.ts';
import { giveThread, type Thread, takeThread } from '../../../doors/shell/thread.ts';
import type { StreamExchange } from '../../../doors/stream.ts';
import { caller, type TestCore } from '../../support/core.ts';
import { until } from '../../support/until.ts';
import { world } from './world.ts';

test.serial('a script that never ends is ended, and the daemon goes on meanwhile', async t => {
  const { sh } = await world(t);
  let ticks = 0;
  const ticking = setInterval(() => ticks++, 10);
  const { code, err } = await sh('while true; do :; done', { limits: { timeMs: 1000, commands: 1e9, loops: 1e9 } });
  clearInterval(ticking);
  t.is(code, 66);
  t.regex(err, /stopped after 1 s/);
  t.true(ticks > 20, `${ticks} ticks`);
});

test.serial('loops, commands and output are bounded', async t => {
  const { sh } = await world(t);
  t.regex((await sh('while true; do :; done', { limits: { loops: 50 } })).err, /50/);
  t.regex((await sh('for i in {1..500}; do :; done', { limits: { commands: 50 } })).err, /too many commands executed/);
  const much = await sh('for i in {1..9}; do cat memory/bytes; done | cat', { limits: { outputBytes: 1000 } });
  t.not(much.code, 0);
  t.true(much.bytes.length <= 1000);
  t.regex((await sh('cat memory/bytes', { limits: { fileBytes: 100 } })).err, /File too large\n.*at most 100 bytes/);
});

test.serial('Ctrl-C ends what sleeps, what waits for the tree, and what counts', async t => {
  const { sh, slow } = await world(t);
  const stopped = async (script: string, ready: (out: string) => boolean): Promise<number> => {
    const controller = new AbortController();
    let out = '';
    const running = sh(script, {
      signal: controller.signal,
      limits: { commands: 1e9, loops: 1e9 },
      output: (_fd, bytes) => {
        out += Buffer.from(bytes);
      },
    });
    await until('the script runs', () => ready(out));
    controller.abort();
    return (await running).code;
  };
  t.is(await stopped('echo begun; sleep 60; echo not here', out => out === 'begun\n'), 130);
  t.is(await stopped('echo begun; while true; do :; done', out => out === 'begun\n'), 130);
  t.is(await stopped('cat slow; echo not here', () => slow.begun === 1), 130);
  await until('the reader was interrupted', () => slow.interrupted === 1);
});

test.serial('output comes as it is made', async t => {
  const { core } = await world(t);
  const seen: string[] = [];
  const session = new ShellSession(core.aos, caller(), {
    output: (fd, bytes) => seen.push(`${fd}${Buffer.from(bytes)}`),
  });
  const running = session.run('echo one; echo two >&2; sleep 60');
  await until('both lines are here', () => seen.length === 2);
  t.deepEqual(seen, ['1one\n', '2two\n']);
  session.close();
  t.is((await running).code, 130);
});

test.serial('a session keeps directory, variables, functions, arrays and options', async t => {
  const { core } = await world(t);
  let out = '';
  const session = new ShellSession(core.aos, caller(), { output: (_fd, bytes) => (out += Buffer.from(bytes)) });
  t.teardown(() => session.close());
  const run = async (script: string): Promise<string> => {
    out = '';
    await session.run(script, { interactive: true });
    return out;
  };
  await run('cd memory; x="a b"; export Y=2; a=(1 "2 3"); f() { echo "f $1 $x"; }; set -u');
  t.is(await run(`pwd; f 1; echo "\${a[1]} $(env | grep ^Y)"`), '/aos/memory\nf 1 a b\n2 3 Y=2\n');
  t.regex(await run('echo $unknown'), /unbound/);
  t.is(await run('echo $x; false'), 'a b\n');
  t.is((await session.run('for i in 1; do', { interactive: true })).incomplete, true);
  const stopped = session.run('sleep 60');
  session.interrupt();
  t.is((await stopped).code, 130);
  t.is(await run('echo $x; pwd'), 'a b\n/aos/memory\n');
  t.true((await session.run('exit 3')).exited);
});

test.serial('a script has so many files open and no more, and says how to go on', async t => {
  const { sh, home } = await world(t);
  const count = (command: string): string =>
    `i=0; while [ $i -lt 300 ]; do i=$((i+1)); ${command} || break; done; echo $i`;
  const { out, err } = await sh(count('exec {fd}>/aos/memory/f$i'));
  t.is(out, '257\n');
  t.regex(err, /Too many open files\nshell door: .*f257.*256 files open.*COMMAND > FILE/);
  t.false(existsSync(join(home, 'f257')));
  t.like(await sh(count('echo $i > /aos/memory/g$i')), { out: '300\n', err: '' });
});

/** A client that says this and then no more; `gone` hangs up. */
function client(core: TestCore, ...says: Uint8Array[]): { gone(): void; over: Promise<void> } {
  const cancel = new Cancellation();
  const waits = new Promise<void>(resolve => cancel.signal.addEventListener('abort', () => resolve()));
  const body = (async function* () {
    yield* says;
    await waits;
  })();
  const exchange: StreamExchange = {
    caller: async () => caller(),
    query: new URLSearchParams(),
    body,
    cancel,
    send: async () => true,
  };
  return { gone: () => cancel.abort(), over: shellHandler(core.aos)(exchange) };
}

/** How many threads can be had now; they are given back. */
function free(): number {
  const taken: Thread[] = [];
  try {
    for (;;) taken.push(takeThread(caller()));
  } catch {
    for (const thread of taken) giveThread(thread, false);
    return taken.length;
  }
}

test.serial("a client that hangs up runs nothing more, and its thread is another's", async t => {
  const { core, home } = await world(t);
  const before = free();
  const scripts = ['echo x > /aos/memory/begun; sleep 100', 'echo x > /aos/memory/after; sleep 100', 'sleep 100'];
  for (let i = 0; i < 3; i++) {
    const { gone, over } = client(core, ...scripts.map(script => frame('run', { script })));
    await until('the first runs', () => existsSync(join(home, 'begun')));
    gone();
    await over;
    rmSync(join(home, 'begun'));
  }
  t.is(free(), before);
  t.like(await (await world(t)).sh('echo on'), { out: 'on\n' });
  t.false(existsSync(join(home, 'after')));
});

test.serial('a session that is closed refuses', async t => {
  const { core } = await world(t);
  const session = new ShellSession(core.aos, caller(), { output: () => undefined });
  session.close();
  await t.throwsAsync(session.run('echo x'), { message: /the session is over/ });
});
