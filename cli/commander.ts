/** Flags and arguments by commander, and the help it makes of a declaration. Every mistake becomes one sentence with what was probably meant. */

import { Command, CommanderError } from 'commander';
import { nearest } from '../agents/nearest.ts';
import { commandName, FlagValues, Mistake, type Parsed } from './flags.ts';
import type { Verb } from './verb.ts';

/** Throws `Mistake`. */
export function parseAll(verb: Verb, argv: readonly string[]): Parsed {
  const command = declare(verb);
  let help = '';
  const writeOut = (text: string): void => {
    help += text;
  };
  command.configureOutput({ writeOut, writeErr: () => undefined });
  try {
    command.parse([...argv], { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    if (thrown.code !== 'commander.helpDisplayed') throw new Mistake(verb, withMeant(thrown.message, command));
    return { args: [], flags: new FlagValues(verb, {}), help };
  }
  return { args: command.args, flags: new FlagValues(verb, command.opts()), help: undefined };
}

/** Commander looks for what `--name` may have meant, and not for `--name=value`. */
function withMeant(said: string, command: Command): string {
  const [, name = ''] = /unknown option '(--[^=']+)=/.exec(said) ?? [];
  const meant = nearest(
    name,
    command.options.flatMap(({ long }) => long ?? []),
  );
  return name === '' || meant === undefined ? said : `${said}\n(Did you mean ${meant}?)`;
}

/** The help text of a verb: usage, options, notes. */
export function helpOf(verb: Verb): string {
  const notes = verb.notes === undefined ? '' : `\n${verb.notes.trimEnd()}\n`;
  return declare(verb).helpInformation() + notes;
}

function declare(verb: Verb): Command {
  const command = new Command(commandName(verb)).exitOverride().summary(verb.summary).description(`${verb.summary}.`);
  const names = verb.args === undefined ? [] : verb.args.split(' ');
  names.forEach((name, i) => void command.argument(name, verb.argHelp?.[i] ?? ''));
  for (const { flags, help, many } of verb.flags ?? []) {
    if (many === true)
      command.option(flags, help, (value: string, before: readonly string[]) => [...before, value], []);
    else command.option(flags, help);
  }
  command.option('--json', 'print JSON').helpOption('-h, --help', 'print this');
  if (verb.notes !== undefined) command.addHelpText('after', `\n${verb.notes.trimEnd()}`);
  return command;
}
