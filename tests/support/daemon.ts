/**
 * The real daemon for one test: started by bin/aos-mount with a home and a mountpoint of its own, and taken away with the
 * test, however that ends.
 */

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type CommandOptions, command, type Result } from './command.ts';
import { mountsBelow, tmpDir } from './dirs.ts';
import { atEnd, type Teardown } from './ending.ts';
import { missing } from './machine.ts';
import { until } from './until.ts';

const ROOT = dirname(dirname(import.meta.dirname));
const START_MS = 20_000;
/** A drain of 30 s at most, and a little. */
const STOP_MS = 35_000;

export interface DaemonOptions {
  /** The configuration: an object, or text where what is tested is how text is read. */
  readonly config?: object | string;
  /** Lines of the mock's file, as text or one by one. Given, the mock is the default model. */
  readonly mock?: string | readonly object[];
  readonly env?: Readonly<Record<string, string>>;
  /** More flags for aos-mount. */
  readonly args?: readonly string[];
  /** Without a kernel mount. By default there is one wherever there can be. */
  readonly fuse?: boolean;
  /** Runs before the daemon starts, with the home made: to put files there. */
  readonly prepare?: (home: string) => void;
}

export interface ShOptions extends Pick<CommandOptions, 'input' | 'deadline'> {
  /** Runs as this user and group, without others. */
  readonly uid?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Daemon {
  readonly home: string;
  readonly mount: string;
  readonly socket: string;
  /** Whether `mount` is a kernel mount. */
  readonly fuse: boolean;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** The daemon's own process. */
  readonly pid: number;
  /** A shell script that finds `aos` on its PATH and the tree at `$AOS_MOUNT`. */
  sh(script: string, options?: ShOptions): Promise<Result>;
  aos(...args: string[]): Promise<Result>;
  /** Sends a signal to the daemon; after SIGKILL waits until it is gone. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** As a user would: `aos umount`. */
  stop(): Promise<Result>;
  /** Starts again on the same home. */
  start(): Promise<void>;
}

/** Starts a daemon and waits until it answers. Throws with everything it said where it does not. */
export async function startDaemon(t: Teardown, options: DaemonOptions = {}): Promise<Daemon> {
  const daemon = prepareDaemon(t, options);
  await daemon.start();
  return daemon;
}

/** The same without starting it: for what must fail to start. */
export function prepareDaemon(t: Teardown, options: DaemonOptions = {}): Daemon {
  const base = tmpDir(t);
  const [home, mount] = [join(base, 'home'), join(base, 'aos')];
  // Other users may pass through to the mount, never into the home.
  chmodSync(base, 0o711);
  mkdirSync(home, { mode: 0o700 });
  mkdirSync(mount);
  options.prepare?.(home);
  const fuse = options.fuse ?? missing({ fuse: true }) === undefined;
  const env = environment(base, home, mount, options);
  const flags = [...(fuse ? [] : ['--no-fuse']), ...mockFlags(base, options), ...(options.args ?? [])];
  const clear = () => clearAway(base, home);
  atEnd(t, clear);
  return makeDaemon({ home, mount, env, fuse, flags, clear });
}

interface Made {
  readonly home: string;
  readonly mount: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly fuse: boolean;
  readonly flags: readonly string[];
  readonly clear: () => void;
}

function makeDaemon({ home, mount, env, fuse, flags, clear }: Made): Daemon {
  let pid = 0;
  const run = (program: string, args: readonly string[], options: ShOptions = {}): Promise<Result> => {
    const as =
      options.uid === undefined
        ? []
        : ['setpriv', `--reuid=${options.uid}`, `--regid=${options.uid}`, '--clear-groups'];
    const [first, ...rest] = [...as, program, ...args];
    return command(first ?? program, rest, {
      env: { ...env, ...options.env },
      cwd: home,
      onDeadline: clear,
      ...(options.input === undefined ? {} : { input: options.input }),
      ...(options.deadline === undefined ? {} : { deadline: options.deadline }),
    });
  };
  return {
    home,
    mount,
    socket: join(home, 'aos.sock'),
    fuse,
    env,
    get pid() {
      return pid;
    },
    sh: (script, options) => run('/bin/sh', ['-c', script], options),
    aos: (...args) => run(join(ROOT, 'bin/aos'), args),
    async kill(signal) {
      process.kill(pid, signal);
      if (signal === 'SIGKILL') await until(`process ${pid} is gone`, () => !isRunning(pid));
    },
    stop: () => run(join(ROOT, 'bin/aos'), ['umount'], { deadline: STOP_MS }),
    async start() {
      const started = await run(join(ROOT, 'bin/aos-mount'), [mount, ...flags], { deadline: START_MS });
      if (started.code !== 0) throw new Error(`aos-mount: exit ${started.code}\n${started.stdout}${started.stderr}`);
      const status = await run(join(ROOT, 'bin/aos'), ['status', '--json']);
      pid = pidOf(status);
    },
  };
}

function pidOf(status: Result): number {
  const parsed: unknown = status.code === 0 ? JSON.parse(status.stdout) : undefined;
  if (typeof parsed === 'object' && parsed !== null && 'pid' in parsed && typeof parsed.pid === 'number')
    return parsed.pid;
  throw new Error(`aos status: exit ${status.code}\n${status.stdout}${status.stderr}`);
}

/** Nothing of the surroundings that would choose a model, a configuration or another daemon. */
function environment(base: string, home: string, mount: string, options: DaemonOptions): NodeJS.ProcessEnv {
  const config = join(base, 'aos.config.yaml');
  const given = options.config ?? {};
  writeFileSync(config, typeof given === 'string' ? given : JSON.stringify(given));
  const kept = Object.entries(process.env).filter(([name]) => !/^(AOS_|XDG_|ANTHROPIC_|OPENAI_|AVA_|GIT_)/.test(name));
  return {
    ...Object.fromEntries(kept),
    PATH: `${join(ROOT, 'bin')}:${process.env.PATH ?? '/usr/bin:/bin'}`,
    HOME: base,
    // Compiled code is kept from one daemon to the next.
    XDG_CACHE_HOME: join(ROOT, 'node_modules/.cache'),
    NO_COLOR: '1',
    AOS_HOME: home,
    AOS_MOUNT: mount,
    AOS_SOCKET: join(home, 'aos.sock'),
    AOS_CONFIG: config,
    ...options.env,
  };
}

function mockFlags(base: string, { mock }: DaemonOptions): string[] {
  if (mock === undefined) return [];
  const file = join(base, 'mock.jsonl');
  writeFileSync(file, typeof mock === 'string' ? mock : mock.map(line => `${JSON.stringify(line)}\n`).join(''));
  return ['--mock', file];
}

/** Kills whatever runs on this home and unmounts what is below `base`: first the server, so that nobody waits for it. */
function clearAway(base: string, home: string): void {
  for (const pid of processesOf(home)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Gone already.
    }
  }
  for (const at of mountsBelow(base)) {
    const tools = process.geteuid?.() === 0 ? [['umount', '-l', at]] : [['fusermount3', '-u', '-z', at]];
    for (const [tool = '', ...args] of tools) spawnSync(tool, args, { timeout: 5000, stdio: 'ignore' });
  }
}

/** Processes whose environment names this home: the daemon and its clients, whatever started them. */
function processesOf(home: string): number[] {
  const mark = `AOS_HOME=${home}\0`;
  return readdirSync('/proc')
    .map(Number)
    .filter(pid => pid > 0 && pid !== process.pid)
    .filter(pid => {
      try {
        return `${readFileSync(`/proc/${pid}/environ`, 'latin1')}\0`.includes(mark);
      } catch {
        return false;
      }
    });
}

/** False for a zombie too: it holds nothing any more. */
export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}
