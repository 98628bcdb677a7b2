/** One run: what it is, what it has said and spent so far, and the switches that stop it. */

import {
  asAosError,
  type Caller,
  LogBuffer,
  type Millis,
  type PluginApi,
  type RunEnd,
  type RunEvent,
  type RunInfo,
  type RunRow,
  type RunStatus,
  Told,
  type TraceEvent,
  type TurnLink,
  type Usage,
} from '../plugin-sdk/index.ts';
import { runCaller } from './caller.ts';
import { isUnpriced } from './cost.ts';
import { Tally } from './lengths.ts';
import type { Plan } from './plan.ts';
import { Spend } from './spend.ts';
import { Halted, Switch } from './switch.ts';

/** Why a run was stopped from outside, or by a limit. */
export type HaltReason = 'stopped' | 'killed' | 'timeout' | 'budget' | 'interrupted';

export const HALT_CODES: Readonly<Record<HaltReason, number>> = {
  stopped: 130,
  killed: 130,
  interrupted: 130,
  timeout: 66,
  budget: 64,
};

export interface Halt {
  readonly reason: HaltReason;
  readonly message: string;
}

/** The plugin's powers that a run needs. */
export type RunApi = Pick<PluginApi, 'now' | 'announce' | 'state' | 'log'>;

export class Run {
  readonly info: RunInfo;
  readonly plan: Plan;
  readonly gid: number;
  readonly accepted: Millis;
  readonly caller: Caller;
  /** The run that started this one, while it is listed. */
  readonly parent: Run | undefined;
  /** The text of the answer. */
  readonly stdout: LogBuffer;
  /** The trace. */
  readonly stderr: LogBuffer;
  readonly spend: Spend;
  readonly tally = new Tally();
  /** Stops waiting for the model. */
  readonly soft = new Switch();
  /** Stops waiting for anything. */
  readonly hard = new Switch();
  /** Messages from stdin for the next turn. */
  readonly inbox: string[] = [];
  /** `throttled` is a run that waits: for its turn in its agent's queue, or for money that others hold. */
  status: RunStatus = 'throttled';
  statusAt: Millis;
  started: Millis | null;
  ended: Millis | null = null;
  end: RunEnd | undefined;
  halt: Halt | undefined;
  /** Tokens of the last request, in and out; null where the server did not say. */
  contextTokens: number | null = null;
  usage: Usage = { input: null, cacheRead: null, cacheWrite: null, output: null };
  readonly done: Promise<RunEnd>;
  private readonly api: RunApi;
  private readonly told = new Told();
  private finish: (end: RunEnd) => void = () => {};
  private resumed: (() => void) | undefined;
  private gate: Promise<void> | undefined;
  /** What the turn in flight has said, and the last turn that said something. */
  private answer = '';
  private former = '';

  /** `ancestors`: the nearest first. */
  constructor(row: RunRow, plan: Plan, ancestors: readonly Run[], api: RunApi) {
    this.api = api;
    this.plan = plan;
    this.gid = row.gid;
    this.parent = ancestors[0];
    this.accepted = row.accepted;
    this.statusAt = row.accepted;
    this.started = row.started;
    this.info = {
      pid: row.pid,
      ppid: row.ppid,
      agent: row.agent,
      model: row.model,
      conversation: row.conversation,
      session: row.session,
      prompt: plan.prompt,
      uid: row.uid,
      ...(isUnpriced(plan.model) && { unpriced: true }),
    };
    this.told.add({ type: 'prompt', text: plan.prompt });
    this.caller = runCaller(plan, row.pid);
    this.stdout = new LogBuffer(api.now);
    this.stderr = new LogBuffer(api.now);
    this.spend = new Spend(this, row.cost, ancestors, api);
    this.done = new Promise(resolve => {
      this.finish = resolve;
    });
  }

  get pid(): number {
    return this.info.pid;
  }

  get paused(): boolean {
    return this.gate !== undefined;
  }

  tell(event: RunEvent): void {
    this.api.announce(event);
  }

  goOn(chain: readonly TurnLink[], forkedFrom: string | null): void {
    if (chain.length > 0) this.tell({ kind: 'context', run: this.info, chain, forkedFrom });
  }

  /** Whether the text of a context.ctx has what this run was asked and has answered. */
  hasSaid(context: string): boolean {
    try {
      const { prompt, answer }: { prompt?: unknown; answer?: unknown } = JSON.parse(context);
      return prompt === this.told.prompt && answer === this.told.output;
    } catch {
      return false;
    }
  }

  /** A further message of the user. It is no line of the trace, which says what the run does. */
  hear(text: string): void {
    const event: TraceEvent = { v: 1, ts: new Date(this.api.now()).toISOString(), type: 'prompt', text };
    this.told.add(event);
    this.tell({ kind: 'trace', run: this.info, event });
  }

  /** A line of the trace. `more` goes to listeners only: what is too long for a line. */
  trace(type: string, fields: Readonly<Record<string, unknown>>, more?: Readonly<Record<string, unknown>>): void {
    const event: TraceEvent = { v: 1, ts: new Date(this.api.now()).toISOString(), type, ...fields };
    this.told.add(event);
    this.stderr.append(`${JSON.stringify(event)}\n`);
    this.tell({ kind: 'trace', run: this.info, event: more === undefined ? event : { ...event, ...more } });
  }

  /** A line of the trace about what may also happen after the end, when it is no longer written. */
  note(type: string, fields: Readonly<Record<string, unknown>>, more?: Readonly<Record<string, unknown>>): void {
    if (this.end === undefined) this.trace(type, fields, more);
  }

  /** A piece of the answer. */
  say(text: string): void {
    if (text === '') return;
    // What different turns say is kept apart wherever it is shown in a row.
    const apart = this.answer === '' && this.former !== '' && !this.former.endsWith('\n');
    const shown = apart ? `\n${text}` : text;
    this.answer += text;
    this.stdout.append(shown);
    this.trace('text', { text: shown });
  }

  /** A new turn of the model begins. */
  nextTurn(): void {
    if (this.answer !== '') this.former = this.answer;
    this.answer = '';
  }

  /** What the turn in flight has said. */
  get said(): string {
    return this.answer;
  }

  /** The answer as far as it got. */
  get output(): string {
    return this.answer === '' ? this.former : this.answer;
  }

  setStatus(status: RunStatus): void {
    if (this.status === status) return;
    this.status = status;
    this.statusAt = this.api.now();
    this.tell({ kind: 'status', run: this.info, status });
  }

  /**
   * Asks the run to stop. `hard` also leaves a tool that is at work. The first reason stands, except that a kill
   * overrides a stop.
   */
  stop(reason: HaltReason, message: string, hard: boolean): void {
    if (this.end !== undefined) return;
    if (this.halt === undefined || (reason === 'killed' && this.halt.reason === 'stopped')) {
      this.halt = { reason, message };
    }
    this.setStatus(reason === 'budget' ? 'budget_exceeded' : 'stopping');
    this.soft.abort();
    if (hard) this.hard.abort();
  }

  pause(): void {
    if (this.paused || this.halt !== undefined) return;
    this.gate = new Promise(resolve => {
      this.resumed = resolve;
    });
    this.setStatus('paused');
  }

  resume(): void {
    if (!this.paused) return;
    const { resumed } = this;
    this.gate = undefined;
    this.resumed = undefined;
    if (this.halt === undefined) this.setStatus(this.started === null ? 'throttled' : 'running');
    resumed?.();
  }

  /** Passes at once unless the run is paused; throws Halted once it is to stop. */
  async pass(): Promise<void> {
    while (this.gate !== undefined && !this.soft.aborted) await this.soft.race(this.gate);
    if (this.soft.aborted) throw new Halted();
  }

  /** Throws where it cannot be stored; the run has then not begun. */
  begin(): void {
    const at = this.api.now();
    this.api.state.runs.update(this.pid, { state: 'running', started: at });
    this.started = at;
    this.tell({ kind: 'started', run: this.info, at });
    this.setStatus('running');
  }

  /** The one end of the run. Durable before anybody hears of it. */
  close(code: number, reason: string, message?: string): void {
    if (this.end !== undefined) return;
    const at = this.api.now();
    const { output, usage } = this;
    this.spend.flush();
    if (reason === 'budget') this.spend.warnOfEnd();
    const durationMs = this.started === null ? 0 : at - this.started;
    this.ended = at;
    this.end = {
      code,
      reason,
      output,
      cost: this.spend.own,
      usage,
      durationMs,
      ...(message !== undefined && { message }),
    };
    if (message !== undefined && code !== 0) this.trace('error', { code, message });
    this.trace('exit', { code });
    if (this.stdout.size > 0 && !output.endsWith('\n')) this.stdout.append('\n');
    this.stdout.end();
    this.stderr.end();
    this.record(at, code, reason);
    this.setStatus('zombie');
    this.tell({ kind: 'ended', run: this.info, end: this.end, at });
    this.finish(this.end);
  }

  /** A full disk must not keep a run from ending; the next start then finds it as interrupted. */
  private record(at: Millis, code: number, reason: string): void {
    try {
      this.api.state.runs.update(this.pid, { state: 'ended', ended: at, code, reason, cost: this.spend.own });
    } catch (thrown) {
      const { message } = asAosError(thrown, 'procs', `/aos/procs/${this.pid}`);
      this.api.log.error({ pid: this.pid, err: thrown }, `the end of a run could not be stored: ${message}`);
    }
  }
}
