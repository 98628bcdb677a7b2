/** Getting a connection to the kernel: opening `/dev/fuse`, mounting it, and taking it away again. */

import { spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { AosError } from '../../core/errors.ts';
import { detachCommands, findProgram, mountedAt } from './mountpoint.ts';
import type { Syscalls } from './syscalls.ts';

export const DEVICE = '/dev/fuse';
export const WITHOUT_MOUNT = 'start without a mount, where every aos command still works: aos-mount --no-fuse';

const MS_NOSUID = 2;
const MS_NODEV = 4;
const MNT_DETACH = 2;

/** Mounts at `dir`, which is ready for it. Gives the descriptor. Throws AosError with a remedy. */
export async function mountDevice(sys: Syscalls, dir: string, allowOther: boolean): Promise<number> {
  return process.getuid?.() === 0 ? mountAsRoot(sys, dir, allowOther) : mountAsUser(sys, dir, allowOther);
}

function mountAsRoot(sys: Syscalls, dir: string, allowOther: boolean): number {
  const fd = openDevice();
  const options = `fd=${fd},rootmode=40000,user_id=0,group_id=0${allowOther ? ',allow_other' : ''}`;
  if (sys.mount('aos', dir, 'fuse.aos', MS_NOSUID | MS_NODEV, options) === 0) return fd;
  const errno = sys.errno();
  closeSync(fd);
  throw new AosError('not_permitted', {
    component: 'kernel door',
    path: dir,
    why: `the kernel refused the mount (errno ${errno})`,
    remedy: `give the container CAP_SYS_ADMIN, or ${WITHOUT_MOUNT}`,
  });
}

function openDevice(): number {
  try {
    return openSync(DEVICE, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (cause) {
    throw deviceMissing(cause);
  }
}

/** `/dev/fuse` cannot be opened: why, and what to do. */
export function deviceMissing(cause: unknown): AosError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'EACCES' || code === 'EPERM') {
    return new AosError('not_permitted', {
      component: 'kernel door',
      path: DEVICE,
      why: 'this user may not open the device',
      remedy: `run as root: chmod 0666 ${DEVICE} (in a container: start it with --device ${DEVICE}), or ${WITHOUT_MOUNT}`,
      cause,
    });
  }
  return new AosError('unsupported', {
    component: 'kernel door',
    path: DEVICE,
    why: 'this machine has no FUSE device',
    remedy: `load the module with: modprobe fuse (in a container: start it with --device ${DEVICE} --cap-add SYS_ADMIN), or ${WITHOUT_MOUNT}`,
    cause,
  });
}

/** fusermount3 mounts on our behalf and sends the descriptor back over a socket. */
async function mountAsUser(sys: Syscalls, dir: string, allowOther: boolean): Promise<number> {
  const program = findProgram('fusermount3');
  if (program === undefined) {
    throw new AosError('unsupported', {
      component: 'kernel door',
      why: 'fusermount3, by which a user mounts, is not installed',
      remedy: `install it with: apt install fuse3 (or dnf install fuse3), or ${WITHOUT_MOUNT}`,
    });
  }
  closeSync(openDevice());
  const pair = sys.socketpair();
  if (pair === undefined) {
    throw new AosError('io', {
      component: 'kernel door',
      why: 'no socket pair could be made',
      remedy: 'close some files',
    });
  }
  const [ours, theirs] = pair;
  let said: string;
  try {
    said = await runMounter(program, dir, allowOther, theirs);
  } finally {
    closeSync(theirs);
  }
  const fd = sys.receiveDescriptor(ours);
  closeSync(ours);
  if (fd < 0) throw mounterFailed(dir, said);
  return fd;
}

/** What fusermount3 said; empty when it was content. */
function runMounter(program: string, dir: string, allowOther: boolean, socket: number): Promise<string> {
  const options = `rw,nosuid,nodev,fsname=aos,subtype=aos${allowOther ? ',allow_other' : ''}`;
  return new Promise(resolve => {
    const child = spawn(program, ['-o', options, '--', dir], {
      stdio: ['ignore', 'ignore', 'pipe', socket],
      env: { ...process.env, _FUSE_COMMFD: '3' },
    });
    let said = '';
    child.stderr?.on('data', chunk => {
      said += chunk;
    });
    child.on('error', error => resolve(error.message));
    child.on('close', () => resolve(said.trim()));
  });
}

function mounterFailed(dir: string, said: string): AosError {
  return new AosError('not_permitted', {
    component: 'kernel door',
    path: dir,
    why: `fusermount3 did not mount: ${said === '' ? 'it gave no reason' : said}`,
    remedy: mounterRemedy(said),
  });
}

function mounterRemedy(said: string): string {
  if (said.includes('user_allow_other')) {
    return 'add the line user_allow_other to /etc/fuse.conf, or mount without --allow-other';
  }
  if (said.includes('could not determine username')) {
    return `give this uid a name in /etc/passwd, which fusermount3 needs, or ${WITHOUT_MOUNT}`;
  }
  return `make the directory your own, or ${WITHOUT_MOUNT}`;
}

/** Takes the mount away; one in use goes from sight at once and ends with its last user. Leaves alone what is not there. */
export async function unmountDevice(sys: Syscalls, dir: string): Promise<void> {
  if (!mountedAt(dir)?.startsWith('fuse')) return;
  if (process.getuid?.() === 0) {
    if ((await sys.unmountLater(dir, 0)) === 0) return;
    if ((await sys.unmountLater(dir, MNT_DETACH)) === 0) return;
  }
  await unmountByCommand(dir);
}

/** Takes the mount away lazily, by whichever command works. */
export async function unmountByCommand(dir: string): Promise<void> {
  for (const [program = '', ...args] of detachCommands(dir)) {
    if ((await run(program, args)) === 0) return;
  }
}

function run(program: string, args: readonly string[]): Promise<number> {
  return new Promise(resolve => {
    const child = spawn(program, args, { stdio: 'ignore' });
    child.on('error', () => resolve(-1));
    child.on('close', code => resolve(code ?? -1));
  });
}

/** Takes the dead mount away if this process ends without doing so itself. */
export interface Warden {
  /** Everything was taken away in order. */
  dismiss(): void;
}

/** A small process that outlives us by a moment: its standard input closes when we end, however we end. */
export function postWarden(dir: string): Warden {
  const commands = detachCommands(dir)
    .map(command => command.map(quote).join(' '))
    .join(' || ');
  // "done" means there is nothing to do. A mount that still answers belongs to somebody who lives. It is asked of the file system:
  // of a directory the kernel may still know the attributes.
  const script = `trap '' INT HUP TERM; read -r word; [ "$word" = done ] && exit 0; stat -f -- ${quote(dir)} || { ${commands}; }`;
  const child = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true, cwd: '/' });
  child.on('error', () => {});
  child.stdin?.on('error', () => {});
  child.unref();
  if (child.stdin !== null && 'unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref();
  return { dismiss: () => child.stdin?.end('done\n') };
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
