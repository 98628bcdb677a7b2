/** Checks the audit log's chain, straight from its files: it works when the daemon does not. */

import { existsSync } from 'node:fs';
import { AosError } from '../../core/errors.ts';
import { verifyChain } from '../../system/audit-chain.ts';
import { json, line, note } from '../output.ts';
import type { Context, Verb } from '../verb.ts';

export const verb: Verb = {
  name: 'audit',
  summary: 'Check that the audit log is whole',
  args: '<op>',
  argHelp: ['verify'],
  notes: `Each line of $AOS_HOME/audit/audit.jsonl, and of the files put aside before it, holds the hash of the line before. verify reads
them all and names the first that does not fit. Exits 0 where all do, 1 where one does not.
JSON: {ok, lines, files, broken: {file, line, why} or null, torn}.`,
  async run({ args, env, flags, json: asJson }: Context) {
    if (args[0] !== 'verify') throw flags.wrong(`"${args[0] ?? ''}" is not known: use verify`);
    const dir = `${env.home}/audit`;
    if (!existsSync(dir)) {
      throw new AosError('not_found', {
        component: 'aos audit',
        path: dir,
        why: 'no daemon has written an audit log there',
        remedy: 'set AOS_HOME to the home of the one you mean',
      });
    }
    const { lines, files, broken, torn } = await verifyChain(dir);
    const count = `${lines} lines in ${files} ${files === 1 ? 'file' : 'files'}`;
    if (asJson) json({ ok: broken === undefined, lines, files, broken: broken ?? null, torn });
    else if (broken === undefined) line(`the chain holds: ${count}`);
    else line(`broken at ${dir}/${broken.file} line ${broken.line}: ${broken.why} (${count} before it hold)`);
    if (torn && !asJson) note('aos audit: a crash cut the last line short; the next start of the daemon takes it out');
    return broken === undefined ? 0 : 1;
  },
};
