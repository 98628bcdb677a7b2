/** A small tree behind the real core and the socket door, for tests of the door and of the command line. */

import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, makeClient } from '../../../cli/client.ts';
import { checkConfig } from '../../../core/config.ts';
import { type Core, createCore } from '../../../core/core.ts';
import { AosError } from '../../../core/errors.ts';
import { parsePath } from '../../../core/path.ts';
import type { Identity, Log, Plugin } from '../../../core/types.ts';
import { type SocketDoor, startSocket } from '../../../doors/socket/index.ts';
import {
  callable,
  definePlugin,
  dir,
  diskTree,
  file,
  LogBuffer,
  link,
  log,
  message,
  tree,
  value,
} from '../../../plugin-sdk/index.ts';
import { openStore } from '../../../store/index.ts';
import { type Teardown, tmpDir } from '../../support/dirs.ts';

export interface Subject {
  readonly home: string;
  readonly socket: string;
  readonly door: SocketDoor;
  readonly client: Client;
  readonly core: Core;
  /** What `/aos/probe/log` shows. */
  readonly log: LogBuffer;
  /** What was sent to `/aos/probe/inbox`. */
  readonly sent: string[];
  /** Resolves once `/aos/probe/slow` was interrupted. */
  readonly interrupted: Promise<void>;
  /** Who asked last, as the kernel and /proc say. */
  caller(): { uid: number; gid: number; identity: Identity } | undefined;
}

export interface SubjectOptions {
  readonly grants?: object;
  /** In place of the plugin that serves /aos/agents with one agent, `reader`. */
  readonly plugins?: readonly Plugin[];
}

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

export async function startSubject(t: Teardown, options: SubjectOptions = {}): Promise<Subject> {
  const home = tmpDir(t);
  const store = openStore(join(home, 'aos.db'), { now: Date.now, log: SILENT });
  t.teardown(() => store.close());
  const config = checkConfig(options.grants === undefined ? {} : { grants: options.grants }, 'none', () => undefined);
  const core = createCore({
    owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    state: store.state,
    config,
    now: Date.now,
    log: () => SILENT,
    dir: name => {
      const made = join(home, name);
      mkdirSync(made, { recursive: true });
      return made;
    },
  });
  const buffer = new LogBuffer(Date.now);
  const sent: string[] = [];
  let seen: ReturnType<Subject['caller']>;
  let cut = (): void => undefined;
  const interrupted = new Promise<void>(resolve => {
    cut = resolve;
  });
  const probe = tree({
    '/': dir(() => ['value', 'log', 'inbox', 'ask', 'number', 'broken', 'late', 'whoami', 'slow', 'link']),
    '/value': value({ read: () => 'hello\n' }),
    '/whoami': value({
      read: ({ caller }) => {
        seen = { uid: caller.uid, gid: caller.gid, identity: caller.identity(true) };
        return `${caller.uid}\n`;
      },
    }),
    '/log': log(() => buffer),
    '/inbox': message({
      accept: () => {
        if (sent.length >= 3) throw new AosError('queue_full', { component: 'probe', why: 'it holds 3 already' });
      },
      commit: (_args, text) => {
        sent.push(text);
        return { pid: sent.length, conversation: '2026/01/01/x' };
      },
    }),
    '/ask': callable((_args, request) => `you said ${request}\n`),
    '/number': value({
      read: () => '1\n',
      call: (_args, request) => (request === 'bytes' ? Buffer.from([0, 255]) : { twice: Number(request) * 2 }),
    }),
    '/late': value({ read: () => '', call: (_args, request) => counting(Number(request)) }),
    '/broken': value({
      read: () => {
        throw new AosError('upstream', { component: 'probe', why: 'ünreachable\nservice', remedy: 'wait' });
      },
    }),
    '/slow': file({
      read: ({ signal }) =>
        new Promise<string>((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            cut();
            reject(signal.reason);
          });
        }),
    }),
    '/link': link(() => 'value'),
  });
  await core.plugins.admit([
    definePlugin({
      name: 'probe',
      setup(api) {
        api.mount({ path: parsePath('/aos'), tree: tree({ '/': dir(() => []) }) });
        api.mount({ path: parsePath('/aos/probe'), tree: probe });
        api.mount({
          path: parsePath('/aos/memory'),
          tree: diskTree(api.dir('memory'), { component: 'memory' }),
        });
      },
    }),
    ...(options.plugins ?? [agents]),
  ]);
  const socket = join(home, `${randomUUID().slice(0, 8)}.sock`);
  const door = await startSocket(core.door('socket'), { path: socket, extra: { '/health': () => ({ ok: true }) } });
  t.teardown(() => door.stop());
  const client = makeClient(socket);
  return { home, socket, door, client, core, log: buffer, sent, interrupted, caller: () => seen };
}

async function* counting(count: number): AsyncGenerator<number> {
  for (let i = 1; i <= count; i++) yield i;
  if (count > 2) throw new AosError('budget', { component: 'probe', why: 'that was enough', remedy: 'ask for less' });
}

/** One agent that may only read. */
const agents = definePlugin({
  name: 'agents',
  setup(api) {
    const grants = [{ verbs: ['stat', 'list', 'read'], path: '/aos/**' }];
    const reader = dir(() => [], { call: () => ({ name: 'agent reader', grants }) });
    api.mount({ path: parsePath('/aos/agents'), tree: tree({ '/': dir(() => ['reader']), '/reader': reader }) });
  },
});
