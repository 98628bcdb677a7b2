import test from 'ava';
import { ShellSession } from '../../../doors/shell/index.ts';
import { caller } from '../../support/core.ts';
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
