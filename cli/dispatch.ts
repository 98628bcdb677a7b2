/** Finds the verb, loads it alone, and turns whatever happens into an exit code. */

import { makeClient } from './client.ts';
import { resolveEnv } from './env.ts';
import { parseFlags } from './flags.ts';
import { write } from './output.ts';
import type { Context, Verb } from './verb.ts';

const INTERRUPTED = 130;

type Load = () => Promise<{ readonly verb: Verb }>;

/** Every verb by name, in the order of the help. Each is loaded only when it is called. */
export const VERBS: Readonly<Record<string, Load>> = {
  invoke: () => import('./verbs/invoke.ts'),
  resume: () => import('./verbs/resume.ts'),
  fork: () => import('./verbs/fork.ts'),
  wait: () => import('./verbs/wait.ts'),
  ps: () => import('./verbs/ps.ts'),
  kill: () => import('./verbs/kill.ts'),
  cat: () => import('./verbs/cat.ts'),
  ls: () => import('./verbs/ls.ts'),
  stat: () => import('./verbs/stat.ts'),
  write: () => import('./verbs/write.ts'),
  rm: () => import('./verbs/rm.ts'),
  search: () => import('./verbs/search.ts'),
  mount: () => import('./verbs/mount.ts'),
  plugins: () => import('./verbs/plugins.ts'),
  unlock: () => import('./verbs/unlock.ts'),
  lock: () => import('./verbs/lock.ts'),
  run: () => import('./verbs/run.ts'),
  sh: () => import('./verbs/sh.ts'),
  cost: () => import('./verbs/cost.ts'),
  breaker: () => import('./verbs/breaker.ts'),
  audit: () => import('./verbs/audit.ts'),
  explain: () => import('./verbs/explain.ts'),
  why: () => import('./verbs/why.ts'),
  status: () => import('./verbs/status.ts'),
  doctor: () => import('./verbs/doctor.ts'),
  logs: () => import('./verbs/logs.ts'),
  umount: () => import('./verbs/umount.ts'),
  'aos-mount': () => import('./verbs/aos-mount.ts'),
};

/** Runs a command line, without the program's name. Gives the exit code; never throws. */
export async function main(argv: readonly string[]): Promise<number> {
  const asJson = wantsJson(argv);
  standSomewhere();
  try {
    const [name = '', ...rest] = argv;
    if (!Object.hasOwn(VERBS, name)) {
      const { beside } = await import('./help.ts');
      return await beside(argv, VERBS);
    }
    const { verb } = (await VERBS[name]?.()) ?? {};
    return verb === undefined ? 2 : await runVerb(verb, rest);
  } catch (thrown) {
    const { fail } = await import('./failure.ts');
    return fail(thrown, asJson);
  }
}

/** A working directory that is gone, such as one in a mount that was taken away, is no place to find anything from. */
function standSomewhere(): void {
  try {
    process.cwd();
  } catch {
    process.chdir('/');
  }
}

/** Before the flags are parsed, since their own errors are printed by it. What follows `--` is not a flag. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).includes('--json');
}

async function runVerb(named: Verb, argv: readonly string[]): Promise<number> {
  const env = resolveEnv();
  const client = makeClient(env.socket);
  const verb = named.expand === undefined ? named : await named.expand(argv, client);
  const { args, flags, help } = await parseFlags(verb, argv);
  if (help !== undefined) {
    write(help);
    return 0;
  }
  let interrupt = (): number => INTERRUPTED;
  process.on('SIGINT', () => process.exit(interrupt()));
  const context: Context = {
    args,
    flags,
    json: flags.on('json'),
    env,
    client,
    onInterrupt: act => {
      interrupt = act;
    },
  };
  const code = await verb.run(context);
  return code ?? 0;
}
