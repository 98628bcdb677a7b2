/** A disk that is full: what is new is refused, what is there is served, and once there is room it goes on. */

import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { startDaemon } from '../support/daemon.ts';
import { tmpDir } from '../support/dirs.ts';
import { needs } from '../support/need.ts';
import { until } from '../support/until.ts';
import { health, lastWhy, refuses, touch } from './bad-input.ts';

const BYTES = 8 * 1024 * 1024;

needs(test.serial, { root: true, fuse: true })(
  'without space a message is refused, the daemon answers, and when there is some it goes on',
  async t => {
    const daemon = await startDaemon(t, {
      mock: [{ match: '^slow', delay_ms: 1500, text: 'too late for the disk' }, { text: 'done' }],
      // Taken away with whatever else is mounted below the test's directory.
      prepare: home =>
        void execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${BYTES},mode=700`, 'none', home], { stdio: 'pipe' }),
    });
    t.is((await daemon.aos('invoke', 'researcher', 'before', '--wait')).code, 0);
    const slow = JSON.parse((await daemon.aos('invoke', 'researcher', 'slow', '--json')).stdout);

    const filler = join(daemon.home, 'filler');
    await daemon.sh('dd if=/dev/zero of=filler bs=4096 2>/dev/null; true');
    const big = join(tmpDir(t), 'big');
    writeFileSync(big, Buffer.alloc(4 * BYTES));
    const full = { code: 1, errno: 'ENOSPC', why: /space left/, remedy: /free some space/ };
    await refuses(t, daemon, ['invoke', 'researcher', 'now', '--session', 'new'], full);
    await refuses(t, daemon, ['write', '/aos/agents/researcher/inbox', '--value', 'now'], full);
    await refuses(t, daemon, ['write', '/aos/memory/big', '--file', big], full);
    t.is(
      await touch(daemon, { path: 'agents/researcher/inbox', act: 'write', body: 'now' }),
      'close ENOSPC',
      'not accepted',
    );
    t.regex((await lastWhy(daemon))?.remedy ?? '', /free some space/);
    t.is(await touch(daemon, { path: 'memory/note', act: 'make', body: 'x'.repeat(4096), times: 4 }), 'write ENOSPC');

    // What was there can still be read, by each door.
    t.is((await daemon.sh('cat "$AOS_MOUNT"/agents/researcher/output')).stdout, 'done\n');
    t.is((await daemon.aos('ps', '-a')).code, 0);
    t.is((await daemon.aos('cat', '/aos/system/spend')).code, 0);
    t.is((await daemon.aos('explain', 'read', '/aos')).code, 0);
    const ended = await daemon.aos('wait', String(slow.pid), '--json');
    t.is(JSON.parse(ended.stdout).pid, slow.pid, 'a run that is under way ends, one way or the other');
    t.regex(await health(daemon), /^degraded: \d+ KiB are left on the disk that holds .*; free some space$/);

    rmSync(filler);
    await until('there is room', () => {
      writeFileSync(filler, Buffer.alloc(BYTES / 8));
      rmSync(filler);
      return true;
    });
    t.is(await health(daemon), 'ok');
    const after = await daemon.aos('invoke', 'researcher', 'after', '--wait');
    t.is(after.code, 0, after.stderr);
    t.is(after.stdout, 'done\n');
    const prompts = (await daemon.sh('grep -h "\\"prompt\\"" -r "$AOS_HOME"/conversations --include=meta.json')).stdout;
    t.notRegex(prompts, /"now"/, 'what was refused was never run');
    t.is((await daemon.stop()).code, 0);
  },
);
