/** Shuts what was unlocked, before its time. */

import { json, line, note } from '../output.ts';
import { fields, items } from '../shape.ts';
import { treePath } from '../tree.ts';
import type { Context, Verb } from '../verb.ts';

export const verb: Verb = {
  name: 'lock',
  summary: 'Shut what was unlocked',
  args: '<path>',
  argHelp: ['what was unlocked, or a directory above it'],
  notes: `It ends your leases on the path and below it; the owner of the daemon and root end everybody's.
Where nothing is unlocked it says so and exits 0; a path that does not exist is an error. JSON: {path, ended}, with the ids of the leases.`,
  async run({ args, client, env, json: asJson }: Context) {
    const path = treePath(args[0] ?? '', env);
    const answer = fields(await client.call('/aos/system/lock', { path }));
    const ended = items(answer.ended).length;
    if (asJson) json(answer);
    else if (ended === 0) note(`aos lock: ${path}: nothing was unlocked there`);
    else line(`${path} is locked (${ended === 1 ? 'one lease' : `${ended} leases`} ended)`);
  },
};
