/** Stops runs. */

import { json } from '../output.ts';
import { namingRun } from '../run.ts';
import { nameIn } from '../tree.ts';
import type { Context, Verb } from '../verb.ts';

export const verb: Verb = {
  name: 'kill',
  summary: 'Stop a run',
  args: '<pid...>',
  argHelp: ['numbers from `aos ps`'],
  flags: [{ flags: '-f, --force', help: 'at once, without letting it finish what it is doing' }],
  notes: 'It writes "stop" (with --force "kill") to /aos/procs/PID/ctl. What the run has answered so far is kept.',
  async run(context: Context) {
    const { args, client, flags } = context;
    const pids = args.map(arg => nameIn('/aos/procs', arg));
    for (const pid of pids) if (!/^\d+$/.test(pid)) throw flags.wrong(`"${pid}" is not the number of a run`);
    const word = flags.on('force') ? 'kill' : 'stop';
    for (const pid of pids) {
      const body = Buffer.from(`${word}\n`);
      await namingRun(pid, () => client.ask({ method: 'PUT', path: `/aos/procs/${pid}/ctl`, body }));
    }
    if (context.json) json(pids.map(pid => ({ pid: Number(pid), sent: word })));
  },
};
