/** Lists directories of the tree. */

import { AosError } from '../../core/errors.ts';
import { modeText, sizeText } from '../mode.ts';
import { json, line, note, table } from '../output.ts';
import { type Fields, fields, items, number, text } from '../shape.ts';
import { treePath } from '../tree.ts';
import type { Context, Verb } from '../verb.ts';

export const verb: Verb = {
  name: 'ls',
  summary: 'List a directory of the tree',
  args: '[path...]',
  argHelp: ['paths from /aos down; /aos itself where there is none'],
  flags: [
    { flags: '-l, --long', help: 'with mode, owner, size and time' },
    { flags: '-a, --all', help: 'with names that begin with a dot' },
    { flags: '--cursor <cursor>', help: 'what follows in a listing that was cut' },
  ],
  notes: `A mount lists at most 1,000 names at once. A listing that was cut says so on stderr, with the command that goes on, and
the directory has a file .more.json with {"next", "has_more"}: "next" is the cursor.

JSON: a list of {name, kind}; with -l everything that \`aos stat\` says of each. Where it was cut, .more.json is one of them
and has the cursor too, as "next".`,
  async run(context: Context) {
    const { args, env, flags } = context;
    if (flags.text('cursor') !== undefined && args.length > 1) throw flags.wrong('--cursor takes one path');
    const paths = args.length === 0 ? ['/aos'] : args.map(typed => treePath(typed, env));
    for (const [i, path] of paths.entries()) {
      const found = await entries(context, path);
      if (context.json) json(found);
      else {
        if (paths.length > 1) line(`${i > 0 ? '\n' : ''}${path}:`);
        print(found, context);
      }
      const next = found.map(entry => text(entry, 'next')).find(cursor => cursor !== '');
      if (next !== undefined) note(`aos ls: ${path}: the listing was cut; go on with: ${command(context, next, path)}`);
    }
  },
};

/** A directory's entries, by name; a file's own, as ls does. */
async function entries({ client, flags }: Context, path: string): Promise<Fields[]> {
  const stat = flags.on('long') ? '1' : undefined;
  const query = { list: '1', stat, cursor: flags.text('cursor') };
  try {
    const found = items(await client.json({ method: 'GET', path, query })).map(fields);
    return found.sort((a, b) => (text(a, 'name') < text(b, 'name') ? -1 : 1));
  } catch (thrown) {
    if (!(thrown instanceof AosError) || thrown.errno !== 'ENOTDIR' || query.cursor !== undefined) throw thrown;
    const own = fields(await client.json({ method: 'GET', path, query: { stat: '1' } }));
    return [stat === undefined ? { name: path, kind: own.kind } : { name: path, ...own }];
  }
}

/** The same listing from `cursor` on, as it is typed. */
function command({ flags, json: asJson }: Context, cursor: string, path: string): string {
  const switches = [flags.on('long') && '-l', flags.on('all') && '-a', asJson && '--json'].filter(
    given => given !== false,
  );
  const typed = /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
  return ['aos ls', ...switches, `--cursor=${cursor}`, typed].join(' ');
}

function print(found: readonly Fields[], { flags }: Context): void {
  const shown = found.filter(entry => flags.on('all') || !text(entry, 'name').startsWith('.'));
  if (shown.length === 0) return;
  if (flags.on('long')) {
    const [, ...rows] = table(HEAD, shown.map(longRow), RIGHT).split('\n');
    line(rows.join('\n'));
  } else {
    line(shown.map(entry => text(entry, 'name')).join('\n'));
  }
}

/** Only for the widths: a long listing has no head line. */
const HEAD = ['mode', 'n', 'u', 'g', 'size', 'time', 'name'];
const RIGHT = ['n', 'u', 'g', 'size'];

function longRow(entry: Fields): string[] {
  const name =
    text(entry, 'target') === '' ? text(entry, 'name') : `${text(entry, 'name')} -> ${text(entry, 'target')}`;
  if (typeof entry.mode !== 'number') return ['?', '?', '?', '?', '?', '?', name];
  return [
    modeText(entry.mode),
    text(entry, 'nlink'),
    text(entry, 'uid'),
    text(entry, 'gid'),
    sizeText(entry),
    timeText(number(entry, 'mtime')),
    name,
  ];
}

/** Minutes, as in `ls --time-style=long-iso`, in the user's own time zone. */
function timeText(at: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
