/** A small tree and a shell over it. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AosError } from '../../../core/errors.ts';
import type { Caller } from '../../../core/types.ts';
import { type RunOptions, runShell } from '../../../doors/shell/index.ts';
import { callable, dir, diskTree, file, link, message, tree, value } from '../../../plugin-sdk/index.ts';
import { caller, type TestCore, testCore } from '../../support/core.ts';
import { type Teardown, tmpDir } from '../../support/dirs.ts';

/** Every byte there is, twice: not UTF-8, and no text. */
export const BYTES = Buffer.from(Array.from({ length: 512 }, (_, i) => i & 255));

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly bytes: Uint8Array;
}

export interface World {
  readonly core: TestCore;
  /** On disk behind /aos/memory. */
  readonly home: string;
  /** What was sent to /aos/inbox, message by message. */
  readonly sent: string[];
  /** What became of readers of /aos/slow, which never gives anything. */
  readonly slow: { begun: number; interrupted: number };
  sh(script: string, options?: RunOptions, as?: Caller): Promise<Said>;
}

export async function world(t: Teardown): Promise<World> {
  const core = await testCore();
  const home = tmpDir(t);
  writeFileSync(join(home, 'bytes'), BYTES);
  writeFileSync(join(home, 'text'), 'größe → 日本\nzwei\n');
  const sent: string[] = [];
  const slow = { begun: 0, interrupted: 0 };
  core.mount(
    '/aos',
    tree({
      '/': dir(() => ['hello', 'secret', 'inbox', 'full', 'ask', 'broken', 'slow', 'way']),
      '/hello': value({ read: () => 'hello\n' }),
      '/secret': value({ read: () => 'secret\n' }),
      '/inbox': message({
        commit(_args, text) {
          if (text.startsWith('{')) throw new AosError('invalid', { component: 'probe', why: 'not JSON' });
          sent.push(text);
        },
      }),
      '/full': message({
        accept() {
          throw new AosError('queue_full', { component: 'probe', why: 'it holds 3 already', remedy: 'wait' });
        },
        commit: () => undefined,
      }),
      '/ask': callable((_args, request) => `you said ${request}\n`),
      '/broken': file({
        read() {
          throw new AosError('upstream', { component: 'probe', why: 'the service is away', remedy: 'wait' });
        },
      }),
      '/slow': file({
        read: ({ signal }) =>
          new Promise<string>((_resolve, reject) => {
            slow.begun++;
            signal.addEventListener('abort', () => {
              slow.interrupted++;
              reject(signal.reason);
            });
          }),
      }),
      '/way': link(() => 'memory/text'),
    }),
  );
  core.mount('/aos/memory', diskTree(home, { component: 'memory' }));
  return {
    core,
    home,
    sent,
    slow,
    async sh(script, options = {}, as = caller()) {
      const { code, stdout, stderr } = await runShell(core.aos, as, script, options);
      return { code, out: Buffer.from(stdout).toString(), err: Buffer.from(stderr).toString(), bytes: stdout };
    },
  };
}
