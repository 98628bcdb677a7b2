/** What `aos` says when it is not given a verb it has: the list, one verb's help, its version, or what was probably meant. */

import { nearest } from '../agents/nearest.ts';
import { AosError } from '../core/errors.ts';
import { commandName } from './flags.ts';
import { line, note } from './output.ts';
import type { Verb } from './verb.ts';
import { version } from './version.ts';

type Verbs = Readonly<Record<string, () => Promise<{ readonly verb: Verb }>>>;

/** Gives the exit code. Throws `usage` for a verb that is not there. */
export async function beside(argv: readonly string[], verbs: Verbs): Promise<number> {
  const [first, second] = argv;
  if (first === undefined) {
    note(await overview(verbs));
    return 2;
  }
  if (first === '--version' || first === '-V') {
    line(version());
    return 0;
  }
  if (first !== '--help' && first !== '-h' && first !== 'help') throw unknownVerb(first, meant(first, verbs));
  if (second === undefined || second.startsWith('-')) {
    line(await overview(verbs));
    return 0;
  }
  const load = Object.hasOwn(verbs, second) ? verbs[second] : undefined;
  if (load === undefined) throw unknownVerb(second, meant(second, verbs));
  const { helpOf } = await import('./commander.ts');
  line(helpOf((await load()).verb).trimEnd());
  return 0;
}

function meant(word: string, verbs: Verbs): string | undefined {
  return nearest(word, Object.keys(verbs));
}

async function overview(verbs: Verbs): Promise<string> {
  const all = await Promise.all(Object.values(verbs).map(load => load()));
  const usage = all.map(({ verb }) => [usageOf(verb), verb.summary] as const);
  const width = Math.max(...usage.map(([text]) => text.length));
  const rows = usage.map(([text, summary]) => `  ${text.padEnd(width)}  ${summary}`);
  return [
    'Agents, processes, conversations and money as files under /aos.',
    '',
    ...rows,
    '',
    'Every verb takes --json and --help. Paths begin with /aos, wherever the tree is mounted.',
  ].join('\n');
}

function usageOf(verb: Verb): string {
  const name = commandName(verb);
  return verb.args === undefined ? name : `${name} ${verb.args}`;
}

function unknownVerb(name: string, meant: string | undefined): AosError {
  return new AosError('usage', {
    component: 'aos',
    why: `there is no verb "${name}"`,
    remedy: meant === undefined ? 'see `aos --help`' : `did you mean \`aos ${meant}\`? \`aos --help\` lists them all`,
  });
}
