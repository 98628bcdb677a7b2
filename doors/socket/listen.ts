/** Takes a path for the socket: private from the first moment, and never away from a daemon that answers. */

import { lstatSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { AosError, asAosError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';

const COMPONENT = 'socket door';
/** How long a daemon may take to accept before it counts as one that lives but is busy. */
const ANSWER_MS = 1000;

/**
 * Throws `name_too_long` for a path that unix(7) cannot hold, `busy` where another daemon answers, `exists` where something that is
 * not a socket stands in the way, and Node's own errors otherwise.
 */
export async function listenOn(server: Server, path: string): Promise<void> {
  const bytes = Buffer.byteLength(path);
  if (bytes > LIMITS.socket_path_bytes_max) {
    throw new AosError('name_too_long', {
      component: COMPONENT,
      path,
      why: `the socket's path has ${bytes} bytes and the system takes ${LIMITS.socket_path_bytes_max}`,
      remedy: 'set AOS_SOCKET to a shorter path, or AOS_HOME to a shorter directory',
    });
  }
  await clearStale(path);
  await new Promise<void>((resolve, reject) => {
    server.once('error', cause => reject(asAosError(cause, COMPONENT, path)));
    // The socket gets its mode when it is bound, which `listen` does before it returns.
    const mask = process.umask(0o177);
    try {
      server.listen(path, resolve);
    } finally {
      process.umask(mask);
    }
  });
}

async function clearStale(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) {
    throw new AosError('exists', {
      component: COMPONENT,
      path,
      why: 'something that is not a socket is there already',
      remedy: 'move it away, or set AOS_SOCKET to another path',
    });
  }
  if (await answers(path)) {
    throw new AosError('busy', {
      component: COMPONENT,
      path,
      why: 'another daemon answers on this socket',
      remedy: 'stop it with `aos umount`, or give this one its own AOS_HOME',
    });
  }
  try {
    unlinkSync(path);
  } catch (cause) {
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) throw asAosError(cause, COMPONENT, path);
  }
}

/** Whether anybody listens. Only a refused connection says no: whoever is merely slow is alive. */
function answers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const probe = connect(path);
    const finish = (alive: boolean): void => {
      probe.destroy();
      resolve(alive);
    };
    probe.setTimeout(ANSWER_MS, () => finish(true));
    probe.once('connect', () => finish(true));
    probe.once('error', error => {
      const code = 'code' in error ? error.code : '';
      finish(code !== 'ECONNREFUSED' && code !== 'ENOENT');
    });
  });
}
