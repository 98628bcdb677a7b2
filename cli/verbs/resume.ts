/** Goes on with an earlier conversation, in its session. */

import { AosError } from '../../core/errors.ts';
import { compose, MESSAGE_FLAGS, promptOf, send } from '../message.ts';
import { CONVERSATION_HELP, contextOf, findTurn, type Turn } from '../turn.ts';
import type { Context, Verb } from '../verb.ts';

const NAME = 'aos resume';
const GO_ON = 'Go on where you stopped.';

export const verb: Verb = {
  name: 'resume',
  summary: 'Go on with an earlier conversation',
  args: '<conversation> [prompt]',
  argHelp: [CONVERSATION_HELP, 'what to ask next; - reads it from stdin; not needed where the run was stopped'],
  flags: MESSAGE_FLAGS,
  notes: `The same agent, with the model it has now, is told all that was said in the conversation and then the prompt, in the same
session: what comes next there goes on from here. A conversation that was stopped, by a limit or a crash, can be gone on with
without a prompt. Without --wait it prints "PID CONVERSATION" and returns at once.

Examples:
  aos resume last "And in winter?" --wait
  aos resume 2026/11/23/142233-coder-00017 --dry-run`,
  async run(context: Context) {
    const turn = await findTurn(context, context.args[0] ?? '', NAME);
    const prompt = promptFor(turn, context.args[1]);
    const { agent, session } = turn;
    return send(context, agent, compose(context, NAME, prompt, { context: contextOf(turn), session }));
  },
};

function promptFor({ outcome, path }: Turn, typed: string | undefined): string {
  if (typed !== undefined) return promptOf(typed, NAME);
  if (outcome !== 'completed') return GO_ON;
  throw new AosError('usage', {
    component: NAME,
    path,
    why: 'it was answered to the end, so there is nothing to go on with',
    remedy: 'say what to ask next, or - to read it from stdin',
  });
}
