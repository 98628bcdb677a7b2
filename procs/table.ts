/** The process table: what waits, what runs, and for a while what has ended. */

import {
  asAosError,
  type Caller,
  isPromise,
  isWithin,
  LIMITS,
  type Maybe,
  type Millis,
  type PluginApi,
  parsePath,
  type RunRow,
  readTranscript,
  type Settled,
} from '../plugin-sdk/index.ts';
import { billAfterCrash } from './bill.ts';
import { pastCostOf } from './cost.ts';
import { type Estimate, estimate } from './estimate.ts';
import { Freed } from './freed.ts';
import { execute } from './loop.ts';
import { interruptible, type Outcome, outcomeOf } from './outcome.ts';
import { type EstimateRequest, type Plan, planOf, readPlan, type SpawnRequest } from './plan.ts';
import { fullError, noProcess, stoppingError } from './refusals.ts';
import { Run } from './run.ts';

const MODELS = '/aos/models';

/** What an accepted message gives the agents plugin. */
export interface Receipt {
  readonly pid: number;
  readonly conversation: string;
  readonly session: string;
  /** The same key came before: this is the run of then. Its trace says so too, unless it has ended. */
  readonly deduplicated?: true;
}

export class Table {
  private readonly api: PluginApi;
  private readonly runs = new Map<number, Run>();
  /** Waiting runs of each agent, oldest first. */
  private readonly waiting = new Map<string, Run[]>();
  private readonly busy = new Map<string, number>();
  private readonly born: Millis;
  private readonly freed = new Freed();
  private stopping = false;
  private recovered = false;

  constructor(api: PluginApi) {
    this.api = api;
    this.born = api.now();
  }

  /**
   * Accepts a message, durably, and starts its runs, one for each session, as soon as its agent is free. Throws `queue_full`,
   * `not_running`: then there is none of them.
   */
  spawn(request: SpawnRequest): Receipt[] {
    const { agent, caller, sessions, model, idempotencyKey } = request;
    if (this.stopping) throw stoppingError(agent.name);
    this.recover();
    const plan = planOf(request);
    const now = this.api.now();
    const run = {
      agent: agent.name,
      ppid: caller.run ?? 0,
      uid: caller.uid,
      gid: caller.gid,
      model: model.name,
      key: idempotencyKey === null ? undefined : keyOf(caller, idempotencyKey),
      accepted: now,
      body: JSON.stringify(plan),
    };
    const accepted = this.api.state.runs.acceptAll(
      sessions.map(session => ({ ...run, session })),
      agent.depth,
      now - LIMITS.idempotency_window_ms,
    );
    if (accepted === undefined) throw fullError(agent.name, agent.depth, sessions.length);
    const { rows, fresh } = accepted;
    for (const row of rows) {
      if (fresh) this.admit(row, plan);
      else this.runs.get(row.pid)?.note('dedupe', { key: idempotencyKey });
    }
    return rows.map(({ pid, conversation, session }) => ({
      pid,
      conversation,
      session,
      ...(!fresh && { deduplicated: true }),
    }));
  }

  /** Whether a message with this key is not run again now. */
  knows(agent: string, key: string): boolean {
    return this.api.state.runs.repeated(agent, key, this.api.now() - LIMITS.idempotency_window_ms);
  }

  get(pid: number): Run | undefined {
    this.recover();
    const run = this.runs.get(pid);
    if (run === undefined || !this.expired(run)) return run;
    this.runs.delete(pid);
    return undefined;
  }

  /** Everything listed now, oldest first. */
  all(): Run[] {
    this.recover();
    this.prune();
    return [...this.runs.values()].sort((a, b) => a.pid - b.pid);
  }

  /** What a run came to; for one that still goes, once it has. `caller` must be able to read the answer of an old one. */
  wait(pid: number, caller: Caller, signal: AbortSignal): Maybe<Outcome> {
    const run = this.get(pid);
    // What a run said to an earlier daemon is in its record only.
    if (run === undefined || (run.started ?? this.born) < this.born) return this.past(pid, caller);
    if (run.end !== undefined) return outcomeOf(run, run.end);
    return interruptible(run.done, signal).then(end => outcomeOf(run, end));
  }

  /** What an invitation would probably cost. */
  estimate(request: EstimateRequest): Maybe<Estimate> {
    return estimate(this.api, planOf(request), request.sessions[0] ?? '');
  }

  /** Money that the gate settled for something a run did. */
  paid({ run: pid, path, cost }: Settled): void {
    this.freed.tell();
    const spend = pid === undefined ? undefined : this.runs.get(pid)?.spend;
    if (isWithin(path, MODELS)) spend?.settled(cost);
    else spend?.add(cost);
  }

  /**
   * Takes up, once, what an earlier daemon left: what ran is interrupted, what waited runs. Throws where the store does not
   * say what that is, and then looks again at the next use; a single run that cannot be taken up does not keep the others.
   */
  recover(): void {
    if (this.recovered) return;
    const rows = this.api.state.runs.list(['running', 'queued']);
    this.recovered = true;
    for (const row of rows) {
      try {
        this.takeUp(row);
      } catch (err) {
        this.api.log.error({ pid: row.pid, err }, 'an earlier run could not be taken up; the next start tries again');
      }
    }
    for (const agent of this.waiting.keys()) this.pump(agent);
  }

  /** Takes no more, and waits for what runs: what is not done within the grace is interrupted. */
  async drain(graceMs: number): Promise<void> {
    this.stopping = true;
    const going = [...this.runs.values()].filter(run => run.started !== null && run.end === undefined);
    if (going.length === 0) return;
    const timer = setTimeout(() => {
      for (const run of going) run.stop('interrupted', 'the daemon stopped while it ran', true);
    }, graceMs);
    await Promise.all(going.map(run => run.done));
    clearTimeout(timer);
  }

  /** Ends a run that has not started. Its conversation says so, like that of any other. */
  dismiss(run: Run, reason: 'stopped' | 'killed'): void {
    const queue = this.waiting.get(run.info.agent) ?? [];
    const at = queue.indexOf(run);
    if (at === -1) return;
    queue.splice(at, 1);
    try {
      run.begin();
    } catch (thrown) {
      // It could not be stored: the run waits on, and whoever wants it gone may try again.
      queue.splice(at, 0, run);
      throw thrown;
    }
    run.close(130, reason, 'it was stopped before it began');
    this.pump(run.info.agent);
  }

  /** Starts what may start now. */
  pump(agent: string): void {
    const queue = this.waiting.get(agent) ?? [];
    while (!this.stopping) {
      const at = queue.findIndex(run => !run.paused);
      const run = queue[at];
      const busy = this.busy.get(agent) ?? 0;
      if (run === undefined || busy >= run.plan.agent.parallel) return;
      queue.splice(at, 1);
      this.busy.set(agent, busy + 1);
      execute({ ...this.api, freed: this.freed }, run)
        .catch((err: unknown) => this.api.log.error({ pid: run.pid, err }, 'a run could not be ended'))
        .finally(() => this.leave(agent));
    }
  }

  private prune(): void {
    for (const run of this.runs.values()) if (this.expired(run)) this.runs.delete(run.pid);
  }

  private leave(agent: string): void {
    this.prune();
    this.busy.set(agent, (this.busy.get(agent) ?? 1) - 1);
    this.pump(agent);
  }

  private admit(row: RunRow, plan: Plan): void {
    const run = this.enlist(row, plan);
    this.enqueue(run);
    run.tell({ kind: 'accepted', run: run.info, at: row.accepted });
    run.parent?.note('spawn', { pid: run.pid, agent: run.info.agent });
    this.pump(row.agent);
  }

  private enlist(row: RunRow, plan: Plan): Run {
    const ancestors = plan.inviter.runs.toReversed().flatMap(pid => this.runs.get(pid) ?? []);
    const run = new Run(row, plan, ancestors, this.api);
    this.runs.set(row.pid, run);
    return run;
  }

  private enqueue(run: Run): void {
    const queue = this.waiting.get(run.info.agent);
    if (queue === undefined) this.waiting.set(run.info.agent, [run]);
    else queue.push(run);
  }

  private takeUp(row: RunRow): void {
    let plan: Plan;
    try {
      plan = readPlan(row);
    } catch (thrown) {
      const { message, exitCode } = asAosError(thrown, 'procs');
      this.api.log.error({ pid: row.pid, err: thrown }, message);
      this.api.state.runs.update(row.pid, { state: 'ended', ended: this.api.now(), code: exitCode, reason: 'failed' });
      return;
    }
    if (row.state === 'running') {
      const cost = billAfterCrash(this.api.state, row);
      this.enlist({ ...row, cost }, plan).close(130, 'interrupted', 'the daemon ended while it ran');
    } else this.enqueue(this.enlist(row, plan));
  }

  private past(pid: number, caller: Caller): Maybe<Outcome> {
    const row = this.api.state.runs.get(pid);
    if (row === undefined) throw noProcess(pid);
    const path = parsePath(`/aos/conversations/${row.conversation}/transcript.jsonl`);
    const told = (bytes: Uint8Array): Outcome => ({
      pid,
      conversation: row.conversation,
      output: readTranscript(Buffer.from(bytes).toString()).output,
      exit_code: row.code ?? 1,
      cost_usd: pastCostOf(row),
      reason: row.reason ?? 'failed',
    });
    const bytes = this.api.aos.read(caller, path);
    return isPromise(bytes) ? bytes.then(told) : told(bytes);
  }

  private expired(run: Run): boolean {
    return run.ended !== null && this.api.now() - run.ended >= LIMITS.zombie_ms;
  }
}

/** One user's keys say nothing about another's. */
export function keyOf({ uid }: Caller, key: string): string {
  return `${uid}:${key}`;
}
