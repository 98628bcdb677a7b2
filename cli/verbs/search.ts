/** Finds words in memory and past conversations. */

import { json, line, note } from '../output.ts';
import { type Fields, fields, items, text } from '../shape.ts';
import type { Context, Verb } from '../verb.ts';

const LIMIT = 20;

export const verb: Verb = {
  name: 'search',
  summary: 'Find words in memory and past conversations',
  args: '<query...>',
  argHelp: ['words to look for'],
  flags: [{ flags: '-n, --limit <count>', help: `how many places to show, ${LIMIT} if not said` }],
  notes: 'Exits 1 where nothing is found, as grep does. JSON: {hits: [{path, line, excerpt}]}.',
  async run(context: Context) {
    const { args, client, flags } = context;
    const query = args.join(' ');
    const limit = Math.floor(flags.number('limit', 1) ?? LIMIT);
    const found = fields(await client.call('/aos/tools/search/call', { query, limit }));
    const hits = items(found.hits).map(fields);
    if (context.json) json(found);
    else if (hits.length > 0) line(hits.map(hitText).join('\n'));
    else note(`aos search: nothing holds "${query}"`);
    return hits.length > 0 ? 0 : 1;
  },
};

/** `path:line: excerpt`, as grep -n prints it, on one line. */
function hitText(hit: Fields): string {
  const at = text(hit, 'line');
  const excerpt = text(hit, 'excerpt').replace(/\s+/g, ' ').trim();
  return `${text(hit, 'path')}:${at === '' ? '' : `${at}:`} ${excerpt}`;
}
