/** One tree behind three doors: each does the same seven things in its own way, and says `ok` or the name of the errno. */

import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { makeClient } from '../../cli/client.ts';
import { AosError } from '../../core/errors.ts';
import type { Aos, Caller, DoorApi, Verb } from '../../core/types.ts';
import { startFuse } from '../../doors/fuse/index.ts';
import { saidOf } from '../../doors/shell/errors.ts';
import { ShellSession } from '../../doors/shell/index.ts';
import { startSocket } from '../../doors/socket/index.ts';
import { removeDir, tmpDir } from '../support/dirs.ts';
import { atEnd, type Teardown } from '../support/ending.ts';
import { missing } from '../support/machine.ts';

/** The verbs, and what redirections do: `make` as `echo x >` does where nothing need be, `empty` as `: >`. */
export type Act = Verb | 'make' | 'empty';
/** Does one thing to one path of the tree. */
export type Through = (act: Act, path: string) => Promise<string>;
/** Through a mount a file can be kept open as well (`hold`), and be read later on (`again`). */
export type ThroughKernel = (act: Act | 'hold' | 'again', path: string) => Promise<string>;

/** Undefined where there can be no mount. The programs of this door are one process other than this one. */
export async function throughKernel(t: Teardown, api: DoorApi): Promise<ThroughKernel | undefined> {
  if (missing({ fuse: true }) !== undefined) return undefined;
  const base = tmpDir(t);
  const mountpoint = join(base, 'aos');
  mkdirSync(mountpoint);
  const door = await startFuse(api, { mountpoint, driver: 'kernel', allowOther: false });
  t.teardown(async () => {
    await door.stop();
    removeDir(base);
  });
  const client = spawn(process.execPath, [join(import.meta.dirname, 'kernel-client.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  atEnd(t, () => void client.kill('SIGKILL'));
  const lines = createInterface({ input: client.stdout })[Symbol.asyncIterator]();
  return async (verb, path) => {
    client.stdin.write(`${verb} ${mountpoint}${path.slice('/aos'.length)}\n`);
    const answer = await lines.next();
    if (answer.done === true) throw new Error('the client of the mount has ended');
    return answer.value;
  };
}

export async function throughSocket(t: Teardown, api: DoorApi): Promise<Through> {
  const path = join(tmpDir(t), 's');
  const door = await startSocket(api, { path });
  t.teardown(() => door.stop());
  const client = makeClient(path);
  const body = Buffer.from('x');
  const acts: Readonly<Record<Act, (at: string) => Promise<unknown>>> = {
    stat: at => client.json({ method: 'GET', path: at, query: { stat: '1' } }),
    list: at => client.json({ method: 'GET', path: at, query: { list: '1' } }),
    read: at => client.ask({ method: 'GET', path: at }),
    write: at => client.ask({ method: 'PUT', path: at, body }),
    create: at => client.ask({ method: 'MKCOL', path: at }),
    remove: at => client.ask({ method: 'DELETE', path: at }),
    call: at => client.call(at, 'x'),
    make: at => client.ask({ method: 'PUT', path: at, body }),
    empty: at => client.ask({ method: 'PUT', path: at, body: Buffer.alloc(0) }),
  };
  return async (verb, at) => {
    try {
      await acts[verb](at);
      return 'ok';
    } catch (thrown) {
      if (thrown instanceof AosError) return thrown.errno;
      throw thrown;
    }
  };
}

const COMMANDS: Readonly<Record<Act, (path: string) => string>> = {
  stat: path => `stat ${path} > /dev/null`,
  list: path => `ls ${path} > /dev/null`,
  read: path => `cat ${path} > /dev/null`,
  write: path => `echo x > ${path}`,
  create: path => `mkdir ${path}`,
  remove: path => `rm ${path}`,
  call: path => `call ${path} x > /dev/null`,
  make: path => `echo x > ${path}`,
  empty: path => `: > ${path}`,
};

const ERRNOS = ['ENOENT', 'EACCES', 'EPERM', 'EROFS', 'EDQUOT', 'EAGAIN', 'EIO', 'EINVAL', 'ENOTSUP'];

/** The shell says its errors as shells do. */
export function throughShell(t: Teardown, aos: Aos, caller: Caller): Through {
  let said = '';
  const session = new ShellSession(aos, caller, {
    output: (_fd, bytes) => {
      said += Buffer.from(bytes).toString();
    },
  });
  t.teardown(() => session.close());
  return async (verb, path) => {
    said = '';
    const { code } = await session.run(COMMANDS[verb](path));
    if (code === 0) return 'ok';
    return ERRNOS.find(errno => said.includes(saidOf(errno))) ?? said;
  };
}
