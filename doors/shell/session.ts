/** One shell under one caller: scripts one after another, with variables and working directory kept between them. */

import { Cancellation } from '../../core/cancel.ts';
import { AosError, asAosError } from '../../core/errors.ts';
import { isPromise } from '../../core/maybe.ts';
import type { Aos, Caller } from '../../core/types.ts';
import { SCRIPT_LIMITS, SHELL_LIMITS } from './limits.ts';
import type { FromShell, ScriptLimits, TreeCall } from './protocol.ts';
import { giveThread, type Thread, takeThread } from './thread.ts';
import { COMPONENT, failureOf, ShellTree } from './tree.ts';

/** Exit codes of a script that was stopped; contract section 6. */
const INTERRUPTED = 130;
const TIMED_OUT = 66;
const DIED = 1;

export interface SessionOptions {
  /** Where the first script begins; /aos unless said otherwise. */
  readonly cwd?: string;
  /** Variables beside the usual ones, exported. */
  readonly env?: Readonly<Record<string, string>>;
  readonly limits?: Partial<ScriptLimits>;
  /** Takes the output as it comes. */
  output(fd: 1 | 2, bytes: Uint8Array): void;
}

export interface Script {
  /** What it reads on its standard input, or how to get that once something would read it. */
  readonly stdin?: Uint8Array | (() => Promise<Uint8Array>) | undefined;
  /** Typed by somebody: one that is not complete is not run, and ends with `incomplete`. */
  readonly interactive?: boolean;
}

export interface Finished {
  readonly code: number;
  readonly incomplete: boolean;
  /** The script asked for the session's end. */
  readonly exited: boolean;
  readonly cwd: string;
}

export class ShellSession {
  private readonly aos: Aos;
  private readonly caller: Caller;
  private readonly options: SessionOptions;
  private readonly limits: ScriptLimits;
  private thread: Thread | undefined;
  private running: Running | undefined;
  private over = false;
  private cwd: string;

  constructor(aos: Aos, caller: Caller, options: SessionOptions) {
    this.aos = aos;
    this.caller = caller;
    this.options = options;
    this.limits = { ...SCRIPT_LIMITS, ...options.limits };
    this.cwd = options.cwd ?? '/aos';
  }

  /**
   * Runs one script to its end. Throws `busy` where another runs, here or in too many other sessions, and `ended` once the
   * session is closed.
   */
  async run(text: string, script: Script = {}): Promise<Finished> {
    if (this.over) throw new AosError('ended', { component: COMPONENT, why: 'the session is over' });
    if (this.running !== undefined) throw new AosError('busy', { component: COMPONENT, why: 'a script runs already' });
    const thread = this.ready();
    const running = new Running(thread, this.aos, this.caller, this.limits, this.options.output);
    this.running = running;
    try {
      const finished = await running.over(text, script, this.cwd);
      this.cwd = finished.cwd;
      return finished;
    } finally {
      this.running = undefined;
      if (!thread.alive) this.drop(false);
    }
  }

  get closed(): boolean {
    return this.over;
  }

  /** Stops what runs, as Ctrl-C does. The session goes on. */
  interrupt(): void {
    this.running?.stop(INTERRUPTED);
  }

  /** Ends the session, and what runs in it. Nothing runs in it any more. */
  close(): void {
    this.over = true;
    const idle = this.running === undefined;
    this.running?.kill(INTERRUPTED);
    this.drop(idle);
  }

  private ready(): Thread {
    if (this.thread !== undefined) return this.thread;
    const { caller, options, limits } = this;
    const thread = takeThread(caller);
    const { uid, gid, agent } = caller;
    thread.say({ kind: 'begin', cwd: this.cwd, env: options.env ?? {}, uid, gid, agent, limits });
    this.thread = thread;
    return thread;
  }

  private drop(clean: boolean): void {
    const { thread } = this;
    this.thread = undefined;
    if (thread !== undefined) giveThread(thread, clean);
  }
}

/** One script on its way. */
class Running {
  private readonly thread: Thread;
  private readonly tree: ShellTree;
  private readonly limits: ScriptLimits;
  private readonly output: SessionOptions['output'];
  private readonly cancel = new Cancellation();
  private readonly ended = Promise.withResolvers<Finished>();
  private stopped: number | undefined;
  private input: (() => Promise<Uint8Array>) | undefined;
  private cwd = '/aos';
  private readonly timers: NodeJS.Timeout[] = [];

  constructor(thread: Thread, aos: Aos, caller: Caller, limits: ScriptLimits, output: SessionOptions['output']) {
    this.thread = thread;
    this.limits = limits;
    this.output = output;
    this.tree = new ShellTree(aos, caller, limits.fileBytes);
  }

  async over(text: string, { stdin, interactive = false }: Script, cwd: string): Promise<Finished> {
    const { thread, timers } = this;
    this.cwd = cwd;
    thread.listen({
      message: message => this.heard(message),
      died: why => this.died(why),
    });
    timers.push(setTimeout(() => this.late(), this.limits.timeMs));
    const asks = typeof stdin === 'function';
    if (asks) this.input = stdin;
    thread.say({ kind: 'run', script: text, stdin: asks ? 'ask' : stdin, interactive });
    try {
      return await this.ended.promise;
    } finally {
      for (const timer of timers) clearTimeout(timer);
      this.cancel.abort();
      this.tree.end();
    }
  }

  /** Asks the script to stop, and ends its thread where it does not. */
  stop(code: number): void {
    if (this.stopped !== undefined) return;
    this.stopped = code;
    this.cancel.abort();
    this.thread.say({ kind: 'abort' });
    this.timers.push(setTimeout(() => this.kill(code), SHELL_LIMITS.abort_ms));
  }

  kill(code: number): void {
    this.stopped = code;
    this.thread.end();
    this.ended.resolve({ code, exited: false, incomplete: false, cwd: this.cwd });
  }

  private late(): void {
    const seconds = this.limits.timeMs / 1000;
    const remedy = 'do less at once';
    const error = new AosError('timeout', { component: COMPONENT, why: `stopped after ${seconds} s`, remedy });
    this.output(2, Buffer.from(`${error.message}\n`));
    this.stop(TIMED_OUT);
  }

  private died(why: AosError): void {
    if (this.stopped === undefined) this.output(2, Buffer.from(`${why.message}\n`));
    this.ended.resolve({ code: this.stopped ?? DIED, exited: false, incomplete: false, cwd: this.cwd });
  }

  private heard(message: FromShell): void {
    switch (message.kind) {
      case 'output':
        if (this.stopped === undefined) this.output(message.fd, message.bytes);
        return;
      case 'done': {
        const { code, exited, incomplete, cwd } = message;
        this.ended.resolve(
          this.stopped === undefined
            ? { code, exited, incomplete, cwd }
            : { code: this.stopped, exited: false, incomplete: false, cwd },
        );
        return;
      }
      case 'input':
        this.give();
        return;
      case 'call':
        this.serve(message.id, message.call);
    }
  }

  /** A wish for input that fails ends the script. */
  private give(): void {
    const { thread } = this;
    const fail = (thrown: unknown): void => {
      this.output(2, Buffer.from(`${asAosError(thrown, COMPONENT).message}\n`));
      this.stop(DIED);
    };
    this.input?.().then(bytes => {
      if (thread.alive) thread.say({ kind: 'input', bytes });
    }, fail);
  }

  private serve(id: number, call: TreeCall): void {
    const { thread } = this;
    const reply = (value: unknown): void => {
      if (thread.alive) thread.say({ kind: 'reply', id, value });
    };
    const refuse = (thrown: unknown): void => {
      if (thread.alive) thread.say({ kind: 'refusal', id, failure: failureOf(thrown, call) });
    };
    try {
      const answer = this.tree.perform(call, this.cancel);
      if (isPromise(answer)) answer.then(reply, refuse);
      else reply(answer);
    } catch (thrown) {
      refuse(thrown);
    }
  }
}
