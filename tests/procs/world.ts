/** A whole core with the plugins under test, a scripted model and scripted tools, and the state in a directory of its own. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { agentsPlugin } from '../../agents/index.ts';
import { builtinBackends } from '../../backends/index.ts';
import { conversationsPlugin } from '../../conversations/index.ts';
import { everything } from '../../core/capabilities/grant.ts';
import { DEFAULT_CONFIG } from '../../core/config.ts';
import { type Core, createCore } from '../../core/core.ts';
import { AosError } from '../../core/errors.ts';
import { parsePath } from '../../core/path.ts';
import type { Caller, Config, GrantSet, Log, Op, Plugin, PluginApi, RunEvent, Verb } from '../../core/types.ts';
import { memoryPlugin } from '../../memory/index.ts';
import { modelsPlugin } from '../../models/index.ts';
import { definePlugin, dir, type ModelCall, type PricedEvent, tree } from '../../plugin-sdk/index.ts';
import { procsPlugin } from '../../procs/index.ts';
import { openStore } from '../../store/index.ts';
import { toolsPlugin } from '../../tools/index.ts';

export type Model = (request: ModelCall, op: Op) => AsyncIterable<PricedEvent>;
export type Tool = (op: Op, args: unknown) => unknown;

export interface Script {
  model: Model;
  tools?: Record<string, Tool>;
  /** Milliseconds that the clock of the core is ahead. */
  ahead?: number;
  /** USD for a million tokens; free and local where left out. */
  pricing?: { input_per_1m: number; output_per_1m: number };
  /** What the gate holds for a call on the model, in micro-dollars, and what the call waits for before it answers. */
  held?: { max: number; until: Promise<void> };
  /** The real models and tools instead of scripted ones, with this configuration; `mock` are the lines of the mock's file. */
  real?: { config?: Partial<Config>; mock?: readonly object[]; pricing?: object };
}

export interface World {
  readonly home: string;
  readonly core: Core;
  readonly script: Script;
  readonly events: RunEvent[];
  /** Every request the model got. */
  readonly asked: ModelCall[];
  as(uid: number, ...sets: GrantSet[]): Caller;
  read(path: string, caller?: Caller): Promise<string>;
  write(path: string, text: string, caller?: Caller): Promise<unknown>;
  list(path: string): Promise<string[]>;
  call(path: string, request: unknown, caller?: Caller): Promise<unknown>;
  /** Sends a message and gives the receipt's pid. */
  send(agent: string, text: string, caller?: Caller): Promise<number>;
  wait(pid: number, caller?: Caller): Promise<Record<string, unknown>>;
  /** As a stop of the daemon does. */
  drain(): Promise<void>;
  /** Forgets everything in memory, as a killed process does. The home stays. */
  crash(): void;
}

const QUIET: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** The users of the tests may do everything, where a test does not say less. */
const EVERYONE = Object.fromEntries([5, 6, 7, 8, 9].map(uid => [String(uid), everything('').grants]));

/** Set AOS_TEST_LOG to see what the plugins complain of. */
const LOG: Log =
  process.env.AOS_TEST_LOG === undefined
    ? QUIET
    : { ...QUIET, warn: (f, m) => console.error(m, f), error: (f, m) => console.error(m, f) };

export function makeHome(): string {
  return mkdtempSync(join(tmpdir(), 'aos-runs-'));
}

export async function openWorld(home: string, script: Script): Promise<World> {
  const now = (): number => Date.now() + (script.ahead ?? 0);
  const store = openStore(join(home, 'aos.db'), { now, log: LOG });
  const core = createCore({
    owner: { uid: 0, gid: 0 },
    state: store.state,
    config: { ...DEFAULT_CONFIG, grants: EVERYONE, ...realConfig(home, script) },
    now,
    log: () => LOG,
    dir: name => {
      const path = join(home, name);
      mkdirSync(path, { recursive: true });
      return path;
    },
  });
  const events: RunEvent[] = [];
  const asked: ModelCall[] = [];
  const listener = definePlugin({ name: 'listener', setup: api => api.tap.run(event => void events.push(event)) });
  await core.plugins.admit([
    listener,
    ...(script.real === undefined
      ? [modelsFake(script, asked), toolsFake(script)]
      : [modelsPlugin(builtinBackends, { AOS_PROBE: '0' }), toolsPlugin]),
    memoryPlugin,
    conversationsPlugin,
    agentsPlugin,
    procsPlugin,
  ]);
  const as = (uid: number, ...sets: GrantSet[]): Caller => caller(uid, sets);
  const root = as(0);
  const { aos } = core;
  const read = async (path: string, who = root): Promise<string> =>
    Buffer.from(await aos.read(who, parsePath(path))).toString();
  const write = async (path: string, text: string, who = root): Promise<unknown> =>
    aos.write(who, parsePath(path), Buffer.from(text));
  const call = async (path: string, request: unknown, who = root): Promise<unknown> =>
    aos.call(who, parsePath(path), request);
  return {
    home,
    core,
    script,
    events,
    asked,
    as,
    read,
    write,
    call,
    list: async path => [...(await aos.list(root, parsePath(path)))].map(entry => entry.name),
    send: async (agent, text, who) => Number(field(await write(`/aos/agents/${agent}/inbox`, text, who), 'pid')),
    wait: async (pid, who) => record(await call(`/aos/procs/${pid}`, { op: 'wait' }, who)),
    drain: async () => core.hooks.tellStop(),
    crash: () => {
      for (const name of ['procs', 'agents', 'conversations', 'memory', 'models', 'tools', 'listener']) {
        core.plugins.withdraw(name);
      }
      store.close();
    },
  };
}

function realConfig(home: string, { real }: Script): Partial<Config> {
  if (real === undefined) return {};
  const { config, mock, pricing } = real;
  const file = join(home, 'mock.jsonl');
  writeFileSync(file, (mock ?? []).map(line => `${JSON.stringify(line)}\n`).join(''));
  return { model: 'mock/default', backends: { mock: { file, ...(pricing && { pricing }) } }, ...config };
}

export function dropHome(home: string): void {
  rmSync(home, { recursive: true, force: true });
}

/** The store as the plugins have it. */
export async function storeOf(w: World): Promise<PluginApi['state']> {
  const apis: PluginApi[] = [];
  await w.core.plugins.admit([definePlugin({ name: 'peek', setup: api => void apis.push(api) })]);
  const [api] = apis;
  if (api === undefined) throw new Error('the plugin was not set up');
  return api.state;
}

/** Looks again and again until it holds; fails after five seconds. */
export async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`never came about: ${what}`);
    await new Promise(resolve => setImmediate(resolve));
  }
}

/** A model that says these words and is done. */
export function saying(...words: string[]): Model {
  return async function* () {
    for (const text of words) yield { kind: 'text', text };
    yield { kind: 'done', reason: 'stop' };
  };
}

/** Says one word, then nothing until it is told to go on. */
export function held(word: string): { model: Model; release(): void; begun: Promise<void> } {
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  return {
    begun: begun.promise,
    release: () => gate.resolve(),
    async *model() {
      yield { kind: 'text', text: word };
      begun.resolve();
      await gate.promise;
      yield { kind: 'text', text: ' end' };
      yield { kind: 'done', reason: 'stop' };
    },
  };
}

export function record(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new Error(`not an object: ${String(value)}`);
  return { ...value };
}

export function field(value: unknown, key: string): unknown {
  return record(value)[key];
}

function caller(uid: number, sets: readonly GrantSet[]): Caller {
  const identity = { pid: 4000 + uid, startTime: 1, sid: 4000, tty: 0, comm: 'test' };
  const authority = sets.length === 0 ? [everything(`uid ${uid}`)] : sets;
  return { uid, gid: uid, door: 'socket', authority, identity: () => identity };
}

function modelsFake(script: Script, asked: ModelCall[]): Plugin {
  return definePlugin({
    name: 'models',
    setup(api) {
      const known = tree({
        '/': dir(() => ['fake'], { call: (op, request) => resolve(script, op, request) }),
        '/:provider': dir(() => ['one']),
        '/:provider/:model': dir(() => [], {
          call: (op, request) => {
            const call = request as ModelCall;
            asked.push(call);
            const { held: wait } = script;
            return wait === undefined ? script.model(call, op) : wait.until.then(() => script.model(call, op));
          },
        }),
      });
      const price = (verb: Verb, rest: string): number =>
        verb === 'call' && rest !== '' ? (script.held?.max ?? 0) : 0;
      api.mount({ path: parsePath('/aos/models'), tree: known, price });
    },
  });
}

function resolve(script: Script, op: Op, request: unknown): object {
  const model = String(field(request, 'model') ?? 'fake/one');
  if (model !== 'fake/one') {
    throw new AosError('not_found', {
      component: 'models',
      path: op.path,
      why: `no model ${model}`,
      remedy: 'did you mean fake/one?',
    });
  }
  const pricing = script.pricing ?? null;
  return { name: 'one', path: '/aos/models/fake/one', why: 'a test', pricing, local: pricing === null };
}

function toolsFake(script: Script): Plugin {
  return definePlugin({
    name: 'tools',
    setup(api) {
      const specs = (names: unknown): object[] =>
        Array.isArray(names) ? names.map(name => ({ name: String(name), description: '', parameters: {} })) : [];
      const routes = tree({
        '/': dir(() => Object.keys(script.tools ?? {}), { call: (_op, request) => specs(field(request, 'names')) }),
        '/:tool': dir(() => [], {
          exists: args => script.tools?.[args.tool] !== undefined,
          call: (args, request) => script.tools?.[args.tool]?.(args, request),
        }),
      });
      api.mount({ path: parsePath('/aos/tools'), tree: routes });
    },
  });
}

/** A world that ends with the test, and its home with it. */
export async function worldFor(t: ExecutionContext, script: Script, home: string = makeHome()): Promise<World> {
  const opened = await openWorld(home, script);
  t.teardown(() => {
    opened.crash();
    dropHome(home);
  });
  return opened;
}
