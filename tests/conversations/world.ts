/** A core with real plugins over a temporary home, and runs that are told rather than run. */

import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { type Core, createCore } from '../../core/core.ts';
import { parsePath } from '../../core/path.ts';
import type { Config, Entry, Maybe, Plugin, RunEnd, RunEvent, RunInfo, Stat, State } from '../../core/types.ts';
import { openStore } from '../../store/index.ts';

export const START = Date.UTC(2026, 10, 23, 14, 22, 33);
export const END = START + 45_000;

const OFF = { usd: 0, per: 0 };
const CONFIG: Config = {
  aliases: {},
  backends: {},
  grants: {},
  ceilings: {},
  audit: { reads: false, file_bytes_max: 4096 },
  budgets: { pid: OFF, session: OFF, uid: OFF, global: OFF, velocity: 0, agents: {}, subtree: {} },
  plugins: [],
  log: { level: 'error' },
};

export interface World {
  readonly home: string;
  readonly core: Core;
  readonly state: State;
  /** Errors and warnings that were logged. */
  readonly said: string[];
  tell(event: RunEvent): void;
  /** Accepts a run in the store, as the agents' inbox does. */
  accept(change?: { agent?: string; session?: string; prompt?: string; ppid?: number }): RunInfo;
  begin(run: RunInfo): void;
  text(run: RunInfo, text: string): void;
  trace(run: RunInfo, type: string, fields: object): void;
  end(run: RunInfo, change?: Partial<RunEnd>): void;
  read(path: string): Promise<string>;
  write(path: string, text: string): Promise<void>;
  names(path: string): Promise<string[]>;
  stat(path: string): Promise<Stat>;
  /** As after SIGKILL: nothing is told to anybody. */
  crash(): void;
}

export async function world(t: ExecutionContext, plugins: readonly Plugin[], home = newHome(t)): Promise<World> {
  const said: string[] = [];
  const quiet = (): void => {};
  const say = (_: object, message: string): void => void said.push(message);
  const log = { debug: quiet, info: quiet, warn: say, error: say };
  const { state, close } = openStore(join(home, 'aos.db'), { now: () => START, log });
  const dir = (name: string): string => {
    mkdirSync(join(home, name), { recursive: true });
    return join(home, name);
  };
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const core = createCore({ owner, state, config: CONFIG, now: () => START, log: () => log, dir });
  let tell: (event: RunEvent) => void = quiet;
  const teller: Plugin = {
    name: 'teller',
    setup(api) {
      tell = event => api.announce(event);
    },
  };
  await core.plugins.admit([...plugins, teller]);
  const crash = (): void => {
    for (const plugin of plugins) core.plugins.withdraw(plugin.name);
    close();
  };
  t.teardown(crash);
  const { aos, self } = core;

  const accept: World['accept'] = ({
    agent = 'researcher',
    session = 's1',
    prompt = 'Why is the sky blue?',
    ppid = 0,
  } = {}) => {
    const { uid, gid } = owner;
    const run = { agent, ppid, uid, gid, session, model: 'mock/one', key: undefined, accepted: START, body: '{}' };
    const row = state.runs.accept(run, 100, 0)?.row;
    if (row === undefined) throw new Error('the queue is full');
    return { pid: row.pid, ppid, agent, model: row.model, conversation: row.conversation, session, prompt, uid };
  };
  const begin = (run: RunInfo): void => {
    state.runs.update(run.pid, { state: 'running', started: START });
    tell({ kind: 'started', run, at: START });
  };
  const trace = (run: RunInfo, type: string, fields: object): void =>
    tell({ kind: 'trace', run, event: { v: 1, ts: new Date(START).toISOString(), type, ...fields } });
  const end: World['end'] = (run, change = {}) => {
    const usage = { input: 10, cacheRead: null, cacheWrite: null, output: 20 };
    const done = { code: 0, reason: 'completed', output: 'Because.', cost: 470_000, usage, durationMs: 45_000 };
    state.runs.update(run.pid, { state: 'ended', ended: END, code: 0, reason: change.reason ?? 'completed' });
    tell({ kind: 'ended', run, end: { ...done, ...change }, at: END });
  };
  return {
    home,
    core,
    state,
    said,
    tell: event => tell(event),
    accept,
    begin,
    trace,
    text: (run, text) => trace(run, 'text', { text }),
    end,
    read: async path => Buffer.from(await aos.read(self, parsePath(path))).toString(),
    write: async (path, text) => void (await aos.write(self, parsePath(path), Buffer.from(text))),
    names: async path => namesOf(await (aos.list(self, parsePath(path)) as Maybe<Entry[]>)),
    stat: async path => aos.stat(self, parsePath(path)),
    crash,
  };
}

export function newHome(t: ExecutionContext): string {
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'aos-home-')));
  t.teardown(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

function namesOf(entries: readonly Entry[]): string[] {
  return entries.map(entry => entry.name).sort();
}
