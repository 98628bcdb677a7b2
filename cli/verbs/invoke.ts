/** Sends a prompt to an agent, and with `--wait` shows the answer as it comes. */

import { readFileSync } from 'node:fs';
import { estimateLine } from '../../agents/estimate.ts';
import { AosError, asAosError } from '../../core/errors.ts';
import { isTerminal, json, line, note, write } from '../output.ts';
import { progress } from '../progress.ts';
import { complaint, exitCodeOf, outcome, waitFor } from '../run.ts';
import { type Fields, fields, text } from '../shape.ts';
import { nameIn, treePath, treePathOrNone } from '../tree.ts';
import type { Context, Verb } from '../verb.ts';

const NEWLINE = 10;

export const verb: Verb = {
  name: 'invoke',
  summary: 'Send a prompt to an agent',
  args: '<agent> [prompt]',
  argHelp: ['a name below /aos/agents', 'what to ask; - or nothing reads it from stdin'],
  flags: [
    { flags: '-w, --wait', help: 'stream the answer and exit with the code of the run' },
    { flags: '-m, --model <name>', help: 'another model than the agent has, for this run' },
    { flags: '--budget <usd>', help: 'the most this run may cost' },
    { flags: '--timeout <seconds>', help: 'stop the run after that long' },
    { flags: '--context <path>', help: 'go on from a .ctx file' },
    { flags: '--session <id>', help: 'the session to be in; new starts one' },
    { flags: '--attach <file>', help: 'give a text file along with the prompt' },
    { flags: '--idempotency-key <key>', help: 'the same key within 10 minutes runs once' },
    { flags: '--ceiling <rule>', help: 'let the run do only this, as VERBS:PATTERN; can be repeated', many: true },
    { flags: '--dry-run', help: 'print an estimate and spend nothing' },
    { flags: '--force', help: 'run even if the estimate is above $0.10' },
    { flags: '--allow-unknown-cost', help: 'run even if nobody knows what the model costs' },
  ],
  notes: `Without --wait it prints "PID CONVERSATION" and returns at once.

Examples:
  aos invoke researcher "What is in memory about tides?" --wait
  git diff | aos invoke coder - --wait --budget 0.05
  aos invoke coder "Tidy up" --ceiling read,list:/aos/memory/** --ceiling call:/aos/models/**`,
  run,
};

async function run(context: Context): Promise<number> {
  const { args, flags, client } = context;
  const agent = nameIn('/aos/agents', args[0] ?? '');
  const inbox = `/aos/agents/${agent}/inbox`;
  const message = compose(context);
  if (flags.on('dryRun')) return dryRun(context, inbox, message);
  const body = Buffer.from(JSON.stringify(message));
  const receipt = fields(await client.json({ method: 'PUT', path: inbox, body }));
  if (flags.on('wait')) return follow(context, agent, receipt);
  if (context.json) json(receipt);
  else line(`${text(receipt, 'pid')} ${text(receipt, 'conversation')}`);
  return 0;
}

/** The message of contract section 2, with only what was given. */
function compose(invocation: Context): Fields {
  const { args, flags, env } = invocation;
  const override = {
    model: flags.text('model'),
    max_cost_usd: flags.number('budget'),
    timeout_sec: flags.number('timeout'),
  };
  const context = flags.text('context');
  const attach = flags.text('attach');
  const inTree = attach === undefined ? undefined : treePathOrNone(attach, env);
  const message: Record<string, unknown> = {
    prompt: promptOf(args[1], inTree === undefined ? attach : undefined),
    attach: inTree === undefined ? undefined : [inTree],
    context: context === undefined ? undefined : treePath(context, env),
    session: flags.text('session'),
    idempotency_key: flags.text('idempotencyKey'),
    ceiling: ceilingOf(invocation),
    force: flags.on('force') ? true : undefined,
    allow_unknown_cost: flags.on('allowUnknownCost') ? true : undefined,
  };
  if (Object.values(override).some(value => value !== undefined)) message.override = override;
  return message;
}

/** What is attached from outside the tree goes with the prompt: the daemon reads no files on a user's behalf. */
function promptOf(given: string | undefined, attach: string | undefined): string {
  const prompt = given === undefined || given === '-' ? fromStdin(given) : given;
  if (prompt.trim() === '') {
    throw new AosError('usage', { component: 'aos invoke', why: 'the prompt is empty', remedy: 'say what to ask' });
  }
  if (attach === undefined) return prompt;
  return `${prompt.trimEnd()}\n\n--- ${attach} ---\n${readText(attach)}`;
}

function fromStdin(given: string | undefined): string {
  if (given === undefined && isTerminal(0)) {
    throw new AosError('usage', {
      component: 'aos invoke',
      why: 'there is no prompt',
      remedy: 'give it as an argument, or - to read it from stdin',
    });
  }
  return readText(0).trimEnd();
}

function readText(file: string | 0): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    throw asAosError(thrown, 'aos invoke', file === 0 ? 'stdin' : file);
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

async function follow(context: Context, agent: string, receipt: Fields): Promise<number> {
  const { client } = context;
  const pid = text(receipt, 'pid');
  context.onInterrupt(() => {
    note(`\naos: run ${pid} goes on: \`aos wait ${pid}\` waits for it, \`aos kill ${pid}\` stops it`);
    return 130;
  });
  const done = progress(`${agent} is at work as ${pid}`);
  try {
    if (!context.json) await stream(context, pid, done);
    const end = await waitFor(client, pid);
    done();
    if (context.json) json(outcome(end));
    const said = complaint(end);
    if (said !== undefined) note(said);
    return exitCodeOf(end);
  } finally {
    done();
  }
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
