/** Says what was spent, and on what. */

import { json, line, table, usd } from '../output.ts';
import { fields, items, number, text } from '../shape.ts';
import type { Context, Verb } from '../verb.ts';

const KEYS = ['agent', 'model', 'mount', 'uid', 'day'] as const;

export const verb: Verb = {
  name: 'cost',
  summary: 'Say what was spent',
  flags: [{ flags: '--by <key>', help: `one line for each ${KEYS.join(', ')}` }],
  notes: 'JSON: {total_usd, by: [{key, usd, operations}]}.',
  async run(context: Context) {
    const { client, flags } = context;
    const by = flags.choice('by', KEYS);
    const spend = fields(await client.call('/aos/system/spend', { by: by ?? 'agent' }));
    if (context.json) return void json(spend);
    const total = usd(number(spend, 'total_usd'));
    if (by === undefined) return void line(`$${total}`);
    const rows = items(spend.by).map(item => {
      const of = fields(item);
      return [text(of, 'key', '-') || '-', usd(number(of, 'usd')), text(of, 'operations')];
    });
    line(table([by.toUpperCase(), 'USD', 'OPERATIONS'], [...rows, ['total', total, '']], ['USD', 'OPERATIONS']));
  },
};
