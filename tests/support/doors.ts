/**
 * The same act through each door, as whoever has a given authority: `ok`, or the errno's name. All three stand over one core in
 * this process; only the kernel's client is a process of its own, because this one must never wait for its own mount.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { makeClient } from '../../cli/client.ts';
import type { Core } from '../../core/core.ts';
import { asAosError, ERRNO } from '../../core/errors.ts';
import type { Authority, DoorApi, Verb } from '../../core/types.ts';
import { startFuse } from '../../doors/fuse/index.ts';
import { makeCaller } from '../../doors/identity.ts';
import { saidOf } from '../../doors/shell/errors.ts';
import { runShell } from '../../doors/shell/index.ts';
import { startSocket } from '../../doors/socket/index.ts';
import { tmpDir } from './dirs.ts';
import { atEnd, type Teardown } from './ending.ts';

const CLIENT = join(import.meta.dirname, 'doors-client.ts');
/** A mount that does not answer is taken away after this long. */
const WATCHDOG_MS = 20_000;

export interface DoorClient {
  readonly name: 'kernel' | 'socket' | 'shell';
  /** `write` and `create` do what `echo x > path` does; `call` asks a call file. */
  act(verb: Verb, path: string, authority: Authority): Promise<string>;
}

/** What a test's core offers beyond `Core` is of no interest here. */
type DoorCore = Pick<Core, 'door' | 'aos'>;

/** Over a socket of its own. */
export async function viaSocket(t: Teardown, core: DoorCore): Promise<DoorClient> {
  const acting = new Acting(core.door('socket'));
  const path = join(tmpDir(t), 's');
  const door = await startSocket(acting.api, { path });
  t.teardown(() => door.stop());
  const client = makeClient(path);
  const asks: Readonly<Record<Verb, (path: string) => Promise<unknown>>> = {
    stat: at => client.json({ method: 'GET', path: at, query: { stat: '1' } }),
    list: at => client.json({ method: 'GET', path: at, query: { list: '1' } }),
    read: at => client.ask({ method: 'GET', path: at }),
    write: at => client.ask({ method: 'PUT', path: at, body: Buffer.from('x\n') }),
    create: at => client.ask({ method: 'PUT', path: at, body: Buffer.from('x\n') }),
    remove: at => client.ask({ method: 'DELETE', path: at }),
    call: at => client.call(at, 'x'),
  };
  return {
    name: 'socket',
    act: (verb, at, authority) => acting.as(authority, () => outcome(() => asks[verb](at))),
  };
}

/** In process, by a script of one command. */
export async function viaShell(_t: Teardown, core: DoorCore): Promise<DoorClient> {
  const scripts: Readonly<Record<Verb, (path: string) => string>> = {
    stat: at => `stat ${at}`,
    list: at => `ls ${at}`,
    read: at => `cat ${at}`,
    write: at => `echo x > ${at}`,
    create: at => `echo x > ${at}`,
    remove: at => `rm ${at}`,
    call: at => `call ${at} x`,
  };
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  return {
    name: 'shell',
    async act(verb, at, authority) {
      const caller = makeCaller({ uid, gid, tid: process.pid, door: 'shell', authority });
      const { code, stderr } = await runShell(core.aos, caller, scripts[verb](`'${at.replaceAll("'", "'\\''")}'`));
      return code === 0 ? 'ok' : errnoIn(Buffer.from(stderr).toString());
    },
  };
}

/** Over a real mount. See `missing({ fuse: true })` for whether there can be one. */
export async function viaKernel(t: Teardown, core: DoorCore): Promise<DoorClient> {
  const acting = new Acting(core.door('fuse'));
  const mountpoint = join(tmpDir(t), 'aos');
  mkdirSync(mountpoint);
  const door = await startFuse(acting.api, { mountpoint, driver: 'kernel', allowOther: false });
  const client = new KernelClient(mountpoint);
  const watchdog = (): void => {
    client.kill();
    spawnSync('umount', ['-l', mountpoint], { timeout: 5000, stdio: 'ignore' });
  };
  atEnd(t, () => client.kill());
  t.teardown(async () => {
    client.kill();
    await door.stop();
  });
  return {
    name: 'kernel',
    act: (verb, at, authority) => acting.as(authority, () => client.ask(verb, at, watchdog)),
  };
}

/** A door's api whose every caller has the authority of the moment. One act at a time. */
class Acting {
  readonly api: DoorApi;
  private authority: Authority = [];
  private readonly narrowed = new Set<() => void>();
  private last: Promise<unknown> = Promise.resolve();

  constructor(api: DoorApi) {
    this.api = {
      ...api,
      authorityOf: () => this.authority,
      onNarrowed: fn => {
        const off = api.onNarrowed(fn);
        this.narrowed.add(fn);
        return () => {
          this.narrowed.delete(fn);
          off();
        };
      },
    };
  }

  as(authority: Authority, act: () => Promise<string>): Promise<string> {
    const done = this.last.then(() => {
      this.authority = authority;
      for (const forget of this.narrowed) forget();
      return act();
    });
    this.last = done.catch(() => undefined);
    return done;
  }
}

async function outcome(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
    return 'ok';
  } catch (thrown) {
    return asAosError(thrown, 'test').errno;
  }
}

/** The errno whose words end a line; what a command said where there is none. */
function errnoIn(stderr: string): string {
  for (const line of stderr.split('\n')) {
    const found = Object.keys(ERRNO).find(name => line.endsWith(`: ${saidOf(name)}`));
    if (found !== undefined) return found;
  }
  return stderr.trim();
}

/** A process that acts on the mount, one line a request. */
class KernelClient {
  private readonly child: ChildProcess;
  private answer: ((line: string) => void) | undefined;

  constructor(mountpoint: string) {
    this.child = spawn(process.execPath, [CLIENT, mountpoint], { cwd: '/', stdio: ['pipe', 'pipe', 'inherit'] });
    if (this.child.stdout === null) throw new Error('the client has no output');
    createInterface({ input: this.child.stdout }).on('line', line => this.answer?.(line));
    this.child.on('exit', () => this.answer?.('the client ended'));
  }

  ask(verb: Verb, path: string, watchdog: () => void): Promise<string> {
    return new Promise(resolve => {
      const timer = setTimeout(watchdog, WATCHDOG_MS);
      this.answer = line => {
        clearTimeout(timer);
        this.answer = undefined;
        resolve(line);
      };
      this.child.stdin?.write(`${JSON.stringify({ verb, path })}\n`);
    });
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}
