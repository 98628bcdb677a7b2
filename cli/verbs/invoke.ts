/** Sends a prompt to an agent, and with `--wait` shows the answer as it comes. */

import { compose, MESSAGE_FLAGS, promptOf, send } from '../message.ts';
import { nameIn, treePath } from '../tree.ts';
import type { Context, Verb } from '../verb.ts';

const NAME = 'aos invoke';

export const verb: Verb = {
  name: 'invoke',
  summary: 'Send a prompt to an agent',
  args: '<agent> [prompt]',
  argHelp: ['a name below /aos/agents', 'what to ask; - or nothing reads it from stdin'],
  flags: [
    ...MESSAGE_FLAGS,
    { flags: '--context <path>', help: 'go on from a .ctx file' },
    { flags: '--session <id>', help: 'the session to be in; new starts one' },
  ],
  notes: `Without --wait it prints "PID CONVERSATION" and returns at once.

Examples:
  aos invoke researcher "What is in memory about tides?" --wait
  git diff | aos invoke coder - --wait --budget 0.05
  aos invoke coder "Tidy up" --ceiling read,list:/aos/memory/** --ceiling call:/aos/models/**`,
  async run(context: Context) {
    const { args, flags, env } = context;
    const given = flags.text('context');
    const message = compose(context, NAME, promptOf(args[1], NAME), {
      context: given === undefined ? undefined : treePath(given, env),
      session: flags.text('session'),
    });
    return send(context, nameIn('/aos/agents', args[0] ?? ''), message);
  },
};
