/** Runs a program under a deadline. Nothing here touches a mount from this process: a hung file system hangs a child at most. */

import { spawn } from 'node:child_process';

export interface Result {
  /** 128 + the signal's number is not made up here: a program ended by a signal has `code` null. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Never below a mount: starting a program waits for its working directory. Begin a script with `cd` instead. */
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
  /** Milliseconds; 20 s unless said otherwise. */
  readonly deadline?: number;
  /** Called before the program's whole process group is killed, to free it from a hung mount. */
  readonly onDeadline?: () => void;
}

/** Rejects only where the program could not be started or overran its deadline: then the message has what it printed. */
export function command(program: string, args: readonly string[], options: CommandOptions = {}): Promise<Result> {
  const deadline = options.deadline ?? 20_000;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: options.env ?? process.env,
      cwd: options.cwd,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString();
    const timer = setTimeout(() => {
      options.onDeadline?.();
      killGroup(child.pid);
      const said = `stdout: ${text(out).slice(-2000)}\nstderr: ${text(err).slice(-2000)}`;
      reject(new Error(`${[program, ...args].join(' ')}: not finished after ${deadline} ms\n${said}`));
    }, deadline);
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', error => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout: text(out), stderr: text(err) });
    });
    // A program that does not read its input may be gone before all of it was written.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}
