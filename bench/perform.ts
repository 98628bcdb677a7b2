/** The gate itself, in process: one free, unlocked value file, read by a user and by an agent whose rights are several sets. */

import { join } from 'node:path';
import { DEFAULT_CONFIG } from '../core/config.ts';
import { createCore } from '../core/core.ts';
import { isPromise } from '../core/maybe.ts';
import { parsePath } from '../core/path.ts';
import type { Authority, Caller, Log, Verb } from '../core/types.ts';
import { definePlugin, tree, value } from '../plugin-sdk/index.ts';
import { openStore } from '../store/index.ts';
import { type Teardown, tmpDir } from '../tests/support/dirs.ts';
import { perCall } from './measure.ts';
import type { Row } from './table.ts';

const BATCH = 1000;

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {} };
const READ: readonly Verb[] = ['stat', 'list', 'read'];

export async function benchPerform(t: Teardown): Promise<Row[]> {
  const dir = tmpDir(t);
  const { state, close } = openStore(join(dir, 'aos.db'), { now: Date.now, log: quiet });
  t.teardown(close);
  const core = createCore({
    owner: { uid: 0, gid: 0 },
    state,
    config: DEFAULT_CONFIG,
    now: Date.now,
    log: () => quiet,
    dir: name => join(dir, name),
  });
  await core.plugins.admit([plugin]);
  const path = parsePath('/aos/bench/status');
  const [user, agent] = [caller(USER), caller([...USER, ...AGENT])];
  const gate = () => core.vfs.perform(user, 'read', path, (mount, rest, op) => read(mount.tree.node(rest, op), op));
  return [
    row('perform, read of a value', batches(gate), 2),
    row(
      'perform, with an agent in between',
      batches(() => core.vfs.perform(agent, 'read', path, (mount, rest, op) => read(mount.tree.node(rest, op), op))),
    ),
    row(
      'stat through the tree',
      batches(() => core.aos.stat(user, path)),
    ),
    row(
      'open, read, close through the tree',
      batches(() => core.aos.read(user, path)),
    ),
  ];
}

const plugin = definePlugin({
  name: 'bench',
  setup(api) {
    api.mount({ path: parsePath('/aos/bench'), tree: tree({ '/status': value({ read: () => 'idle\n' }) }) });
  },
});

const USER: Authority = [
  {
    name: 'the user',
    grants: [
      { verbs: READ, path: '/aos/memory/**' },
      { verbs: READ, path: '/aos/conversations/**' },
      { verbs: READ, path: '/aos/**' },
    ],
  },
];
const AGENT: Authority = [{ name: 'agent researcher', grants: [{ verbs: READ, path: '/aos/**' }] }];

function caller(authority: Authority): Caller {
  const identity = { pid: 1, startTime: 1, sid: 1, tty: 0, comm: 'bench' };
  return { uid: 1000, gid: 1000, door: 'kernel', authority, identity: () => identity };
}

/** The plugin's own part: what it would do for any caller. */
function read(node: unknown, op: unknown): unknown {
  if (typeof node !== 'object' || node === null || !('read' in node) || typeof node.read !== 'function') {
    throw new Error('the benchmark found no value at its path');
  }
  return node.read(op);
}

/** Microseconds per call: the median over batches. Throws where an answer does not come at once. */
function batches(op: () => unknown): number {
  if (isPromise(op())) throw new Error('a free value has to be answered at once');
  return perCall(BATCH, op);
}

function row(measure: string, ours: number, goal?: number): Row {
  return { measure, unit: 'µs', ours, goal: goal === undefined ? { kind: 'none' } : { kind: 'below', value: goal } };
}
