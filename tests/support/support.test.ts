import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ImplementationFn } from 'ava';
import { command } from './command.ts';
import { mountsBelow, tmpDir } from './dirs.ts';
import { missing, needs } from './need.ts';
import { until } from './until.ts';

test('a command gives its output and its exit code', async t => {
  const { code, stdout, stderr } = await command('/bin/sh', ['-c', 'cat; echo oops >&2; exit 3'], { input: 'hello' });
  t.deepEqual({ code, stdout, stderr }, { code: 3, stdout: 'hello', stderr: 'oops\n' });
});

test('a command that overruns its deadline is killed with its children, and what it printed is told', async t => {
  const dir = tmpDir(t);
  const script = `echo started; sh -c 'echo $$ > ${dir}/pid; exec sleep 60'`;
  let warned = false;
  const error = await t.throwsAsync(
    command('/bin/sh', ['-c', script], {
      deadline: 300,
      onDeadline: () => {
        warned = true;
      },
    }),
  );
  t.regex(error?.message ?? '', /not finished after 300 ms\nstdout: started/);
  t.true(warned);
  const { stdout } = await command('/bin/sh', ['-c', `cat ${dir}/pid`]);
  await until('the child is gone', () => !existsSync(`/proc/${stdout.trim()}/exe`));
});

test('waiting ends with what was waited for, or says what it was', async t => {
  let asked = 0;
  t.is(await until('three', () => (++asked === 3 ? asked : undefined)), 3);
  await t.throwsAsync(
    until('the moon', () => false, 20),
    { message: 'waited 20 ms in vain: the moon' },
  );
});

test('a temporary directory is gone after the test', async t => {
  const ended: (() => Promise<void> | void)[] = [];
  const dir = tmpDir({ teardown: fn => ended.push(fn) });
  writeFileSync(join(dir, 'file'), '');
  for (const end of ended) await end();
  t.false(existsSync(dir));
});

test('a temporary directory is gone too when the process is ended by a signal', async t => {
  const dir = tmpDir(t);
  const module = JSON.stringify(join(import.meta.dirname, 'dirs.ts'));
  const script = `const { tmpDir } = await import(${module});
    process.stdout.write(tmpDir({ teardown() {} }, 'aos-signal-'));
    setInterval(() => {}, 1000);
    process.kill(process.pid, 'SIGTERM');`;
  const env = { ...process.env, TMPDIR: dir };
  const { signal, stdout } = await command(process.execPath, ['--input-type=module', '-e', script], { env });
  t.is(signal, 'SIGKILL');
  t.true(stdout.startsWith(dir));
  t.false(existsSync(stdout));
});

test('mounts are found below a directory', t => {
  t.true(mountsBelow('/proc').includes('/proc'));
  t.deepEqual(mountsBelow('/nowhere'), []);
});

test('what is missing is in the title of the skipped test', t => {
  const ran: string[] = [];
  const register = Object.assign((title: string, _: ImplementationFn<[]>) => ran.push(title), {
    skip: (title: string, _: ImplementationFn<[]>) => ran.push(`skip: ${title}`),
  });
  needs(register, { command: 'sh' })('one', () => {});
  needs(register, { command: ['sh', 'no-such-program'] })('two', () => {});
  t.deepEqual(ran, ['one', 'skip: two (skipped: no-such-program is not installed)']);
  t.is(missing({ module: 'no-such-package' }), 'the package no-such-package is not installed');
});
