/** Says what a path is. */

import { list, modeText, momentText } from '../mode.ts';
import { json, line } from '../output.ts';
import { type Fields, fields, items, number, text } from '../shape.ts';
import { treePath } from '../tree.ts';
import type { Context, Verb } from '../verb.ts';

export const verb: Verb = {
  name: 'stat',
  summary: 'Say what a path is',
  args: '<path>',
  argHelp: ['a path from /aos down'],
  notes:
    'JSON: {path, kind, mode, uid, gid, size, mtime, atime, ctime, nlink, blocks, ino, fixed, fields}; times in milliseconds.',
  async run(context: Context) {
    const { args, client, env } = context;
    const path = treePath(args[0] ?? '', env);
    const stat = fields(await client.json({ method: 'GET', path, query: { stat: '1' } }));
    const names = items(await client.json({ method: 'GET', path, query: { xattrs: '1' } })).map(String);
    if (context.json) json({ path, ...stat, fields: names });
    else line(list(rows(path, stat, names)));
  },
};

function rows(path: string, stat: Fields, names: readonly string[]): [string, string][] {
  const mode = number(stat, 'mode');
  const target = text(stat, 'target');
  return [
    ['path', target === '' ? path : `${path} -> ${target}`],
    ['kind', text(stat, 'kind')],
    ['mode', `${(mode & 0o7777).toString(8).padStart(4, '0')} ${modeText(mode)}`],
    ['owner', `${text(stat, 'uid')}:${text(stat, 'gid')}`],
    ['size', text(stat, 'size')],
    ['modified', momentText(stat, 'mtime')],
    ...(names.length === 0 ? [] : [['fields', names.join(' ')] satisfies [string, string]]),
  ];
}
