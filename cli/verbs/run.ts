/** Runs a command with a lease that serves it and its children alone. */

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { AosError } from '../../core/errors.ts';
import { askLease, LEASE_FLAGS } from '../lease.ts';
import { isTerminal, note } from '../output.ts';
import { number } from '../shape.ts';
import { treePath } from '../tree.ts';
import type { Context, Verb } from '../verb.ts';

/** As shells do. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
const SIGNALLED = 128;

/** Passed on as they come. */
const FORWARDED = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGCONT'] as const;
/** A terminal sends these to the command by itself. */
const FROM_TERMINAL = ['SIGINT', 'SIGQUIT'] as const;

export const verb: Verb = {
  name: 'run',
  summary: 'Run a command that may use what is locked',
  args: '<command...>',
  argHelp: ['what to run, after --'],
  flags: [
    { flags: '-u, --unlock <path>', help: 'what to open for it; may be given several times', many: true },
    ...LEASE_FLAGS,
  ],
  notes: `The lease serves the command and its children, and ends with it. Of several paths each is open for the duration, with a budget of
its own. The exit code is the command's: 128 and the number of
the signal where one ended it, 127 where there is no such command.

Example:
  aos run --unlock=/aos/mnt/api --duration=30m --budget=0.10 -- grep -r words /aos/mnt/api`,
  async run(context: Context) {
    const { args, client, env, flags } = context;
    const paths = flags.list('unlock').map(typed => treePath(typed, env));
    if (paths.length === 0) throw flags.wrong('say what to open: --unlock=PATH');
    const leases: number[] = [];
    try {
      for (const path of paths) leases.push(number(await askLease(context, path, { scope: 'process' }), 'id'));
      return await exitOf(args);
    } finally {
      for (const id of leases) await client.call('/aos/system/lock', { id }).catch(overAlready);
    }
  },
};

/** The lease may have run out by the clock, or the daemon may be gone: either way nobody holds it any more. */
function overAlready(thrown: unknown): void {
  if (thrown instanceof AosError && (thrown.kind === 'not_found' || thrown.kind === 'not_running')) return;
  note(`aos run: the lease could not be ended: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
}

/** Runs the command on this process's own terminal and files; passes signals on to it, and its end back. */
function exitOf([program = '', ...args]: readonly string[]): Promise<number> {
  return new Promise(resolve => {
    const child = spawn(program, args, { stdio: 'inherit' });
    // The command decides what an interrupt means; this process goes on until it has ended.
    process.removeAllListeners('SIGINT');
    for (const signal of FORWARDED) process.on(signal, () => void child.kill(signal));
    for (const signal of FROM_TERMINAL) {
      process.on(signal, () => {
        if (!onTerminal()) child.kill(signal);
      });
    }
    child.once('error', thrown => {
      const missing = 'code' in thrown && thrown.code === 'ENOENT';
      note(`aos run: ${program}: ${missing ? 'no such command; check the name' : thrown.message}`);
      resolve(missing ? NOT_FOUND : NOT_EXECUTABLE);
    });
    child.once('exit', (code, signal) => {
      resolve(signal === null ? (code ?? 1) : SIGNALLED + constants.signals[signal]);
    });
  });
}

/** Whether this process and its command are in front of a terminal, which then signals both. */
function onTerminal(): boolean {
  return isTerminal(0) || isTerminal(1) || isTerminal(2);
}
