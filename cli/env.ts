/** Where this user's daemon lives: the four variables of the environment and their defaults. */

import { resolve } from 'node:path';

export interface Env {
  /** All state. */
  readonly home: string;
  /** Where the tree is mounted. */
  readonly mount: string;
  readonly socket: string;
  /** A configuration file; undefined: it is looked for. */
  readonly config: string | undefined;
}

/** An empty variable counts as unset; a relative path is taken from the working directory. */
export function resolveEnv(vars: NodeJS.ProcessEnv = process.env, root = process.getuid?.() === 0): Env {
  const home = resolve(vars.AOS_HOME || (root ? '/var/lib/aos' : `${dataHome(vars)}/aos`));
  return {
    home,
    mount: resolve(vars.AOS_MOUNT || (root ? '/aos' : `${userHome(vars)}/aos`)),
    socket: resolve(vars.AOS_SOCKET || `${home}/aos.sock`),
    config: vars.AOS_CONFIG ? resolve(vars.AOS_CONFIG) : undefined,
  };
}

function dataHome(vars: NodeJS.ProcessEnv): string {
  return vars.XDG_DATA_HOME || `${userHome(vars)}/.local/share`;
}

function userHome(vars: NodeJS.ProcessEnv): string {
  return vars.HOME || process.getBuiltinModule('node:os').homedir();
}

/** The file that the daemon writes its log to. */
export function logFile(env: Env): string {
  return `${env.home}/log/daemon.log`;
}
