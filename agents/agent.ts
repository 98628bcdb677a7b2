/** One agent as it is now: what runs, what waits, what it says. Kept by the events of its runs. */

import {
  AosError,
  LogBuffer,
  type Millis,
  type PluginApi,
  type RunEnd,
  type RunEvent,
  type RunInfo,
  type RunStatus,
} from '../plugin-sdk/index.ts';
import { AgentRecord } from './record.ts';
import { Stream } from './stream.ts';

export type AgentStatus = 'idle' | 'running' | 'paused';

type AgentApi = Pick<PluginApi, 'now' | 'state'>;

/** The last run that ended. */
interface Last {
  readonly run: RunInfo;
  readonly end: RunEnd;
}

export class Agent {
  readonly name: string;
  readonly record: AgentRecord;
  /** The current answer as it arrives, or the last one. */
  readonly stream: Stream;
  log: LogBuffer;
  statusAt: Millis;
  last: Last | undefined;
  private readonly api: AgentApi;
  private readonly running = new Map<number, RunStatus>();
  private readonly waiting: Set<number>;
  /** By user: nobody's messages wait for what another is writing. */
  private readonly places = new Map<symbol, number>();
  private readonly idle = new Set<() => void>();
  /** The run that the stream shows. */
  private shown: number | undefined;

  constructor(name: string, api: AgentApi) {
    this.name = name;
    this.api = api;
    this.record = new AgentRecord(api.state.keys, name, api.now());
    this.stream = new Stream(api.now);
    this.log = new LogBuffer(api.now);
    this.statusAt = api.now();
    this.waiting = new Set(api.state.runs.list(['queued'], name).map(row => row.pid));
  }

  get status(): AgentStatus {
    if (this.running.size === 0) return 'idle';
    for (const status of this.running.values()) if (status !== 'paused') return 'running';
    return 'paused';
  }

  /** Messages that wait. */
  get depth(): number {
    return this.waiting.size;
  }

  /** Messages that a user is writing: each has its place in the queue already. */
  held(uid: number): number {
    let count = 0;
    for (const holder of this.places.values()) if (holder === uid) count++;
    return count;
  }

  /** Keeps a place for a message, until the function it gives is called. */
  hold(uid: number): () => void {
    const place = Symbol();
    this.places.set(place, uid);
    return () => this.places.delete(place);
  }

  say(text: string): void {
    if (this.log.ended) this.log = new LogBuffer(this.api.now);
    this.log.append(`${new Date(this.api.now()).toISOString()} ${text}\n`);
  }

  hear(event: RunEvent): void {
    const { run } = event;
    switch (event.kind) {
      case 'accepted':
        this.waiting.add(run.pid);
        this.say(`accepted ${run.pid}`);
        break;
      case 'started':
        this.started(run);
        break;
      case 'status':
        if (this.running.has(run.pid)) this.running.set(run.pid, event.status);
        this.statusAt = this.api.now();
        break;
      case 'trace':
        this.traced(run, event.event.type, event.event);
        break;
      case 'ended':
        this.ended(run, event.end);
        break;
    }
  }

  /** Resolves once nothing runs and nothing waits. */
  whenIdle(signal: AbortSignal): Promise<void> | undefined {
    if (this.running.size === 0 && this.waiting.size === 0) return undefined;
    return new Promise((resolve, reject) => {
      const done = (): void => {
        this.idle.delete(done);
        signal.removeEventListener('abort', give);
        resolve();
      };
      const give = (): void => {
        this.idle.delete(done);
        reject(
          new AosError('interrupted', { component: 'agents', why: 'the wait was interrupted; the agent goes on' }),
        );
      };
      this.idle.add(done);
      signal.addEventListener('abort', give, { once: true });
    });
  }

  private started(run: RunInfo): void {
    this.waiting.delete(run.pid);
    this.running.set(run.pid, 'running');
    this.statusAt = this.api.now();
    this.stream.begin();
    this.shown = run.pid;
    this.record.set({ current: run.conversation });
    this.say(`started ${run.pid} with ${run.model}`);
  }

  private traced(run: RunInfo, type: string, event: { readonly [field: string]: unknown }): void {
    if (type === 'text' && this.shown === run.pid) this.stream.append(String(event.text ?? ''));
    if (type === 'budget' && typeof event.cost_micros === 'number') {
      this.record.setCost(run.session, run.pid, event.cost_micros, false);
      this.statusAt = this.api.now();
    }
  }

  private ended(run: RunInfo, end: RunEnd): void {
    this.waiting.delete(run.pid);
    this.running.delete(run.pid);
    this.last = { run, end };
    this.statusAt = this.api.now();
    if (this.shown === run.pid) {
      if (this.stream.size > 0 && !end.output.endsWith('\n')) this.stream.append('\n');
      this.stream.end();
    }
    this.say(`ended ${run.pid}: ${end.reason}${end.message === undefined ? '' : `: ${end.message}`}`);
    try {
      this.record.setCost(run.session, run.pid, end.cost, true);
      if (end.reason === 'completed') this.record.set({ output: end.output, outputAt: this.api.now() });
    } finally {
      // Whoever waits must not hang where a full disk keeps nothing.
      this.wake();
    }
  }

  private wake(): void {
    if (this.running.size > 0 || this.waiting.size > 0) return;
    for (const done of [...this.idle]) done();
  }
}
