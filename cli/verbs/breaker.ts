/** The machine's own limit: whether it has tripped, and letting money flow again. */

import { dollars } from '../../agents/estimate.ts';
import { json, line } from '../output.ts';
import { type Fields, fields, number, text } from '../shape.ts';
import type { Context, Verb } from '../verb.ts';

export const verb: Verb = {
  name: 'breaker',
  summary: 'See or reset the limit of the whole machine',
  args: '<op>',
  argHelp: ['status or reset'],
  notes: `Once the machine's own budget is spent, or alone refuses an operation, nothing more is spent, over restarts, until it
is reset; what was spent until then counts no more. JSON: {tripped, at, path, why, used_usd, limit_usd, per_sec}.`,
  async run({ args, client, flags, json: asJson }: Context) {
    const [op] = args;
    if (op !== 'status' && op !== 'reset') throw flags.wrong(`"${op ?? ''}" is not status or reset`);
    const state = fields(await client.call('/aos/system/breaker', { op }));
    if (asJson) json(state);
    else line(stateText(state));
  },
};

function stateText(state: Fields): string {
  const limit = number(state, 'limit_usd');
  const per = number(state, 'per_sec');
  const bound = limit === 0 ? 'no limit' : `$${dollars(limit)}${per === 0 ? '' : ` in ${per} s`}`;
  const money = `$${dollars(number(state, 'used_usd'))} used of ${bound}`;
  if (state.tripped !== true) return `ok: ${money}`;
  return [
    `tripped at ${text(state, 'at')}: ${money}`,
    `by ${text(state, 'path')}: ${text(state, 'why')}`,
    'let money flow again with: aos breaker reset',
  ].join('\n');
}
