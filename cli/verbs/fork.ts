/** Branches an earlier conversation: the same beginning, another prompt, a session of its own. */

import { AosError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { compose, MESSAGE_FLAGS, promptOf, send } from '../message.ts';
import { CONVERSATION_HELP, contextOf, findTurn } from '../turn.ts';
import type { Context, Verb } from '../verb.ts';

const NAME = 'aos fork';

export const verb: Verb = {
  name: 'fork',
  summary: 'Branch an earlier conversation',
  args: '<conversation>',
  argHelp: [CONVERSATION_HELP],
  flags: [
    { flags: '--prompt <text>', help: 'what to ask in the branch; - reads it from stdin' },
    { flags: '-n, --branches <count>', help: `so many branches, at most ${LIMITS.branches_max}; 1 if not said` },
    ...MESSAGE_FLAGS,
  ],
  notes: `Each branch is a session of its own: what is said there does not change the conversation it comes from, and
\`aos resume\` goes on with it. meta.json of its turns says where it comes from (lineage.forked_from). The estimate is that of all
branches together, and a --budget is shared evenly among them.

Without --wait it prints "PID CONVERSATION" for each branch and returns at once; with it, the answers in that order, and it exits as
the first that failed. JSON: {pid, conversation}, with --wait {pid, conversation, output, exit_code, cost_usd}; a list of
them for several branches.

Examples:
  aos fork last --prompt "Shorter, for a child" --wait
  aos fork 2026/11/23/142233-coder-00017 --prompt "Another way?" -n 3 --budget 0.30`,
  async run(context: Context) {
    const { args, flags } = context;
    const typed = flags.text('prompt');
    if (typed === undefined) {
      throw new AosError('usage', { component: NAME, why: 'there is no prompt', remedy: 'give it with --prompt' });
    }
    const count = flags.number('branches') ?? 1;
    if (!Number.isInteger(count) || count > LIMITS.branches_max) {
      throw flags.wrong(`-n takes a whole number from 1 to ${LIMITS.branches_max}, not "${flags.text('branches')}"`);
    }
    const turn = await findTurn(context, args[0] ?? '', NAME);
    const branches = count === 1 ? undefined : count;
    const more = { context: contextOf(turn), session: 'new', branches };
    return send(context, turn.agent, compose(context, NAME, promptOf(typed, NAME), more));
  },
};
