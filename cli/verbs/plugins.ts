/** Lists what can be mounted. */

import { json, line, table } from '../output.ts';
import { type Fields, fields, items, text } from '../shape.ts';
import type { Context, Verb } from '../verb.ts';

export const verb: Verb = {
  name: 'plugins',
  summary: 'List what can be mounted',
  notes:
    'More come from files (`aos mount ./quotes.ts ...`) and from packages named by `plugins:` in the configuration.',
  async run({ client, json: asJson }: Context) {
    const types = items(await client.call('/aos/mnt', { op: 'types' })).map(fields);
    if (asJson) json(types);
    else line(table(['TYPE', 'FROM', 'WHAT'], types.map(row)));
  },
};

function row(type: Fields): string[] {
  const error = text(type, 'error');
  return [text(type, 'name'), text(type, 'from'), error === '' ? text(type, 'help') : `cannot be used: ${error}`];
}
