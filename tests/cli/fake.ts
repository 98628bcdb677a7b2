/** What the command line asks of the plugins, answered from memory. */

import { parsePath } from '../../core/path.ts';
import type { Plugin } from '../../core/types.ts';
import { AosError, definePlugin, dir, LogBuffer, log, message, tree, value } from '../../plugin-sdk/index.ts';

export interface Fake {
  readonly plugin: Plugin;
  /** Messages that came in, as sent. */
  readonly inbox: Record<string, unknown>[];
  /** What was written to `ctl`, as `PID WORD`. */
  readonly ctl: string[];
  /** The answer of run 7 so far. */
  readonly stdout: LogBuffer;
  /** Ends run 7. */
  end(result: { output: string; exit_code: number; reason?: string; message?: string }): void;
  /** What a message is refused with unless it is forced. */
  refusal: AosError | undefined;
  /** What a dry run says. */
  estimate: { estimate_usd: number | null; low_usd: number | null; high_usd: number | null; basis: string };
}

const CONVERSATION = '2026/11/23/000000-echo-00007';

const RUNS = [
  {
    pid: 7,
    ppid: 0,
    agent: 'echo',
    model: 'mock/default',
    status: 'running',
    started: Date.now() - 65_000,
    cost_usd: 0.25,
    conversation: CONVERSATION,
  },
  {
    pid: 9,
    ppid: 8,
    agent: 'leaf',
    model: 'mock/default',
    status: 'paused',
    started: null,
    cost_usd: 0,
    conversation: 'c9',
  },
  {
    pid: 8,
    ppid: 7,
    agent: 'child',
    model: 'mock/default',
    status: 'running',
    started: Date.now(),
    cost_usd: 0,
    conversation: 'c8',
  },
];

export function fakePlugins(): Fake {
  const inbox: Record<string, unknown>[] = [];
  const ctl: string[] = [];
  const stdout = new LogBuffer(Date.now);
  let finish = (_end: object): void => undefined;
  const ended = new Promise<object>(resolve => {
    finish = resolve;
  });
  const fake: Fake = {
    inbox,
    ctl,
    stdout,
    refusal: undefined,
    estimate: { estimate_usd: 0.01, low_usd: 0.005, high_usd: 0.02, basis: 'mock' },
    end(result) {
      stdout.end();
      finish({ pid: 7, conversation: CONVERSATION, cost_usd: 0.25, reason: 'completed', ...result });
    },
    plugin: definePlugin({
      name: 'fake',
      setup(api) {
        const mount = (path: string, served: ReturnType<typeof tree>): void => {
          api.mount({ path: parsePath(path), tree: served });
        };
        mount('/aos/agents', agents());
        mount('/aos/procs', procs());
        mount('/aos/system', system());
        mount('/aos/tools', tools());
      },
    }),
  };

  function agents(): ReturnType<typeof tree> {
    const names = ['echo', 'busy'];
    return tree({
      '/': dir(() => names),
      '/:name': dir(() => [], {
        exists: ({ name }) => names.includes(name),
        call: ({ name }, request) => (opOf(request) === 'wait' ? { agent: name, status: 'idle' } : undefined),
      }),
      '/:name/status': value({ exists: ({ name }) => names.includes(name), read: () => 'idle\n' }),
      '/:name/inbox': message({
        exists: ({ name }) => names.includes(name),
        accept: ({ name }) => {
          if (name === 'busy')
            throw new AosError('queue_full', { component: 'agents', why: 'the queue holds 100 already' });
        },
        commit: (_args, text) => {
          const sent = JSON.parse(text);
          if (fake.refusal !== undefined && sent.force !== true) throw fake.refusal;
          inbox.push(sent);
          return { pid: 7, conversation: CONVERSATION };
        },
        call: () => fake.estimate,
      }),
    });
  }

  function procs(): ReturnType<typeof tree> {
    return tree({
      '/': dir(() => ['7'], { call: (_args, request) => (opOf(request) === 'list' ? RUNS : undefined) }),
      '/:pid': dir(() => [], {
        exists: ({ pid }) => RUNS.some(run => String(run.pid) === pid),
        call: (_args, request) => (opOf(request) === 'wait' ? ended : undefined),
      }),
      '/:pid/stdout': log(() => stdout),
      '/:pid/ctl': message({
        exists: ({ pid }) => RUNS.some(run => String(run.pid) === pid),
        commit: ({ pid }, text) => {
          ctl.push(`${pid} ${text}`);
          return undefined;
        },
      }),
    });
  }

  function system(): ReturnType<typeof tree> {
    const status = {
      pid: process.pid,
      version: '0.0.0',
      home: '/h',
      mount: '',
      driver: 'none',
      uptime_sec: 61,
      model: 'mock/default',
      runs: 1,
    };
    const spend = { total_usd: 0.25, by: [{ key: 'echo', usd: 0.25, operations: 2 }] };
    const errors = [
      { at: 0, kind: 'denied', errno: 'EACCES', path: '/aos/x', why: 'no grant', remedy: 'ask' },
      { at: 1, kind: 'locked', errno: 'EACCES', path: '/aos/y', why: 'it is locked', remedy: 'unlock it' },
    ];
    const off = { per_sec: 1, resets: null };
    const budgets = [
      { layer: 'velocity', key: 'velocity', used: 3, limit: 0, ...off },
      { layer: 'uid', key: 'uid', used_usd: 0.5, limit_usd: 0, ...off },
      { layer: 'session', key: 'session', used_usd: 0.5, limit_usd: 1, per_sec: null, resets: null },
    ];
    return tree({
      '/': dir(() => ['status', 'spend', 'errors', 'budget']),
      '/budget': value({ read: () => '', call: () => budgets }),
      '/status': value({ read: () => 'ok\n', call: () => status }),
      '/spend': value({ read: () => '', call: () => spend }),
      '/errors': value({ read: () => '', call: () => errors }),
    });
  }

  function tools(): ReturnType<typeof tree> {
    const hits = [{ path: '/aos/memory/tides.md', line: 3, excerpt: 'the  tide\nis high' }];
    return tree({
      '/': dir(() => ['search']),
      '/search/call': value({
        call: (_args, request) => ({ hits: JSON.stringify(request).includes('tide') ? hits : [] }),
      }),
    });
  }

  return fake;
}

function opOf(request: unknown): unknown {
  return typeof request === 'object' && request !== null && 'op' in request ? request.op : undefined;
}
