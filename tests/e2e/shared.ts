/** One daemon for all the tests of a file: they run one after another and each leaves it fit for the next. */

import test from 'ava';
import { type Daemon, type DaemonOptions, startDaemon } from '../support/daemon.ts';
import { missing } from '../support/machine.ts';
import { until } from '../support/until.ts';

/** Whether there can be a kernel mount; where not, the tests that need one are skipped and no daemon is started. */
export const CAN_MOUNT = missing({ fuse: true }) === undefined;

/** What a test asks of meta.json. */
export interface Turn {
  readonly id: string;
  readonly path: string;
  readonly prompt: string;
  readonly outcome: string;
  readonly session: string;
  readonly agent: string;
  readonly pid: number;
  readonly started: string;
  readonly ended: string | null;
  readonly tokens: { readonly input: number | null; readonly output: number | null };
  readonly cost_usd: number;
}

/** Starts the daemon before the first test and takes it away after the last. */
export function shareDaemon(options: DaemonOptions = {}): () => Daemon {
  let daemon: Daemon | undefined;
  const steps: (() => Promise<void> | void)[] = [];
  test.before('the daemon starts', async () => {
    if (CAN_MOUNT) daemon = await startDaemon({ teardown: step => steps.unshift(step) }, options);
  });
  test.after.always('the daemon is taken away', async () => {
    for (const step of steps.splice(0)) await step();
  });
  return () => {
    if (daemon === undefined) throw new Error('the daemon is not running');
    return daemon;
  };
}

/** What a script printed. Throws with everything it said where it did not exit with 0. */
export async function ok(daemon: Daemon, script: string): Promise<string> {
  const { code, stdout, stderr } = await daemon.sh(script);
  if (code !== 0) throw new Error(`exit ${code}: ${script}\n${stdout}${stderr}`);
  return stdout;
}

/** Every recorded turn, oldest first, as the files say. */
export async function turns(daemon: Daemon): Promise<Turn[]> {
  const text = await ok(daemon, 'find "$AOS_HOME"/conversations -path "*/20*/meta.json" -exec cat {} + | jq -s -c .');
  // The shape of meta.json (contract section 2).
  const all = JSON.parse(text) as Turn[];
  return all.sort((a, b) => a.pid - b.pid);
}

/** The turns whose prompt is one of these, once all of them are over. */
export function over(daemon: Daemon, prompts: readonly string[], ms = 15_000): Promise<Turn[]> {
  return until(
    `over: ${prompts.join(', ')}`,
    async () => {
      const found = (await turns(daemon)).filter(turn => prompts.includes(turn.prompt));
      const ended = new Set(found.filter(turn => turn.outcome !== 'running').map(turn => turn.prompt));
      return prompts.every(prompt => ended.has(prompt)) ? found : undefined;
    },
    ms,
  );
}

/** Waits until a file of the tree has this content. */
export function holds(daemon: Daemon, file: string, text: string | RegExp): Promise<string> {
  return until(`${file} has ${text}`, async () => {
    const { stdout } = await daemon.sh(`cat "$AOS_MOUNT"/${file}`);
    const found = typeof text === 'string' ? stdout.trim() === text : text.test(stdout);
    return found ? stdout : undefined;
  });
}
