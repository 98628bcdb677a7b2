/**
 * Options, declared once: the declaration gives the flag, the help, the check, the variable of the environment that stands in
 * for it, and whether its value may ever be shown.
 */

import type { z } from 'zod';
import { microsFromUsd } from '../core/cost/money.ts';
import { parseDuration, printDuration } from '../core/duration.ts';
import { AosError } from '../core/errors.ts';
import { schema } from '../core/schema.ts';
import type { Limit, Micros, Millis } from '../core/types.ts';

/** One option of a mount. `T` is what `open` receives for it. */
export interface Option<T> {
  /** What stands behind the flag in the help: `--base-url <url>`; empty for a switch. */
  readonly value: string;
  /** One sentence. */
  readonly help: string;
  /** Never printed, logged, put into an error or kept in clear in a readable file. */
  readonly secret: boolean;
  readonly required: boolean;
  /** The flag may be given several times. */
  readonly repeat: boolean;
  /** What it is where nothing is given, as text for the help. */
  readonly standard: string | undefined;
  /** Gives what reads the value from what was typed, or from undefined where nothing was. */
  readonly schema: () => z.ZodType<T, unknown>;
}

export type Options = Readonly<Record<string, Option<unknown>>>;

/** What `open` receives: each option by its name. */
export type Values<O extends Options> = { readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never };

interface Optional {
  readonly optional: true;
}
interface Standard {
  /** As it would be typed. */
  readonly standard: string;
}

/** Any text. Required unless said otherwise. */
export function text(help: string): Option<string>;
export function text(help: string, how: Optional): Option<string | undefined>;
export function text(help: string, how: Standard): Option<string>;
export function text(help: string, how?: Optional | Standard): Option<string | undefined> {
  return make('text', help, nonEmpty, how);
}

/** An address that begins with http:// or https://. */
export function url(help: string): Option<string>;
export function url(help: string, how: Optional): Option<string | undefined>;
export function url(help: string, how: Standard): Option<string>;
export function url(help: string, how?: Optional | Standard): Option<string | undefined> {
  const said = 'must be an address that begins with http:// or https://, without a user or password in it';
  return make(
    'url',
    help,
    schema(z => z.string().refine(isWeb, said)),
    how,
  );
}

/** A token, a password, a connection string. Optional: many services do without. */
export function secret(help: string): Option<string | undefined> {
  return { ...make('secret', help, nonEmpty, { optional: true }), secret: true };
}

/** Several secrets: the flag is given once for each. */
export function secrets(help: string, shape: RegExp, value = 'secret'): Option<readonly string[]> {
  const several = schema(z => {
    const one = z.string().regex(shape, `must look like ${value}`);
    return z.preprocess(given => (given === undefined ? [] : [given].flat()), z.array(one));
  });
  return { value, help, secret: true, required: false, repeat: true, standard: undefined, schema: several };
}

/** A switch, off unless given. */
export function flag(help: string): Option<boolean> {
  return { value: '', help, secret: false, required: false, repeat: false, standard: undefined, schema: onOrOff };
}

const nonEmpty = schema(z => z.string().min(1, 'must not be empty'));

const onOrOff = schema(z => z.preprocess(switched, z.boolean('is a switch: true or false, 1 or 0')));

/** The environment has text only. */
function switched(given: unknown): unknown {
  if (given === 'true' || given === '1') return true;
  return given === undefined || given === 'false' || given === '0' ? false : given;
}

interface Length extends Standard {
  /** 0 has a meaning. */
  readonly zero?: true;
  /** The longest there may be. */
  readonly most?: Millis;
}

/** A length of time such as 30s or 2h. In milliseconds. */
export function duration(help: string, how: Length): Option<Millis> {
  const { zero, most = Number.POSITIVE_INFINITY } = how;
  const read = (typed: string): Millis => {
    if (zero && /^0+(ms|s|m|h|d)?$/.test(typed)) return 0;
    const length = parseDuration(typed);
    if (length > most) throw new Error(`must be ${printDuration(most)} at most`);
    return length;
  };
  return make('duration', help, parsed(read), how);
}

/** Dollars from 0 up, such as 0.001. In micro-dollars. */
export function dollars(help: string, how: Standard): Option<Micros> {
  const read = (typed: string): Micros => amount(typed, 'such as 0.001');
  return make('usd', help, parsed(read), how);
}

/** Throws where what was typed is no amount of dollars. */
function amount(typed: string, example: string): Micros {
  const dollars = typed.trim() === '' ? Number.NaN : Number(typed);
  // Of a number the money says itself what is wrong with it.
  if (Number.isFinite(dollars)) return microsFromUsd(dollars, 'an amount');
  throw new Error(`must be dollars from 0 up, ${example}`);
}

/** Dollars in a time: `5/24h`; without a time for as long as the mount lives. */
export function limit(help: string): Option<Limit | undefined> {
  const read = (typed: string): Limit => {
    const [dollars = '', per, ...more] = typed.split('/');
    if (more.length > 0 || dollars.trim() === '') throw new Error('must be dollars and a time, such as 5/24h');
    const usd = amount(dollars, 'such as 5/24h');
    if (usd === 0) throw new Error('must be more than 0; leave it out for no limit');
    return { usd, per: per === undefined ? 0 : parseDuration(per) };
  };
  return make('usd/window', help, parsed(read), { optional: true });
}

/** A price in a plugin's `cost`: dollars, as micro-dollars. */
export function usd(amount: number): Micros {
  return microsFromUsd(amount, 'a price');
}

function make<T>(value: string, help: string, shape: () => z.ZodType<T, unknown>, how?: Standard): Option<T>;
function make<T>(
  value: string,
  help: string,
  shape: () => z.ZodType<T, unknown>,
  how: Optional | Standard | undefined,
): Option<T | undefined>;
function make<T>(
  value: string,
  help: string,
  shape: () => z.ZodType<T, unknown>,
  how?: Optional | Standard,
): Option<T | undefined> {
  const base = { value, help, secret: false, repeat: false } as const;
  if (how === undefined) return { ...base, required: true, standard: undefined, schema: shape };
  if ('optional' in how) {
    return { ...base, required: false, standard: undefined, schema: schema(() => shape().optional()) };
  }
  const filled = schema(z => z.preprocess(given => given ?? how.standard, shape()));
  return { ...base, required: false, standard: how.standard, schema: filled };
}

/** Text that `read` understands; what it throws says what is wrong. */
function parsed<T>(read: (typed: string) => T): () => z.ZodType<T, unknown> {
  return schema(z =>
    z.union([z.string(), z.number()]).transform((typed, context) => {
      try {
        return read(String(typed));
      } catch (thrown) {
        const message =
          thrown instanceof AosError
            ? `${thrown.why}; ${thrown.remedy ?? ''}`
            : thrown instanceof Error
              ? thrown.message
              : '';
        context.addIssue({ code: 'custom', message });
        return z.NEVER;
      }
    }),
  );
}

/** Without a user in it: a password would be shown wherever the address is. */
function isWeb(typed: string): boolean {
  if (!/^https?:\/\/[^/]/i.test(typed) || !URL.canParse(typed)) return false;
  const { username, password } = new URL(typed);
  return username === '' && password === '';
}

/** `baseUrl` is typed as `--base-url`. */
export function flagName(option: string): string {
  return option.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);
}

/** The variable that stands in for an option: AOS_<TYPE>_<OPTION>. */
export function variableName(type: string, option: string): string {
  return `AOS_${type}_${flagName(option)}`.toUpperCase().replace(/[^A-Z0-9]/g, '_');
}

export type Given = Readonly<Record<string, unknown>>;

/** What was given, with the environment standing in for what was not. */
export function withEnvironment(type: string, options: Options, given: Given, env: Given): Given {
  const filled: Record<string, unknown> = {};
  for (const name of Object.keys(options)) {
    const value = env[variableName(type, name)];
    if (typeof value === 'string' && value !== '') filled[flagName(name)] = value;
  }
  return { ...filled, ...given };
}

/** Checks what was given, by flag name. Throws `usage` or `invalid` naming the flag; a secret's value is never in it. */
export function readOptions<O extends Options>(type: string, options: O, given: Given): Values<O> {
  const names = new Map(Object.keys(options).map(name => [flagName(name), name]));
  for (const name of Object.keys(given)) {
    if (!names.has(name)) throw wrong(type, 'usage', `there is no option --${name}`);
  }
  const out: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(options)) {
    const flag = flagName(name);
    const value = given[flag];
    if (value === undefined && option.required) {
      const remedy = `give it, or set ${variableName(type, name)}`;
      throw wrong(type, 'usage', `--${flag} <${option.value}> is missing`, remedy);
    }
    const checked = option.schema().safeParse(value);
    if (!checked.success) {
      const shown = option.secret ? '' : ` "${withoutUser(String(value))}"`;
      throw wrong(type, 'invalid', `--${flag}${shown}: ${checked.error.issues[0]?.message ?? 'it is not valid'}`);
    }
    out[name] = checked.data;
  }
  // Each option's own schema made its value.
  return out as Values<O>;
}

/** Where a password was typed into an address, it is not repeated. */
function withoutUser(typed: string): string {
  return typed.replace(/\/\/[^/]*@/, '//...@');
}

function wrong(
  type: string,
  kind: 'usage' | 'invalid',
  why: string,
  remedy = `see: aos mount ${type} --help`,
): AosError {
  return new AosError(kind, { component: type, why, remedy });
}

/** What stands in for a secret wherever options are shown. */
export const HIDDEN = '(secret)';

/** What was given, fit to be shown: secrets are replaced. */
export function redacted(options: Options, given: Given): Record<string, unknown> {
  const open = new Set(
    Object.keys(options)
      .filter(name => options[name]?.secret === false)
      .map(flagName),
  );
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, open.has(name) ? value : HIDDEN]));
}

/** What was given to the options that are secret, as it was typed. */
export function secretsIn(options: Options, given: Given): string[] {
  const names = Object.keys(options).filter(name => options[name]?.secret === true);
  return names.flatMap(name => [given[flagName(name)] ?? []].flat().map(String));
}

/** One option as `aos mount TYPE --help` and `aos plugins --json` show it. */
export interface OptionInfo {
  readonly name: string;
  readonly value: string;
  readonly help: string;
  readonly secret: boolean;
  readonly required: boolean;
  readonly repeat: boolean;
  readonly standard: string | null;
  readonly env: string;
}

export function describeOptions(type: string, options: Options): OptionInfo[] {
  return Object.entries(options).map(([name, { value, help, secret, required, repeat, standard }]) => ({
    name: flagName(name),
    value,
    help,
    secret,
    required,
    repeat,
    standard: standard ?? null,
    env: variableName(type, name),
  }));
}
