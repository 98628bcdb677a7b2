/** Says what was spent, and on what. */

import { dollars } from '../../agents/estimate.ts';
import { parseDuration } from '../../core/duration.ts';
import { json, line, table } from '../output.ts';
import { type Fields, fields, items, number, text } from '../shape.ts';
import type { Context, Verb } from '../verb.ts';

const KEYS = ['agent', 'model', 'mount', 'uid', 'day'] as const;

export const verb: Verb = {
  name: 'cost',
  summary: 'Say what was spent',
  flags: [
    { flags: '--by <key>', help: `one line for each ${KEYS.join(', ')}` },
    { flags: '--since <time>', help: 'only the last 30m, 24h, 7d' },
    { flags: '--budgets', help: 'what the budgets that you may know of have left, and when they reset' },
  ],
  notes:
    'JSON: {total_usd, by: [{key, usd, operations}]}; with --budgets a list of {layer, key, of, used_usd, limit_usd, off, per_sec, resets}.',
  async run(context: Context) {
    const { client, flags } = context;
    if (flags.on('budgets')) return budgets(context);
    const by = flags.choice('by', KEYS);
    const since = flags.text('since');
    const request = { by: by ?? 'agent', ...(since !== undefined && { last_ms: parseDuration(since) }) };
    const spend = fields(await client.call('/aos/system/spend', request));
    if (context.json) return void json(spend);
    const total = dollars(number(spend, 'total_usd'));
    if (by === undefined) return void line(`$${total}`);
    const rows = items(spend.by).map(item => {
      const of = fields(item);
      return [text(of, 'key', '-') || '-', dollars(number(of, 'usd')), text(of, 'operations')];
    });
    line(table([by.toUpperCase(), 'USD', 'OPERATIONS'], [...rows, ['total', total, '']], ['USD', 'OPERATIONS']));
    return undefined;
  },
};

async function budgets({ client, json: asJson }: Context): Promise<undefined> {
  const states = items(await client.call('/aos/system/budget', {})).map(fields);
  if (asJson) return void json(states);
  const rows = states.map(state => [
    [text(state, 'layer'), text(state, 'of')].join(' ').trim(),
    ...(state.off === true ? OFF : [...amounts(state), windowText(state), text(state, 'resets', '-')]),
  ]);
  line(table(['LAYER', 'USED', 'LIMIT', 'PER', 'RESETS'], rows, ['USED', 'LIMIT']));
}

/** Of a layer that is switched off there is nothing more to say. */
const OFF = ['-', 'off', '-', '-'];

/** Velocity counts operations, the rest dollars. */
function amounts(state: Fields): [string, string] {
  const none = (limit: number, printed: string): string => (limit === 0 ? 'none' : printed);
  if (typeof state.used_usd !== 'number')
    return [text(state, 'used'), none(number(state, 'limit'), text(state, 'limit'))];
  const limit = number(state, 'limit_usd');
  return [`$${dollars(state.used_usd)}`, none(limit, `$${dollars(limit)}`)];
}

function windowText(state: Fields): string {
  return typeof state.per_sec === 'number' ? `${state.per_sec} s` : 'its life';
}
