/** Drains and stops the daemon, and clears the mountpoint that one left behind. */

import { lstatSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { AosError, asAosError } from '../../core/errors.ts';
import { json, line } from '../output.ts';
import { progress } from '../progress.ts';
import { fields, number, text } from '../shape.ts';
import { treePathOrNone } from '../tree.ts';
import type { Context, Verb } from '../verb.ts';

/** The daemon drains for 30 s at most. */
const WAIT_MS = 35_000;
const POLL_MS = 20;

export const verb: Verb = {
  name: 'umount',
  summary: 'Stop the daemon and take its mount away; or one mount of /aos/mnt',
  args: '[path]',
  argHelp: ['the mount, $AOS_MOUNT if not said; or /aos/mnt/NAME, which takes away that alone'],
  notes: 'Runs that are under way get up to 30 s to finish. A mountpoint left by a daemon that died is cleared.',
  async run(context: Context) {
    const { args, env, client } = context;
    const typed = args[0];
    if (typed !== undefined && (await takenAway(context, typed))) return undefined;
    const dir = typed === undefined || typed === '/aos' ? env.mount : resolve(typed);
    let status: Awaited<ReturnType<typeof ask>>;
    try {
      status = await ask(context);
    } catch (thrown) {
      if (!(thrown instanceof AosError) || thrown.kind !== 'not_running') throw thrown;
      if (!(await heal(dir))) throw thrown;
      return said(context, { pid: null, mount: dir, cleared: true }, `cleared ${dir}, which a daemon left behind`);
    }
    if (typed !== undefined && status.mount !== dir) throw elsewhere(dir, status.mount);
    await stop(status.pid, client, env.socket);
    return said(context, { pid: status.pid, mount: status.mount, cleared: false }, `stopped the daemon, ${status.pid}`);
  },
};

async function ask({ client }: Context): Promise<{ pid: number; mount: string }> {
  const again = (thrown: unknown): Promise<unknown> => {
    // It went away while it was asked: the next answer says so.
    if (thrown instanceof AosError && thrown.kind === 'io') return client.call('/aos/system/status', {});
    throw thrown;
  };
  const status = fields(await client.call('/aos/system/status', {}).catch(again));
  return { pid: number(status, 'pid'), mount: text(status, 'mount') };
}

/** A path in the tree is one external mount, not the daemon's own. False for what lies outside the tree, and for the tree itself. */
async function takenAway({ client, env, json: asJson }: Context, typed: string): Promise<boolean> {
  const path = treePathOrNone(typed, env);
  if (path === undefined || path === '/aos' || resolve(typed) === env.mount) return false;
  const taken = await client.call('/aos/mnt', { op: 'umount', path });
  if (asJson) json(taken);
  else line(`took ${path} away`);
  return true;
}

function elsewhere(dir: string, mount: string): AosError {
  return new AosError('invalid', {
    component: 'aos umount',
    path: dir,
    why: mount === '' ? 'the daemon has no mount' : `the daemon is mounted on ${mount}`,
    remedy: `run \`aos umount\`${mount === '' ? '' : ` ${mount}`}, or set AOS_HOME to the home of the daemon you mean`,
  });
}

async function stop(pid: number, client: Context['client'], socket: string): Promise<void> {
  const done = progress('waiting for runs to finish');
  try {
    process.kill(pid, 'SIGTERM');
    const deadline = performance.now() + WAIT_MS;
    while (isAlive(pid) || lstatSync(socket, { throwIfNoEntry: false }) !== undefined) {
      if (!isAlive(pid) && !(await answers(client))) return;
      if (performance.now() > deadline) throw stuck(pid);
      await new Promise(next => setTimeout(next, POLL_MS));
    }
  } catch (thrown) {
    const error = asAosError(thrown, 'aos umount');
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'ESRCH')) throw error;
  } finally {
    done();
  }
}

/** Gone, or a zombie whose parent has not asked for its end yet. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM';
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    // No /proc here, or it went in between: the next round tells.
    return process.platform !== 'linux';
  }
}

/** A socket file may outlive its daemon. */
async function answers(client: Context['client']): Promise<boolean> {
  try {
    await client.call('/aos/system/status', {});
    return true;
  } catch (thrown) {
    return !(thrown instanceof AosError && thrown.kind === 'not_running');
  }
}

function stuck(pid: number): AosError {
  return new AosError('timeout', {
    component: 'aos umount',
    why: `the daemon ${pid} has not ended within ${WAIT_MS / 1000} s`,
    remedy: `see \`aos logs\`; \`kill -9 ${pid}\`, then \`aos umount\` again, ends it for certain`,
  });
}

async function heal(dir: string): Promise<boolean> {
  const { healMountpoint } = await import('../../doors/fuse/index.ts');
  return healMountpoint(dir);
}

function said({ json: asJson }: Context, shape: object, sentence: string): number {
  if (asJson) json(shape);
  else line(sentence);
  return 0;
}
