import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import test from 'ava';
import { isRunning, prepareDaemon, startDaemon } from './daemon.ts';
import { mountsBelow, type Teardown } from './dirs.ts';
import { fuseTest } from './need.ts';
import { until } from './until.ts';

/** Ends what a test set up, before that test is over: to look at what is left. */
class Ended implements Teardown {
  private readonly steps: (() => Promise<void> | void)[] = [];

  teardown(step: () => Promise<void> | void): void {
    this.steps.unshift(step);
  }

  async end(): Promise<void> {
    for (const step of this.steps.splice(0)) await step();
  }
}

fuseTest('a test has a daemon of its own, and nothing of it is left afterwards', async t => {
  const scope = new Ended();
  t.teardown(() => scope.end());
  const daemon = await startDaemon(scope);
  const { stdout, code } = await daemon.sh('ls "$AOS_MOUNT"; aos status --json');
  t.is(code, 0);
  t.regex(stdout, /^agents$/m);
  t.true(stdout.includes(daemon.mount));
  t.deepEqual(mountsBelow(daemon.mount), [daemon.mount]);
  await scope.end();
  t.deepEqual(mountsBelow(daemon.mount), []);
  await until('the daemon is gone', () => !isRunning(daemon.pid));
  t.false(existsSync(dirname(daemon.home)));
});

fuseTest('a command that hangs on the mount fails its test and takes nothing else along', async t => {
  const daemon = await startDaemon(t);
  await daemon.kill('SIGSTOP');
  await t.throwsAsync(daemon.sh('ls "$AOS_MOUNT"', { deadline: 500 }), { message: /not finished after 500 ms/ });
  t.deepEqual(mountsBelow(daemon.mount), []);
});

test.serial('a daemon that does not start says what it said', async t => {
  const daemon = prepareDaemon(t, { config: '- a list\n', fuse: false });
  await t.throwsAsync(daemon.start(), { message: /^aos-mount: exit [1-9]\d*\n.*aos\.config\.yaml/s });
});
