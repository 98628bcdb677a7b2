/** Starts the daemon and mounts the tree. */

import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';
import { AosError, asAosError } from '../../core/errors.ts';
import { json, line, note } from '../output.ts';
import { type Ready, runDaemon, type StartOptions, startDaemon } from '../start.ts';
import type { Context, Verb } from '../verb.ts';

export const verb: Verb = {
  name: 'aos-mount',
  summary: 'Start the daemon and mount the tree',
  args: '[dir]',
  argHelp: ['where to mount; $AOS_MOUNT if not said'],
  flags: [
    { flags: '-f, --foreground', help: 'stay in front, until Ctrl-C' },
    { flags: '--driver <name>', help: 'kernel (the default) or fuse-native' },
    { flags: '--allow-other', help: 'let other users in' },
    { flags: '--mock <file>', help: 'answer from a file of canned answers' },
    { flags: '--no-fuse', help: 'mount nothing: the tree is reached by aos alone' },
  ],
  notes: `It returns once the tree answers. Stop it with \`aos umount\`.

Environment:
  AOS_HOME    all state; /var/lib/aos for root, else $XDG_DATA_HOME/aos
  AOS_MOUNT   where to mount; /aos for root, else ~/aos
  AOS_SOCKET  where aos and the daemon meet; $AOS_HOME/aos.sock
  AOS_CONFIG  a configuration file`,
  async run(context: Context) {
    const { args, env, flags } = context;
    const driver = flags.choice('driver', ['kernel', 'fuse-native']);
    const mock = flags.text('mock');
    const options: StartOptions = {
      mount: args[0] === undefined ? env.mount : resolve(args[0]),
      allowOther: flags.on('allowOther'),
      noFuse: flags.off('fuse'),
      ...(driver === undefined ? {} : { driver }),
      ...(mock === undefined ? {} : { mock: answersIn(resolve(mock)) }),
    };
    if (flags.on('foreground')) return inFront(context, options);
    const { ready } = await startDaemon(env, options);
    say(ready, context);
    return 0;
  },
};

/** The file, which has to be there from the start. Throws why it cannot be read. */
function answersIn(file: string): string {
  try {
    accessSync(file, constants.R_OK);
    return file;
  } catch (cause) {
    const { kind, why } = asAosError(cause, 'aos-mount', file);
    throw new AosError(kind, {
      component: 'aos-mount',
      path: file,
      why,
      remedy: 'give --mock a file of canned answers',
      cause,
    });
  }
}

/** Stays until the daemon ends, and passes on what it is told to end by. */
async function inFront(context: Context, options: StartOptions): Promise<number> {
  // The terminal gives Ctrl-C to the daemon as well, which drains first.
  process.removeAllListeners('SIGINT');
  process.on('SIGINT', () => undefined);
  const { ready, child } = await runDaemon(context.env, options);
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  say(ready, context);
  return new Promise(done => {
    if (child.exitCode !== null) return done(child.exitCode);
    child.once('exit', (code, signal) => done(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}

function say(ready: Ready, { json: asJson }: Context): void {
  if (ready.warning !== undefined) note(`aos-mount: ${ready.warning}`);
  if (asJson) json(ready);
  else if (ready.fuse) line(`mounted on ${ready.mount} (${ready.driver} driver), answers: ${ready.model}`);
  else line(`running without a mount: use aos cat, ls, write, invoke; answers: ${ready.model}`);
}
