/** Says in full why the last things were refused, to who only saw an errno. */

import { momentText } from '../mode.ts';
import { json, line, note } from '../output.ts';
import { type Fields, fields, items, text } from '../shape.ts';
import type { Context, Verb } from '../verb.ts';

export const verb: Verb = {
  name: 'why',
  summary: 'Say why the last things were refused',
  flags: [{ flags: '-n, --limit <count>', help: 'how many, 5 if not said' }],
  notes: 'Only what was refused in this session, then to this user; most recent first.',
  async run(context: Context) {
    const { client, flags } = context;
    const limit = flags.number('limit', 1) ?? 5;
    if (!Number.isSafeInteger(limit)) throw flags.wrong(`--limit takes a whole number, not "${flags.text('limit')}"`);
    const errors = items(await client.call('/aos/system/errors', {}))
      .slice(0, limit)
      .map(fields);
    if (context.json) json(errors);
    else if (errors.length > 0) line(errors.map(errorText).join('\n'));
    else note('aos why: nothing was refused');
  },
};

function errorText(error: Fields): string {
  const said = [text(error, 'path'), text(error, 'why')].filter(part => part !== '').join(': ');
  const remedy = text(error, 'remedy');
  const agent = text(error, 'agent');
  const by = agent === '' ? '' : ` (run of ${agent})`;
  const lines = [`${momentText(error, 'at')}  ${text(error, 'errno')}  ${said}${by}`];
  if (remedy !== '') lines.push(`  what to do: ${remedy}`);
  return lines.join('\n');
}
