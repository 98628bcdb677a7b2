/** Removes files and directories of the tree. */

import { AosError } from '../../core/errors.ts';
import { json } from '../output.ts';
import { fields, items, text } from '../shape.ts';
import { treePath } from '../tree.ts';
import type { Context, Verb } from '../verb.ts';

export const verb: Verb = {
  name: 'rm',
  summary: 'Remove files of the tree',
  args: '<path...>',
  argHelp: ['paths from /aos down'],
  flags: [
    { flags: '-d, --dir', help: 'empty directories too' },
    { flags: '-r, --recursive', help: 'directories with all that is in them' },
    { flags: '-f, --force', help: 'say nothing of what is not there' },
  ],
  async run(context: Context) {
    const { args, env, flags } = context;
    const paths = args.map(typed => treePath(typed, env));
    for (const path of paths) {
      try {
        await remove(context, path);
      } catch (thrown) {
        if (!(flags.on('force') && thrown instanceof AosError && thrown.kind === 'not_found')) throw thrown;
      }
    }
    if (context.json) json({ removed: paths });
  },
};

async function remove(context: Context, path: string): Promise<void> {
  const { client, flags } = context;
  const deep = flags.on('recursive');
  if (deep || flags.on('dir')) {
    const stat = fields(await client.json({ method: 'GET', path, query: { stat: '1' } }));
    if (stat.kind === 'dir') {
      if (deep) for (const name of await names(context, path)) await remove(context, `${path}/${name}`);
      await client.ask({ method: 'DELETE', path, query: { dir: '1' } });
      return;
    }
  }
  await client.ask({ method: 'DELETE', path });
}

async function names({ client }: Context, path: string): Promise<string[]> {
  const found = items(await client.json({ method: 'GET', path, query: { list: '1' } }));
  return found.map(entry => text(fields(entry), 'name'));
}
