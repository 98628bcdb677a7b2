/** All turns: those being written now, those on the disk, and the index over their texts. */

import { join } from 'node:path';
import { type Maybe, type PluginApi, parsePath, type RunEvent, type RunInfo, then } from '../plugin-sdk/index.ts';
import { Catalogue } from './catalogue.ts';
import { Recorder } from './recorder.ts';
import { recover } from './recover.ts';
import { Scan } from './scan.ts';
import { transcriptOf } from './transcript.ts';
import { type Meta, readMeta, treePath, turnOf } from './turn.ts';

/** After the daemon's start; sooner when a view is looked at. */
const SCAN_DELAY_MS = 2_000;
/** Ended runs that are looked at after a start: their records may have been cut short. */
const RECENT_MAX = 50;
/** Says that the index was filled from the disk once. */
const INDEXED = ['conversations', 'indexed'] as const;

type At<K extends RunEvent['kind']> = Extract<RunEvent, { kind: K }>;

export class Records {
  readonly catalogue = new Catalogue();
  private readonly root: string;
  private readonly api: PluginApi;
  private readonly active = new Map<string, Recorder>();
  /** By aos pid: a sub-run names its parent's turn. */
  private readonly turns = new Map<number, string>();
  private readonly scan: Scan;
  private readonly rebuild: boolean;

  constructor(root: string, api: PluginApi) {
    this.root = root;
    this.api = api;
    this.rebuild = api.state.index.count() === 0 || api.state.keys.get(...INDEXED) === undefined;
    this.scan = new Scan({
      root,
      log: api.log,
      signal: api.signal,
      found: (turn, meta) => this.found(turn, meta),
      finished: () => this.finished(),
    });
  }

  isActive(turn: string): boolean {
    return this.active.has(turn);
  }

  /** Undefined once the catalogue holds what is on the disk. */
  ready(): Maybe<void> {
    return this.scan.ready();
  }

  /**
   * Ends what a dead daemon left unfinished: of runs that the process table says have ended. Those that it still says are
   * running end when it has said how, and at what cost.
   */
  start(): void {
    for (const row of this.api.state.runs.recent(RECENT_MAX)) {
      const meta = turnOf(row.conversation) && readMeta(join(this.root, row.conversation));
      if (meta && meta.outcome === 'running') this.heal(row.conversation, meta);
    }
    this.scan.later(SCAN_DELAY_MS);
  }

  /** What happens in a run. A record that cannot be written stops no run, and is said. */
  take(event: RunEvent): void {
    try {
      if (event.kind === 'started') this.begin(event);
      else if (event.kind === 'context') this.goOn(event);
      else if (event.kind === 'trace') this.active.get(event.run.conversation)?.trace(event.event);
      else if (event.kind === 'ended') this.end(event);
    } catch (thrown) {
      this.failed(event.run, thrown);
    }
  }

  /** Gives the meta of a turn that says it is running while no run of this daemon writes it, once it is ended. */
  heal(turn: string, meta: Meta): Meta | undefined {
    if (this.isActive(turn)) return undefined;
    try {
      const row = this.api.state.runs.get(meta.pid);
      const own = row?.conversation === turn ? row : undefined;
      const healed = recover(this.root, turn, meta, own, this.api.now());
      // Only the directory says that a run wrote it.
      if (healed === meta) return undefined;
      this.catalogue.put(turn, healed);
      this.index(turn);
      return healed;
    } catch (thrown) {
      this.api.log.error({ turn, error: String(thrown) }, `conversations: the interrupted ${turn} could not be ended`);
      return undefined;
    }
  }

  private begin(event: At<'started'>): Recorder {
    const { run, at } = event;
    const parent = run.ppid === 0 ? undefined : this.turnOfPid(run.ppid);
    const recorder = new Recorder(this.root, run, at, parent === undefined ? null : treePath(parent));
    this.active.set(run.conversation, recorder);
    this.turns.set(run.pid, run.conversation);
    if (parent !== undefined) this.active.get(parent)?.addChild(treePath(run.conversation));
    this.catalogue.put(run.conversation, recorder.meta);
    this.readConfig(run, recorder);
    return recorder;
  }

  private goOn({ run, chain, forkedFrom }: At<'context'>): void {
    const from = forkedFrom === null ? null : treePath(forkedFrom);
    this.active.get(run.conversation)?.goOn(chain, from);
  }

  private end(event: At<'ended'>): void {
    const { run, end, at } = event;
    if (!this.isActive(run.conversation)) {
      // Of an earlier daemon: its record is ended by now, or is so here.
      const meta = readMeta(join(this.root, run.conversation));
      if (meta !== undefined) {
        if (meta.outcome === 'running') this.heal(run.conversation, meta);
        return;
      }
    }
    const recorder = this.active.get(run.conversation) ?? this.begin({ kind: 'started', run, at });
    try {
      this.catalogue.put(run.conversation, recorder.end(end, at, run.model));
    } finally {
      recorder.close();
      this.active.delete(run.conversation);
      this.turns.delete(run.pid);
    }
    this.api.state.index.put(treePath(run.conversation), `${run.prompt}\n\n${end.output}`);
  }

  private turnOfPid(pid: number): string | undefined {
    return this.turns.get(pid) ?? this.api.state.runs.get(pid)?.conversation;
  }

  /** The configuration is another plugin's; it is met by path. */
  private readConfig(run: RunInfo, recorder: Recorder): void {
    const { aos, self } = this.api;
    const keep = (bytes: Uint8Array): void => recorder.setConfig(bytes);
    const none = (): void =>
      this.api.log.debug({ agent: run.agent }, `conversations: ${run.agent} has no config.yaml to hash`);
    try {
      const bytes = then(aos.read(self, parsePath(`/aos/agents/${run.agent}/config.yaml`)), keep);
      if (bytes instanceof Promise) bytes.catch(none);
    } catch {
      none();
    }
  }

  private found(turn: string, meta: Meta): void {
    if (this.isActive(turn)) return;
    if (meta.outcome === 'running') {
      this.heal(turn, meta);
      return;
    }
    this.catalogue.put(turn, meta);
    if (this.rebuild) this.index(turn);
  }

  private index(turn: string): void {
    const { prompt, output } = transcriptOf(join(this.root, turn));
    this.api.state.index.put(treePath(turn), `${prompt}\n\n${output}`);
  }

  private finished(): void {
    if (this.rebuild) this.api.state.keys.set(...INDEXED, String(this.api.now()));
  }

  private failed(run: RunInfo, thrown: unknown): void {
    const { pid, conversation } = run;
    const recorder = this.active.get(conversation);
    if (recorder?.failed) return;
    if (recorder !== undefined) recorder.failed = true;
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    this.api.log.error(
      { pid, conversation, error: why },
      `conversations: the record of ${conversation} is incomplete: ${why}; see that the disk of AOS_HOME can be written`,
    );
  }
}
