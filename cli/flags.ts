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

/** A line of flags and arguments of the right number, each spelled in full; undefined where there is anything else. */
export function parsePlain(verb: Verb, argv: readonly string[]): Parsed | undefined {
  const values: Record<string, unknown> = {};
  const args: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (!word.startsWith('-') || word === '-') args.push(word);
    else if (word === '--json') values.json = true;
    else {
      const flag = plainFlag(verb, word);
      if (flag === undefined) return undefined;
      if (!flag.takes) values[flag.name] = true;
      else {
        i++;
        const value = argv[i];
        // What begins with a dash may be a forgotten value.
        if (value === undefined || value.startsWith('-')) return undefined;
        values[flag.name] = value;
      }
    }
  }
  const names = verb.args === undefined ? [] : verb.args.split(' ');
  const least = names.filter(name => name.startsWith('<')).length;
  const most = names.some(name => name.includes('...')) ? Number.POSITIVE_INFINITY : names.length;
  if (args.length < least || args.length > most) return undefined;
  return { args, flags: new FlagValues(verb, values), help: undefined };
}

/** A flag that is no negation and given once, by one of its spellings: its long name in camel case, and whether a value follows. */
function plainFlag(verb: Verb, word: string): { name: string; takes: boolean } | undefined {
  for (const { flags, many } of verb.flags ?? []) {
    const [spelled = '', value] = flags.split(' <');
    const spellings = spelled.split(', ');
    if (!spellings.includes(word)) continue;
    const long = spellings.at(-1)?.slice(2) ?? '';
    if (many === true || long.startsWith('no-')) return undefined;
    return {
      name: long.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase()),
      takes: value !== undefined,
    };
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
