/** Prints files of the tree. */

import { json, write } from '../output.ts';
import { treePath } from '../tree.ts';
import type { Context, Verb } from '../verb.ts';

export const verb: Verb = {
  name: 'cat',
  summary: 'Print files of the tree',
  args: '<path...>',
  argHelp: ['paths from /aos down'],
  flags: [{ flags: '-f, --follow', help: 'go on as a log grows, until it ends' }],
  notes: `Examples:
  aos cat /aos/agents/researcher/status
  aos cat -f /aos/procs/17/stderr`,
  async run(context: Context) {
    const { args, client, env, flags } = context;
    const query = flags.on('follow') ? { follow: '1' } : {};
    for (const typed of args) {
      const path = treePath(typed, env);
      if (context.json) json({ path, content: (await client.ask({ method: 'GET', path, query })).toString() });
      else await client.ask({ method: 'GET', path, query, sink: write });
    }
  },
};
