/** Threads for scripts. One serves one session at a time; afterwards it is kept a moment for the next of the same user and agent. */

import { Worker } from 'node:worker_threads';
import { AosError } from '../../core/errors.ts';
import type { Caller } from '../../core/types.ts';
import { SHELL_LIMITS } from './limits.ts';
import type { FromShell, ToShell } from './protocol.ts';
import { COMPONENT } from './tree.ts';

/** The sources run as they are, and so does what is built of them. */
const PROGRAM = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

export interface Listener {
  message(message: FromShell): void;
  /** The thread is gone. */
  died(why: AosError): void;
}

export class Thread {
  /** Whose scripts it runs. */
  readonly owner: string;
  private readonly worker: Worker;
  private listener: Listener | undefined;
  alive = true;

  constructor(owner: string) {
    this.owner = owner;
    this.worker = new Worker(PROGRAM, {
      env: {},
      execArgv: [],
      resourceLimits: {
        maxOldGenerationSizeMb: SHELL_LIMITS.heap_mb,
        maxYoungGenerationSizeMb: SHELL_LIMITS.young_heap_mb,
      },
    });
    this.worker.on('message', (message: FromShell) => this.listener?.message(message));
    this.worker.on('error', error => this.died(error));
    this.worker.on('exit', () => this.died(undefined));
  }

  listen(listener: Listener | undefined): void {
    this.listener = listener;
    // A thread that nobody waits for does not keep the process.
    if (listener === undefined) this.worker.unref();
    else this.worker.ref();
  }

  say(message: ToShell): void {
    this.worker.postMessage(message);
  }

  end(): void {
    this.alive = false;
    void this.worker.terminate();
  }

  private died(error: unknown): void {
    this.alive = false;
    const spent = error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
    const said = error instanceof Error ? `: ${error.message}` : '';
    const why = spent ? 'the script used all its memory' : `the shell ended unexpectedly${said}`;
    const remedy = spent ? 'work on less at once' : 'try again';
    this.listener?.died(new AosError('io', { component: COMPONENT, why, remedy, cause: error }));
    this.listener = undefined;
  }
}

const idle = new Map<Thread, NodeJS.Timeout>();
let busy = 0;

/** Throws `busy` where too many run already. */
export function takeThread({ uid, agent }: Caller): Thread {
  if (busy >= SHELL_LIMITS.threads_max) {
    throw new AosError('busy', {
      component: COMPONENT,
      why: `${busy} shells run already`,
      remedy: 'try again when one has ended',
    });
  }
  busy++;
  const owner = `${uid} ${agent ?? ''}`;
  for (const [thread, timer] of idle) {
    if (thread.owner !== owner || !thread.alive) continue;
    clearTimeout(timer);
    idle.delete(thread);
    return thread;
  }
  return new Thread(owner);
}

/** `clean`: nothing runs in it any more. */
export function giveThread(thread: Thread, clean: boolean): void {
  busy--;
  thread.listen(undefined);
  if (!clean || !thread.alive || idle.size >= SHELL_LIMITS.idle_threads_max) {
    thread.end();
    return;
  }
  const timer = setTimeout(() => {
    idle.delete(thread);
    thread.end();
  }, SHELL_LIMITS.idle_ms);
  idle.set(thread, timer.unref());
}
