/** Writes a file of the tree, or sends a message. */

import { createReadStream } from 'node:fs';
import type { Body } from '../client.ts';
import { isTerminal, json, write } from '../output.ts';
import { treePath } from '../tree.ts';
import type { Context, Verb } from '../verb.ts';

export const verb: Verb = {
  name: 'write',
  summary: 'Write a file of the tree',
  args: '<path> [-]',
  argHelp: ['a path from /aos down', 'take the content from stdin'],
  flags: [
    { flags: '--value <text>', help: 'the content, and a newline after it, as echo would' },
    { flags: '--file <file>', help: 'take the content from a file, byte for byte' },
    { flags: '--append', help: 'add to what is there' },
  ],
  notes: `Examples:
  aos write /aos/agents/researcher/session --value new
  tail -100 app.log | aos write /aos/memory/app.log -`,
  async run(context: Context) {
    const { args, client, env, flags } = context;
    const path = treePath(args[0] ?? '', env);
    const body = content(context);
    const query = flags.on('append') ? { append: '1' } : {};
    const reply = await client.ask({ method: 'PUT', path, query, body });
    if (context.json) json({ path, receipt: receiptOf(reply) });
    else if (!isJson(reply)) write(reply);
  },
};

function content({ args, flags }: Context): Body {
  const value = flags.text('value');
  const file = flags.text('file');
  const stdin = args[1] !== undefined;
  if (stdin && args[1] !== '-') throw flags.wrong(`"${args[1]}" is too much; give the content with --value`);
  if ([value !== undefined, file !== undefined, stdin].filter(Boolean).length > 1) {
    throw flags.wrong('only one of --value, --file and - can be the content');
  }
  if (value !== undefined) return Buffer.from(value.endsWith('\n') ? value : `${value}\n`);
  if (file !== undefined) return createReadStream(file);
  if (!stdin && isTerminal(0)) throw flags.wrong('there is no content; give --value, --file or -');
  return createReadStream('', { fd: 0, autoClose: false });
}

/** A receipt is for scripts; what is not JSON is the reply to a call, and was asked for. */
function isJson(reply: Buffer): boolean {
  return reply.length === 0 || receiptOf(reply) !== undefined;
}

function receiptOf(reply: Buffer): unknown {
  if (reply.length === 0) return null;
  try {
    return JSON.parse(reply.toString());
  } catch {
    return undefined;
  }
}
