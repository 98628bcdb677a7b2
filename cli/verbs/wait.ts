/** Waits for a run to end, or for an agent to have nothing more to do. */

import { json, line, note } from '../output.ts';
import { progress } from '../progress.ts';
import { complaint, exitCodeOf, outcome, waitFor } from '../run.ts';
import { fields, isFields, text } from '../shape.ts';
import { nameIn } from '../tree.ts';
import type { Context, Verb } from '../verb.ts';

export const verb: Verb = {
  name: 'wait',
  summary: 'Wait for a run to end, or for an agent to be idle',
  args: '<pid|agent>',
  argHelp: ['a number from `aos ps`, or the name of an agent'],
  notes: `For a run it prints the answer and exits with the code of the run. For an agent it exits 0 once nothing is
queued or under way.

Examples:
  aos wait 17
  aos wait researcher`,
  run,
};

async function run(context: Context): Promise<number> {
  const target = nameIn('/aos/agents', nameIn('/aos/procs', context.args[0] ?? ''));
  const done = progress(`waiting for ${target}`);
  try {
    return /^\d+$/.test(target) ? await waitRun(context, target, done) : await waitAgent(context, target, done);
  } finally {
    done();
  }
}

async function waitRun(context: Context, pid: string, done: () => void): Promise<number> {
  const end = await waitFor(context.client, pid);
  done();
  const output = text(end, 'output').trimEnd();
  if (context.json) json(outcome(end));
  else if (output !== '') line(output);
  const said = complaint(end);
  if (said !== undefined) note(said);
  return exitCodeOf(end);
}

async function waitAgent(context: Context, agent: string, done: () => void): Promise<number> {
  const answer = await context.client.call(`/aos/agents/${agent}`, { op: 'wait' });
  done();
  if (context.json) json(isFields(answer) ? fields(answer) : { agent });
  return 0;
}
