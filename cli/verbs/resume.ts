/** Goes on with an earlier conversation, in its session. */

import { AosError } from '../../core/errors.ts';
import { compose, MESSAGE_FLAGS, promptOf, send } from '../message.ts';
import { isTerminal } from '../output.ts';
import { CONVERSATION_HELP, contextOf, findTurn, type Turn } from '../turn.ts';
import type { Context, Verb } from '../verb.ts';

const NAME = 'aos resume';
const GO_ON = 'Go on where you stopped.';

export const verb: Verb = {
  name: 'resume',
  summary: 'Go on with an earlier conversation',
  args: '<conversation> [prompt]',
  argHelp: [CONVERSATION_HELP, 'what to ask next, - from stdin; not needed where the run was stopped'],
  flags: MESSAGE_FLAGS,
  notes: `The same agent, with the model it has now, is told what was asked and answered, the last twenty turns of it, and then the prompt, in
the session of that conversation: what comes next there goes on from here. The session that the agent itself is in stays as it is. A
conversation that was stopped, by a limit or a crash, can be gone on with without a prompt. Without --wait it prints
"PID CONVERSATION" and returns at once.

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
  if (typed === undefined && outcome !== 'completed') return GO_ON;
  if (typed !== undefined || !isTerminal(0)) return promptOf(typed, NAME);
  throw new AosError('usage', {
    component: NAME,
    path,
    why: 'it was answered to the end, so there is nothing to go on with',
    remedy: 'say what to ask next, or - to read it from stdin',
  });
}
