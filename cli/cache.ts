import { enableCompileCache } from 'node:module';

/** Keeps compiled modules in a directory of the user's own: what is in it is run, and the default one is shared by all. */
export function keepCompiled(vars: NodeJS.ProcessEnv = process.env): void {
  const cache = vars.XDG_CACHE_HOME || (vars.HOME ? `${vars.HOME}/.cache` : '');
  if (cache !== '') enableCompileCache(`${cache}/aos`);
}
