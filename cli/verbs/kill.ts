/** Stops runs. */

import { AosError } from '../../core/errors.ts';
import { json, note } from '../output.ts';
import { namingRun } from '../run.ts';
import { nameIn } from '../tree.ts';
import type { Context, Verb } from '../verb.ts';

export const verb: Verb = {
  name: 'kill',
  summary: 'Stop a run',
  args: '<pid...>',
  argHelp: ['numbers from `aos ps`'],
  flags: [{ flags: '-f, --force', help: 'at once, without letting it finish what it is doing' }],
  notes: `It writes "stop" (with --force "kill") to /aos/procs/PID/ctl. What the run has answered so far is kept. Of several runs each is
told, and the exit code is 1 where one could not be. JSON: a list of {pid, sent}, or {pid, error} for one that could not.`,
  async run(context: Context) {
    const { args, flags } = context;
    const pids = args.map(arg => nameIn('/aos/procs', arg));
    for (const pid of pids) if (!/^\d+$/.test(pid)) throw flags.wrong(`"${pid}" is not the number of a run`);
    const word = flags.on('force') ? 'kill' : 'stop';
    const told: object[] = [];
    let code = 0;
    for (const pid of pids) {
      const failed = await tell(context, pid, word);
      // One alone fails as any verb does, with an exit code that says how.
      if (failed !== undefined && pids.length === 1) throw failed;
      told.push({ pid: Number(pid), ...(failed === undefined ? { sent: word } : { error: failed.toJSON() }) });
      if (failed === undefined) continue;
      code = 1;
      if (!context.json) note(failed.message);
    }
    if (context.json) json(told);
    return code;
  },
};

/** Gives why a run could not be told. */
async function tell({ client }: Context, pid: string, word: string): Promise<AosError | undefined> {
  const body = Buffer.from(`${word}\n`);
  try {
    await namingRun(pid, () => client.ask({ method: 'PUT', path: `/aos/procs/${pid}/ctl`, body }));
    return undefined;
  } catch (thrown) {
    if (thrown instanceof AosError && thrown.kind !== 'not_running') return thrown;
    throw thrown;
  }
}
