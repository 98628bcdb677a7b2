/** A message to an agent, as invoke, resume and fork send it: its flags, its estimate, its runs and their answers. */

import { readFileSync } from 'node:fs';
import { estimateLine } from '../agents/estimate.ts';
import { AosError, asAosError } from '../core/errors.ts';
import { isTerminal, json, line, note, write } from './output.ts';
import { progress } from './progress.ts';
import { complaint, exitCodeOf, outcome, waitFor } from './run.ts';
import { type Fields, fields, text } from './shape.ts';
import { treePathOrNone } from './tree.ts';
import type { Context, Flag } from './verb.ts';

const NEWLINE = 10;

export const MESSAGE_FLAGS: readonly Flag[] = [
  { flags: '-w, --wait', help: 'stream the answer and exit with the code of the run' },
  { flags: '-m, --model <name>', help: 'another model than the agent has, for this run' },
  { flags: '--budget <usd>', help: 'the most this may cost' },
  { flags: '--timeout <seconds>', help: 'stop the run after that long' },
  { flags: '--attach <file>', help: 'give a text file along with the prompt' },
  { flags: '--idempotency-key <key>', help: 'the same key within 10 minutes runs once' },
  { flags: '--ceiling <rule>', help: 'let the run do only this, as VERBS:PATTERN; can be repeated', many: true },
  { flags: '--dry-run', help: 'print an estimate and spend nothing' },
  { flags: '--force', help: 'run even if the estimate is above $0.10' },
  { flags: '--allow-unknown-cost', help: 'run even if nobody knows what the model costs' },
];

/**
 * The prompt as it was typed, or from stdin for `-`; where nothing was typed, from stdin too unless that is a terminal. Throws
 * `usage` where there is none.
 */
export function promptOf(typed: string | undefined, verb: string): string {
  const prompt = typed === undefined || typed === '-' ? fromStdin(typed, verb) : typed;
  if (prompt.trim() !== '') return prompt;
  throw new AosError('usage', { component: verb, why: 'the prompt is empty', remedy: 'say what to ask' });
}

/** The message of contract section 2, with only what was given; `more` are the keys that one verb alone has. */
export function compose(context: Context, verb: string, prompt: string, more: Fields): Fields {
  const { flags, env } = context;
  const override = {
    model: flags.text('model'),
    max_cost_usd: flags.number('budget'),
    timeout_sec: flags.number('timeout'),
  };
  const attach = flags.text('attach');
  const inTree = attach === undefined ? undefined : treePathOrNone(attach, env);
  const message: Record<string, unknown> = {
    prompt: attach === undefined || inTree !== undefined ? prompt : withFile(prompt, attach, verb),
    attach: inTree === undefined ? undefined : [inTree],
    idempotency_key: flags.text('idempotencyKey'),
    ceiling: ceilingOf(context),
    force: flags.on('force') ? true : undefined,
    allow_unknown_cost: flags.on('allowUnknownCost') ? true : undefined,
    ...more,
  };
  if (Object.values(override).some(value => value !== undefined)) message.override = override;
  return message;
}

/** Sends it, or with `--dry-run` asks what it would cost. Gives the exit code. */
export async function send(context: Context, agent: string, message: Fields): Promise<number> {
  const { client, flags } = context;
  const path = `/aos/agents/${agent}/inbox`;
  if (flags.on('dryRun')) return dryRun(context, path, message);
  const receipt = await client.json({ method: 'PUT', path, body: Buffer.from(JSON.stringify(message)) });
  const receipts = Array.isArray(receipt) ? receipt.map(fields) : undefined;
  if (flags.on('wait')) {
    return receipts === undefined ? follow(context, agent, fields(receipt)) : gather(context, agent, receipts);
  }
  if (context.json) json(receipt);
  else for (const each of receipts ?? [fields(receipt)]) line(`${text(each, 'pid')} ${text(each, 'conversation')}`);
  return 0;
}

/** What is attached from outside the tree goes with the prompt: the daemon reads no files on a user's behalf. */
function withFile(prompt: string, file: string, verb: string): string {
  return `${prompt.trimEnd()}\n\n--- ${file} ---\n${readText(file, verb)}`;
}

function fromStdin(typed: string | undefined, verb: string): string {
  if (typed === undefined && isTerminal(0)) {
    throw new AosError('usage', {
      component: verb,
      why: 'there is no prompt',
      remedy: 'give it as an argument, or - to read it from stdin',
    });
  }
  return readText(0, verb).trimEnd();
}

function readText(file: string | 0, verb: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    throw asAosError(thrown, verb, file === 0 ? 'stdin' : file);
  }
}

async function dryRun({ client, json: asJson }: Context, inbox: string, message: Fields): Promise<number> {
  const found = fields(await client.call(inbox, { dry_run: true, ...message }));
  if (asJson) json(found);
  else
    line(
      estimateLine({
        estimate_usd: dollars(found, 'estimate_usd'),
        low_usd: dollars(found, 'low_usd'),
        high_usd: dollars(found, 'high_usd'),
      }),
    );
  return 0;
}

/** Null where it is not known. */
function dollars(found: Fields, key: string): number | null {
  const amount = found[key];
  return typeof amount === 'number' ? amount : null;
}

/** `read,list:/aos/memory/**` as a grant; several narrow together to what one of them allows. */
function ceilingOf({ flags }: Context): Fields[] | undefined {
  const rules = flags.list('ceiling').map(rule => {
    const colon = rule.indexOf(':');
    if (colon <= 0) throw flags.wrong(`--ceiling takes VERBS:PATTERN such as read,list:/aos/memory/**, not "${rule}"`);
    return { verbs: rule.slice(0, colon).split(','), path: rule.slice(colon + 1) };
  });
  return rules.length === 0 ? undefined : rules;
}

/** Shows the answer of one run as it comes. */
async function follow(context: Context, agent: string, receipt: Fields): Promise<number> {
  const { client } = context;
  const pid = text(receipt, 'pid');
  leaveOnInterrupt(context, [pid]);
  const done = progress(`${agent} is at work as ${pid}`);
  try {
    if (!context.json) await stream(context, pid, done);
    const end = await waitFor(client, pid);
    done();
    if (context.json) json(outcome(end));
    return conclude(end);
  } finally {
    done();
  }
}

/** The answers of several runs, each under a head line as head(1) has, in the order they were asked for. */
async function gather(context: Context, agent: string, receipts: readonly Fields[]): Promise<number> {
  const pids = receipts.map(receipt => text(receipt, 'pid'));
  leaveOnInterrupt(context, pids);
  const done = progress(`${agent} is at work as ${pids.join(', ')}`);
  const ends: Fields[] = [];
  try {
    for (const [i, pid] of pids.entries()) {
      const end = await waitFor(context.client, pid);
      ends.push(end);
      if (context.json) continue;
      done();
      line(`${i > 0 ? '\n' : ''}==> ${pid} ${text(end, 'conversation')} <==\n${text(end, 'output').trimEnd()}`);
    }
  } finally {
    done();
  }
  if (context.json) json(ends.map(outcome));
  const codes = ends.map(conclude);
  return codes.find(code => code !== 0) ?? 0;
}

function leaveOnInterrupt(context: Context, pids: readonly string[]): void {
  context.onInterrupt(() => {
    note(
      `\n${pids.map(pid => `aos: run ${pid} goes on: \`aos wait ${pid}\` waits for it, \`aos kill ${pid}\` stops it`).join('\n')}`,
    );
    return 130;
  });
}

function conclude(end: Fields): number {
  const said = complaint(end);
  if (said !== undefined) note(said);
  return exitCodeOf(end);
}

/** Copies the answer to stdout as it grows, and ends it with a newline where it has none. */
async function stream({ client }: Context, pid: string, begun: () => void): Promise<void> {
  let last = NEWLINE;
  const sink = (piece: Uint8Array): void => {
    begun();
    last = piece.at(-1) ?? last;
    write(piece);
  };
  await client.ask({ method: 'GET', path: `/aos/procs/${pid}/stdout`, query: { follow: '1' }, sink });
  if (last !== NEWLINE) write('\n');
}
