/** Mounts something from outside below /aos/mnt, and lists what is mounted. Each kind of mount brings its own flags. */

import { resolve } from 'node:path';
import { AosError } from '../../core/errors.ts';
import type { Client } from '../client.ts';
import type { FlagValues } from '../flags.ts';
import { isTerminal, json, line, note, table } from '../output.ts';
import { type Fields, fields, items, text } from '../shape.ts';
import { treePath } from '../tree.ts';
import type { Context, Flag, Verb } from '../verb.ts';

const MNT = '/aos/mnt';

const base: Verb = {
  name: 'mount',
  summary: 'Mount something from outside, or list what is mounted',
  args: '[type] [path]',
  argHelp: ['a kind of mount (`aos plugins` lists them), or a file: ./quotes.ts', '/aos/mnt/NAME'],
  flags: [{ flags: '--list', help: 'list what is mounted' }],
  notes: `Each kind has options of its own: \`aos mount TYPE --help\`. A mount is locked when it is made: \`aos unlock\` opens it for a
while. It stays over restarts until \`aos umount PATH\`.

Examples:
  aos mount http --base-url=https://api.example.org --header 'Authorization: Bearer ...' /aos/mnt/api
  aos mount --list`,
  run,
};

export const verb: Verb = { ...base, expand };

/** With the flags of the kind of mount that the line names. */
async function expand(argv: readonly string[], client: Client): Promise<Verb> {
  const type = argv.find(word => !word.startsWith('-'));
  if (type === undefined) return base;
  const info = await describe(client, type);
  const options = items(info.options).map(fields);
  return {
    ...base,
    name: `mount ${type}`,
    summary: text(info, 'help').replace(/\.$/, ''),
    args: '<type> <path>',
    flags: options.map(flagOf),
    notes: notesOf(info, options),
    run: context => make(context, options),
  };
}

async function describe(client: Client, type: string): Promise<Fields> {
  return fields(await client.call(MNT, { op: 'describe', type: typeOf(type) }));
}

/** A file is named by its whole path: the daemon has a working directory of its own. */
function typeOf(typed: string): string {
  return /^\.{0,2}\/|\.[cm]?[jt]s$/.test(typed) ? resolve(typed) : typed;
}

function flagOf(option: Fields): Flag {
  const value = text(option, 'value');
  const standard = text(option, 'standard');
  const more = standard === '' ? '' : ` (${standard})`;
  return {
    flags: `--${text(option, 'name')}${value === '' ? '' : ` <${value}>`}`,
    help: `${text(option, 'help').replace(/\.$/, '')}${option.required === true ? ' (needed)' : more}`,
    ...(option.repeat === true && { many: true }),
  };
}

function notesOf(info: Fields, options: readonly Fields[]): string {
  const env = options.map(option => text(option, 'env')).join(', ');
  const stands = `In the environment these stand in for what is not given:\n${fill(env)}`;
  return [text(info, 'notes'), stands].filter(part => part !== '').join('\n\n');
}

function fill(words: string): string {
  return words.replace(/(.{1,100})(?:, |$)/g, '  $1\n').trimEnd();
}

async function make(
  { args, client, env, flags, json: asJson }: Context,
  options: readonly Fields[],
): Promise<undefined> {
  const [type = '', typed = ''] = args;
  const path = treePath(typed, env);
  const made = fields(
    await client.call(MNT, {
      op: 'mount',
      type: typeOf(type),
      path,
      options: Object.fromEntries(options.flatMap(option => given(flags, option))),
      env: Object.fromEntries(options.flatMap(option => fromEnvironment(text(option, 'env')))),
    }),
  );
  if (asJson) {
    json(made);
    return undefined;
  }
  line(path);
  if (isTerminal(2)) note(`it is locked; open it with: aos unlock ${path} --duration=30m`);
  return undefined;
}

function given(flags: FlagValues, option: Fields): [string, unknown][] {
  const name = text(option, 'name');
  const key = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  if (option.repeat === true) {
    const values = flags.list(key);
    return values.length === 0 ? [] : [[name, values]];
  }
  if (text(option, 'value') === '') return flags.on(key) ? [[name, true]] : [];
  const value = flags.text(key);
  return value === undefined ? [] : [[name, value]];
}

function fromEnvironment(name: string): [string, string][] {
  const value = process.env[name];
  return value === undefined || value === '' ? [] : [[name, value]];
}

async function run({ client, flags, json: asJson }: Context): Promise<undefined> {
  if (!flags.on('list')) {
    throw new AosError('usage', {
      component: 'aos mount',
      why: 'it needs a kind of mount and a path',
      remedy: 'see `aos plugins` for the kinds, `aos mount --list` for what is mounted',
    });
  }
  const mounts = items(await client.call(MNT, { op: 'list' })).map(fields);
  if (asJson) {
    json(mounts);
    return undefined;
  }
  if (mounts.length > 0) line(table(['PATH', 'TYPE', 'MODE', 'LOCKED', 'OPTIONS'], mounts.map(row)));
  return undefined;
}

function row(mount: Fields): string[] {
  const options = Object.entries(fields(mount.options ?? {})).map(([name, value]) => `${name}=${String(value)}`);
  const said = text(mount, 'error') === '' ? options.join(' ') : text(mount, 'error');
  return [
    text(mount, 'path'),
    text(mount, 'type'),
    mount.writable === true ? 'rw' : 'ro',
    mount.locked === true ? 'yes' : 'no',
    said,
  ];
}
