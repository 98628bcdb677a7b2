/** What was given on the command line. The plain cases are read here, the rest by commander, which is slow to load. */

import type { Verb } from './verb.ts';

export interface Parsed {
  readonly args: readonly string[];
  readonly flags: FlagValues;
  /** The help text, where it was asked for. */
  readonly help: string | undefined;
}

/** Throws `Mistake`. */
export async function parseFlags(verb: Verb, argv: readonly string[]): Promise<Parsed> {
  const plain = parsePlain(verb, argv);
  if (plain !== undefined) return plain;
  const { parseAll } = await import('./commander.ts');
  return parseAll(verb, argv);
}

/** A line of switches and arguments of the right number, each spelled in full; undefined where there is anything else. */
export function parsePlain(verb: Verb, argv: readonly string[]): Parsed | undefined {
  const values: Record<string, unknown> = {};
  const args: string[] = [];
  for (const word of argv) {
    if (!word.startsWith('-') || word === '-') args.push(word);
    else if (word === '--json') values.json = true;
    else {
      const name = switchName(verb, word);
      if (name === undefined) return undefined;
      values[name] = true;
    }
  }
  const names = verb.args === undefined ? [] : verb.args.split(' ');
  const least = names.filter(name => name.startsWith('<')).length;
  const most = names.some(name => name.includes('...')) ? Number.POSITIVE_INFINITY : names.length;
  if (args.length < least || args.length > most) return undefined;
  return { args, flags: new FlagValues(verb, values), help: undefined };
}

/** The name of a flag that takes no value and is no negation, by one of its spellings. */
function switchName(verb: Verb, word: string): string | undefined {
  for (const { flags } of verb.flags ?? []) {
    const spellings = flags.split(', ');
    if (!spellings.includes(word)) continue;
    const long = spellings.at(-1)?.slice(2) ?? '';
    return long.startsWith('no-') ? undefined : long.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  }
  return undefined;
}

/** What was given for each flag, by its long name in camel case. */
export class FlagValues {
  private readonly verb: Verb;
  private readonly values: Readonly<Record<string, unknown>>;

  constructor(verb: Verb, values: Readonly<Record<string, unknown>>) {
    this.verb = verb;
    this.values = values;
  }

  on(name: string): boolean {
    return this.values[name] === true;
  }

  /** A switch that is on unless `--no-<name>` was given. */
  off(name: string): boolean {
    return this.values[name] === false;
  }

  text(name: string): string | undefined {
    const value = this.values[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** What was given for a flag that may be given several times. */
  list(name: string): readonly string[] {
    const values = this.values[name];
    return Array.isArray(values) ? values.filter(value => typeof value === 'string') : [];
  }

  /** A number above zero, or from `least` on. Throws `Mistake`. */
  number(name: string, least = Number.MIN_VALUE): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (text.trim() !== '' && Number.isFinite(value) && value >= least) return value;
    const wanted = least === Number.MIN_VALUE ? 'a number above 0' : `a number from ${least}`;
    throw new Mistake(this.verb, `--${name} takes ${wanted}, not "${text}"`);
  }

  /** One of `choices`. Throws `Mistake`. */
  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const choice = choices.find(known => known === text);
    if (choice !== undefined) return choice;
    throw new Mistake(this.verb, `--${name} takes ${choices.join(' or ')}, not "${text}"`);
  }

  /** A mistake that only the verb can see. */
  wrong(why: string): Mistake {
    return new Mistake(this.verb, why);
  }
}

/** A line that cannot be understood, before it is made into an error. */
export class Mistake extends Error {
  readonly verb: Verb;

  constructor(verb: Verb, said: string) {
    super(said);
    this.verb = verb;
  }
}

/** What a user types to get it. */
export function commandName(verb: Verb): string {
  return verb.name === 'aos-mount' ? verb.name : `aos ${verb.name}`;
}
