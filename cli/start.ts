/** Starts the daemon as a process of its own and hears from it when it answers. */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AosError, asAosError, fromShape } from '../core/errors.ts';
import { makeDirs } from '../doors/dirs.ts';
import { type Env, logFile } from './env.ts';
import { isShape } from './failure.ts';
import { isFields } from './shape.ts';

/**
 * How Node runs the daemon. A young generation of 8 MiB from the first moment: growing it from 1 MiB while everything is loaded
 * costs the start a tenth. No debugger by signal: a port for it would be a way in past every door.
 */
const NODE_FLAGS = ['--min-semi-space-size=8', '--disable-sigusr1'];

/** Longer than a slow disk needs; a daemon that has not answered by then is stuck. */
const READY_MS = 60_000;

export interface StartOptions {
  readonly mount: string;
  readonly driver?: string;
  readonly allowOther?: boolean;
  readonly mock?: string;
  readonly noFuse?: boolean;
}

/** What the daemon says of itself once it answers. */
export interface Ready {
  readonly pid: number;
  readonly mount: string;
  readonly driver: string;
  readonly model: string;
  readonly fuse: boolean;
  readonly warning: string | undefined;
}

export interface Started {
  readonly ready: Ready;
  readonly child: ChildProcess;
}

/** Starts it in the background; its standard output goes to the log. Throws what the daemon says, or `io` where it just ends. */
export async function startDaemon(env: Env, options: StartOptions): Promise<Started> {
  const file = logFile(env);
  const log = openLogFile(env, file);
  const child = spawnDaemon(env, options, { detached: true, stdio: ['ignore', log, log, 'pipe'] });
  closeSync(log);
  try {
    const ready = await readiness(child, file);
    child.unref();
    return { ready, child };
  } catch (thrown) {
    child.kill('SIGTERM');
    throw thrown;
  }
}

function openLogFile(env: Env, file: string): number {
  try {
    makeDirs(env.home, 0o700);
    makeDirs(dirname(file), 0o700);
    return openSync(file, 'a', 0o600);
  } catch (thrown) {
    const error = asAosError(thrown, 'aos-mount', env.home);
    const remedy = 'set AOS_HOME to a directory of yours that can be written';
    throw new AosError(error.kind, { component: 'aos-mount', path: env.home, why: error.why, remedy, cause: thrown });
  }
}

/** Starts it in front, on this terminal. */
export async function runDaemon(env: Env, options: StartOptions): Promise<Started> {
  closeSync(openLogFile(env, logFile(env)));
  const child = spawnDaemon(env, options, { detached: false, stdio: ['inherit', 'inherit', 'inherit', 'pipe'] }, [
    '--foreground',
  ]);
  return { ready: await readiness(child, logFile(env)), child };
}

interface How {
  readonly detached: boolean;
  readonly stdio: ('ignore' | 'inherit' | 'pipe' | number)[];
}

function spawnDaemon(env: Env, options: StartOptions, how: How, more: readonly string[] = []): ChildProcess {
  const args = [...NODE_FLAGS, daemonFile(), '--mount', options.mount, ...more];
  if (options.driver !== undefined) args.push('--driver', options.driver);
  if (options.allowOther === true) args.push('--allow-other');
  if (options.mock !== undefined) args.push('--mock', options.mock);
  if (options.noFuse === true) args.push('--no-fuse');
  const vars = { ...process.env, AOS_HOME: env.home, AOS_MOUNT: options.mount, AOS_SOCKET: env.socket };
  // It begins in this working directory, to find its configuration from there up, and leaves it.
  return spawn(process.execPath, args, { ...how, env: vars });
}

/** Beside this file, from the sources or as built. */
function daemonFile(): string {
  const built = fileURLToPath(new URL('./daemon.js', import.meta.url));
  return existsSync(built) ? built : fileURLToPath(new URL('./daemon.ts', import.meta.url));
}

/** One JSON line on descriptor 3, then its end. */
function readiness(child: ChildProcess, log: string): Promise<Ready> {
  return new Promise((resolve, reject) => {
    const pipe = child.stdio[3];
    let said = '';
    const timer = setTimeout(() => reject(noAnswer('it has not answered for 60 s', log)), READY_MS);
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      child.off('exit', ended);
      pipe?.destroy();
      act();
    };
    const ended = (code: number | null, signal: NodeJS.Signals | null): void => {
      // What it said last may still be in the pipe.
      setImmediate(() => settle(() => finish(`it ended with ${signal ?? `code ${code}`}`)));
    };
    const finish = (otherwise: string): void => {
      const answer = parseAnswer(said, child.pid ?? 0);
      if (answer instanceof Error) reject(answer);
      else if (answer !== undefined) resolve(answer);
      else reject(noAnswer(otherwise, log));
    };
    child.once('error', thrown => settle(() => reject(asAosError(thrown, 'aos-mount'))));
    child.once('exit', ended);
    if (pipe === null || pipe === undefined || !('setEncoding' in pipe)) return;
    pipe.setEncoding('utf8');
    pipe.on('data', (text: string) => {
      said += text;
      if (said.includes('\n')) settle(() => finish('it said something that is not its readiness'));
    });
  });
}

function parseAnswer(said: string, pid: number): Ready | AosError | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(said);
  } catch {
    return undefined;
  }
  if (!isFields(answer)) return undefined;
  if (answer.ok !== true) return isShape(answer.error) ? fromShape(answer.error) : undefined;
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  return {
    pid,
    mount: text(answer.mount),
    driver: text(answer.driver),
    model: text(answer.model),
    fuse: answer.fuse === true,
    warning: typeof answer.warning === 'string' ? answer.warning : undefined,
  };
}

function noAnswer(why: string, log: string): AosError {
  return new AosError('io', { component: 'aos-mount', why: `the daemon did not start: ${why}`, remedy: `see ${log}` });
}
