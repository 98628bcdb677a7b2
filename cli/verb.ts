/** What a verb is. One declaration gives the flags, the help and the manual page. */

import type { Client } from './client.ts';
import type { Env } from './env.ts';
import type { FlagValues } from './flags.ts';

export interface Flag {
  /** As commander reads it: `-l`, `--model <name>`, `-a, --all`. */
  readonly flags: string;
  readonly help: string;
  /** May be given several times. */
  readonly many?: true;
}

export interface Verb {
  readonly name: string;
  /** One clause, as in a list of verbs. */
  readonly summary: string;
  /** Arguments as commander reads them: `<path...>`, `[query]`. */
  readonly args?: string;
  /** Each argument in a few words, in order. */
  readonly argHelp?: readonly string[];
  /** Beside `--json` and `--help`, which every verb has. */
  readonly flags?: readonly Flag[];
  /** What else a user needs to know, with examples; follows the options in the help. */
  readonly notes?: string;
  /** For a verb whose flags depend on what is typed: the verb with those of this line. */
  expand?(argv: readonly string[], client: Client): Promise<Verb>;
  /** Gives the exit code, 0 where none. */
  run(context: Context): Promise<number | undefined> | number | undefined;
}

export interface Context {
  /** Arguments in order; a repeated one is spread. */
  readonly args: readonly string[];
  readonly flags: FlagValues;
  /** `--json` was given. */
  readonly json: boolean;
  readonly env: Env;
  readonly client: Client;
  /** Replaces what Ctrl-C does until the process ends; gives the exit code. Without it: 130 at once. */
  onInterrupt(act: () => number): void;
}
