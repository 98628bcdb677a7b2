/** The composition root: the one place that knows every door, every plugin and the store, and puts them together. */

import { accessSync, closeSync, constants, fstatSync, mkdirSync, writeSync } from 'node:fs';
import { uptime } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { agentsPlugin } from '../agents/index.ts';
import { builtinBackends } from '../backends/index.ts';
import { channelsPlugin } from '../channels/index.ts';
import { conversationsPlugin } from '../conversations/index.ts';
import { writtenConfig } from '../core/config.ts';
import { type Core, createCore } from '../core/core.ts';
import { AosError, asAosError } from '../core/errors.ts';
import { parsePath } from '../core/path.ts';
import type { Aos, Config, Log } from '../core/types.ts';
import { type FuseDoor, startFuse } from '../doors/fuse/index.ts';
import { startSocket } from '../doors/socket/index.ts';
import type { StreamHandler } from '../doors/stream.ts';
import { etcPlugin } from '../etc/index.ts';
import { manPlugin } from '../man/index.ts';
import { memoryPlugin } from '../memory/index.ts';
import { modelsPlugin } from '../models/index.ts';
import { mountsPlugin } from '../mounts/index.ts';
import { procsPlugin } from '../procs/index.ts';
import { openStore } from '../store/index.ts';
import { systemPlugin } from '../system/index.ts';
import { toolsPlugin } from '../tools/index.ts';
import { loadConfig } from './config.ts';
import { type Env, logFile, resolveEnv } from './env.ts';
import { takeHome } from './home.ts';
import { openLog } from './log.ts';
import { reloader } from './reload.ts';
import { type Stop, stopper } from './stop.ts';
import { version } from './version.ts';

const MODELS = parsePath('/aos/models');

interface Flags {
  readonly mount: string | undefined;
  readonly driver: 'kernel' | 'fuse-native';
  readonly allowOther: boolean;
  readonly mock: string | undefined;
  readonly fuse: boolean;
  readonly foreground: boolean;
}

/** Starts everything, says on descriptor 3 how it went, and serves until a signal or an unmount. */
export async function serve(args: readonly string[]): Promise<void> {
  const env = resolveEnv();
  let daemon: Daemon;
  try {
    daemon = await start(env, readFlags(args));
  } catch (thrown) {
    const error = asAosError(thrown, 'daemon');
    if (!tell({ ok: false, error })) process.stderr.write(`${error.message}\n`);
    process.exitCode = error.exitCode;
    // Whatever was started before it failed must not keep the process.
    process.exit();
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void daemon.stop(signal));
  process.on('SIGHUP', () => void daemon.reload());
  process.on('unhandledRejection', error => daemon.log.error({ err: error }, 'a promise was left to fail'));
  process.on('uncaughtException', error => {
    daemon.log.error({ err: error }, 'an error nobody expected');
    void daemon.stop('uncaughtException', 1);
  });
}

function readFlags(args: readonly string[]): Flags {
  const { values } = parseArgs({
    args: [...args],
    options: {
      mount: { type: 'string' },
      driver: { type: 'string', default: 'kernel' },
      'allow-other': { type: 'boolean', default: false },
      mock: { type: 'string' },
      'no-fuse': { type: 'boolean', default: false },
      foreground: { type: 'boolean', default: false },
    },
  });
  return {
    mount: values.mount,
    driver: values.driver === 'fuse-native' ? 'fuse-native' : 'kernel',
    allowOther: values['allow-other'],
    mock: values.mock && resolve(values.mock),
    fuse: !values['no-fuse'],
    foreground: values.foreground,
  };
}

interface Daemon {
  readonly log: Log;
  /** Reads the configuration again. */
  reload(): Promise<void>;
  readonly stop: Stop;
}

async function start(env: Env, flags: Flags): Promise<Daemon> {
  takeHome(env.home);
  const from = process.cwd();
  const { config, file } = await loadConfig(env.config, from);
  const logs = openLog(logFile(env), config.log.level);
  const log = logs('daemon');
  const store = openStore(`${env.home}/aos.db`, { now: Date.now, log: logs('store') });
  let fuse: FuseDoor | undefined;
  const core = createCore({
    owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    state: store.state,
    config: withMock(config, flags.mock),
    booted: Date.now() - uptime() * 1000,
    now: Date.now,
    log: logs,
    dir: name => dirBelow(env.home, name),
  });
  const mounted = (): string => fuse?.mountpoint ?? '';
  await admitAll(core, { env, mount: mounted, driver: () => fuse?.driver ?? 'none' });
  const model = await modelName(core, { model: config.model, file });
  const socket = await startSocket(core.door('socket'), {
    path: env.socket,
    streams: { '/shell': shellOver(core.aos) },
  });
  if (flags.fuse) {
    try {
      const mountpoint = flags.mount ?? env.mount;
      fuse = await startFuse(core.door('fuse'), { mountpoint, driver: flags.driver, allowOther: flags.allowOther });
    } catch (thrown) {
      await socket.stop();
      store.close();
      throw thrown;
    }
  }
  log.info({ pid: process.pid, home: env.home, mount: mounted(), config: file }, 'started');
  let known = file;
  const configured = reloader({
    file,
    load: async () => {
      // The file that was found, and no other in its place; only where there was none is it looked for again.
      const found = await loadConfig(known, from);
      known = found.file;
      return { ...found, config: withMock(found.config, flags.mock) };
    },
    current: () => core.config(),
    apply: next => core.reconfigure(next),
    log,
  });
  const stop = stopper({
    drain: () => core.hooks.tellStop(),
    steps: [
      { what: 'leaving the configuration', act: () => configured.stop() },
      { what: 'unmounting', act: () => fuse?.stop() },
      { what: 'closing the socket', act: () => socket.stop() },
      { what: 'withdrawing the plugins', act: () => core.plugins.withdrawAll() },
      { what: 'closing the store', act: () => store.close() },
    ],
    log,
    exit: code => process.exit(code),
  });
  if (fuse !== undefined) void fuse.gone.then(() => stop('unmounted'));
  // What was named from where it was started is found: now it keeps no directory in use, least of all one in its own mount.
  process.chdir('/');
  tell({
    ok: true,
    pid: process.pid,
    mount: mounted(),
    driver: fuse?.driver ?? 'none',
    model,
    fuse: fuse !== undefined,
    ...(store.moved !== undefined && { warning: `store: what was no database is now ${store.moved}` }),
  });
  return { log, reload: () => configured.reload(), stop };
}

/** A shell over the tree, loaded when the first is opened. */
function shellOver(aos: Aos): StreamHandler {
  return async exchange => {
    const { shellHandler } = await import('../doors/shell/serve.ts');
    await shellHandler(aos)(exchange);
  };
}

interface Place {
  readonly env: Env;
  mount(): string;
  driver(): string;
}

function admitAll(core: Core, place: Place): Promise<void> {
  const { home } = place.env;
  const system = systemPlugin({
    pid: process.pid,
    version: version(),
    home,
    mount: place.mount,
    driver: place.driver,
    config: () => core.config(),
    written: () => writtenConfig(core.config()),
    policy: core.policy,
  });
  return core.plugins.admit([
    modelsPlugin(builtinBackends),
    toolsPlugin,
    memoryPlugin,
    etcPlugin,
    conversationsPlugin,
    procsPlugin,
    agentsPlugin,
    channelsPlugin,
    mountsPlugin,
    manPlugin,
    system,
  ]);
}

/** `--mock FILE` makes the mock backend's file the default model. */
function withMock(config: Config, mock: string | undefined): Config {
  if (mock === undefined) return config;
  try {
    accessSync(mock, constants.R_OK);
  } catch (thrown) {
    const error = asAosError(thrown, 'daemon', mock);
    const remedy = 'give --mock a file with one JSON object a line';
    throw new AosError(error.kind, { component: 'daemon', path: mock, why: error.why, remedy, cause: thrown });
  }
  const options = { ...config.backends.mock, file: mock };
  return Object.freeze({ ...config, model: 'mock/default', backends: { ...config.backends, mock: options } });
}

/** The default model's name, asked before a door opens. Throws `invalid` where the configuration names one that there is not. */
async function modelName(core: Core, from: { model: string | undefined; file: string | undefined }): Promise<string> {
  try {
    const found = await core.aos.call(core.self, MODELS, { op: 'resolve' });
    return typeof found === 'object' && found !== null && 'name' in found ? String(found.name) : 'unknown';
  } catch (cause) {
    const { kind, why } = asAosError(cause, 'models', MODELS);
    if (kind !== 'not_found' || from.model === undefined) throw cause;
    throw new AosError('invalid', {
      component: 'config',
      path: from.file,
      why: `"model" is "${from.model}": ${why}`,
      remedy: 'correct it, or remove the key',
      cause,
    });
  }
}

function dirBelow(home: string, name: string): string {
  const dir = `${home}/${name}`;
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  return dir;
}

/** Readiness, for whoever started the daemon: one JSON line on descriptor 3, where it is a pipe. False where nobody listens. */
function tell(answer: { ok: true; [field: string]: unknown } | { ok: false; error: AosError }): boolean {
  try {
    if (!fstatSync(3).isFIFO() && !fstatSync(3).isSocket()) return false;
    writeSync(3, `${JSON.stringify(answer)}\n`);
    closeSync(3);
    return true;
  } catch {
    // Started by hand or by a service manager.
    return false;
  }
}
