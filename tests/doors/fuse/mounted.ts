/** A real mount for one test, with its users in processes of their own and a watchdog over all of it. */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext, type Implementation } from 'ava';
import { type FuseDoor, type FuseOptions, startFuse } from '../../../doors/fuse/index.ts';
import { FakeApi } from './fake.ts';

const WATCHDOG_MS = 25_000;

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Mounted {
  readonly api: FakeApi;
  readonly dir: string;
  readonly door: FuseDoor;
  /** Runs a bash script in the mount. */
  sh(script: string, ...args: string[]): Promise<Ran>;
  /** Starts one and gives it while it runs. */
  start(program: string, args: readonly string[]): ChildProcess;
}

/** Why there can be no mount here; undefined where there can. */
export function whyNoMount(): string | undefined {
  try {
    closeSync(openSync('/dev/fuse', 'r+'));
    return undefined;
  } catch (error) {
    return `/dev/fuse cannot be opened: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** A test that needs a real mount; skipped, saying why, where there can be none. */
export function mountTest(
  title: string,
  set: (api: FakeApi) => void,
  body: (t: ExecutionContext, m: Mounted) => Promise<void>,
  options: Partial<FuseOptions> = {},
): void {
  const why = whyNoMount();
  const implementation: Implementation<[]> = async t => {
    t.timeout(40_000);
    await withMount(set, m => body(t, m), options);
  };
  if (why === undefined) test.serial(title, implementation);
  else test.skip(`${title} (${why})`, implementation);
}

export async function withMount(
  set: (api: FakeApi) => void,
  body: (m: Mounted) => Promise<void>,
  options: Partial<FuseOptions> = {},
): Promise<void> {
  const api = new FakeApi();
  set(api);
  const dir = mkdtempSync(join(tmpdir(), 'aos-fuse-'));
  const children = new Set<ChildProcess>();
  const door = await startFuse(api, { mountpoint: dir, driver: 'kernel', allowOther: false, ...options });
  const watchdog = setTimeout(() => {
    for (const child of children) child.kill('SIGKILL');
    spawn('umount', ['-l', dir], { stdio: 'ignore' });
  }, WATCHDOG_MS);
  const start = (program: string, args: readonly string[]): ChildProcess => {
    const child = spawn(program, args, { cwd: '/', env: { ...process.env, M: dir } });
    children.add(child);
    child.on('close', () => children.delete(child));
    return child;
  };
  const sh = (script: string, ...args: string[]): Promise<Ran> =>
    ended(start('bash', ['-c', `cd "$M" || exit 99\n${script}`, 'bash', ...args]));
  try {
    await body({ api, dir, door, sh, start });
  } finally {
    clearTimeout(watchdog);
    for (const child of children) child.kill('SIGKILL');
    await door.stop();
    rmdirSync(dir);
  }
}

export function ended(child: ChildProcess): Promise<Ran> {
  let out = '';
  let err = '';
  child.stdout?.on('data', chunk => {
    out += chunk;
  });
  child.stderr?.on('data', chunk => {
    err += chunk;
  });
  return new Promise(resolve => {
    child.on('close', code => resolve({ code, out, err }));
  });
}

/** Waits until `condition` holds; fails after `ms`. */
export async function until(condition: () => boolean, ms = 5000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${condition}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}
