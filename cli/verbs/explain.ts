/** Says why an act would be allowed or refused, and does nothing else. */

import { VERBS } from '../../core/capabilities/grant.ts';
import { json, line, table } from '../output.ts';
import { type Fields, fields, items, text } from '../shape.ts';
import { nameIn, treePath } from '../tree.ts';
import type { Context, Verb } from '../verb.ts';

export const verb: Verb = {
  name: 'explain',
  summary: 'Say why an act would be allowed or refused',
  args: '<verb> <path>',
  argHelp: [VERBS.join(', '), 'a path from /aos down'],
  flags: [{ flags: '--as <agent>', help: 'as that agent, run by you' }],
  notes: `It does nothing. Exits 0 where the act is allowed, 1 where it is not.

Examples:
  aos explain write /aos/agents/researcher/inbox
  aos explain read /aos/etc/agents.d/coder.yaml --as researcher`,
  async run(context: Context) {
    const { args, client, env, flags } = context;
    const act = VERBS.find(known => known === args[0]);
    if (act === undefined) throw flags.wrong(`"${args[0] ?? ''}" is not one of ${VERBS.join(', ')}`);
    const path = treePath(args[1] ?? '', env);
    const as = flags.text('as');
    const query = { explain: act, as: as === undefined ? undefined : nameIn('/aos/agents', as) };
    const answer = fields(await client.json({ method: 'GET', path, query }));
    if (context.json) json(answer);
    else print(answer);
    return answer.allowed === true ? 0 : 1;
  },
};

function print(answer: Fields): void {
  line(`${text(answer, 'verb')} ${text(answer, 'path')}: ${answer.allowed === true ? 'allowed' : 'refused'}`);
  const rows = items(answer.steps).map(step => {
    const of = fields(step);
    return [text(of, 'step'), text(of, 'by'), of.allowed === true ? 'yes' : 'no', text(of, 'why')];
  });
  if (rows.length > 0) line(table(['STEP', 'BY', 'OK', 'WHY'], rows));
}
