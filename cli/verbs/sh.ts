/** A shell over the tree, run by the daemon: it needs no mount. */

import { createReadStream, fstatSync } from 'node:fs';
import { AosError } from '../../core/errors.ts';
import { FrameReader, frame, type Over } from '../../doors/shell/frames.ts';
import type { Client } from '../client.ts';
import { isTerminal, json, write } from '../output.ts';
import { nameIn } from '../tree.ts';
import type { Context, Verb } from '../verb.ts';

const LOST: Over = { code: 1, exited: true, incomplete: false, cwd: '/aos' };

export const verb: Verb = {
  name: 'sh',
  summary: 'Run shell commands in the tree, as you or as an agent',
  flags: [
    { flags: '-c, --command <script>', help: 'run this; without it: what stdin gives, or what you type' },
    { flags: '--as <agent>', help: 'as that agent, run by you: with no more than both may do' },
  ],
  notes: `It is bash over /aos in the daemon: what it sees is what its caller may see, and nothing of this machine. It
needs no mount. The exit code is the command's; 130 after Ctrl-C, 66 when its time is up. \`call PATH REQUEST\` asks a
call file.

Examples:
  aos sh -c 'grep -r idea /aos/memory | head'
  aos sh --as researcher -c 'ls -R /aos/memory'
  aos sh < script.sh`,
  async run(context: Context) {
    const script = context.flags.text('command');
    if (script === undefined && isTerminal(0) && isTerminal(1)) {
      const { converse } = await import('../converse.ts');
      return converse(open(context.client, agentOf(context)), agentOf(context));
    }
    const text = script ?? (await typedIn());
    return runOnce(context, text, script !== undefined && hasInput());
  },
};

function agentOf({ flags }: Context): string | undefined {
  const as = flags.text('as');
  return as === undefined ? undefined : nameIn('/aos/agents', as);
}

async function runOnce(context: Context, script: string, input: boolean): Promise<number> {
  const written: Record<1 | 2, Uint8Array[]> = { 1: [], 2: [] };
  const shell = open(context.client, agentOf(context));
  const output = context.json
    ? (fd: 1 | 2, bytes: Uint8Array) => void written[fd].push(bytes)
    : (fd: 1 | 2, bytes: Uint8Array) => write(bytes, fd);
  const { code } = await shell.run(script, { input, interactive: false }, output);
  await shell.close();
  if (context.json) {
    const text = (fd: 1 | 2): string => Buffer.concat(written[fd]).toString();
    json({ stdout: text(1), stderr: text(2), exit_code: code });
  }
  return code;
}

async function typedIn(): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stdin()) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

function stdin(): AsyncIterable<Buffer> {
  return createReadStream('', { fd: 0, autoClose: false });
}

/** Whether there is something to read on stdin other than a terminal, or nothing at all. */
function hasInput(): boolean {
  try {
    const stat = fstatSync(0);
    return stat.isFile() || stat.isFIFO() || stat.isSocket();
  } catch {
    return false;
  }
}

export interface Shell {
  /** One script to its end. Throws what the daemon says where it runs none. */
  run(
    script: string,
    how: { readonly input: boolean; readonly interactive: boolean },
    output: (fd: 1 | 2, bytes: Uint8Array) => void,
  ): Promise<Over>;
  interrupt(): void;
  close(): Promise<void>;
}

/** A session in the daemon, for as long as the connection lasts. */
export function open(client: Client, agent: string | undefined): Shell {
  const asks = new Pushed();
  const reader = new FrameReader();
  let output: (fd: 1 | 2, bytes: Uint8Array) => void = () => undefined;
  let over: PromiseWithResolvers<Over> | undefined;
  const sendInput = async (): Promise<void> => {
    for await (const piece of stdin()) asks.push(frame('input', piece));
    asks.push(frame('input-end'));
  };
  const lost = new AosError('io', { component: 'aos sh', why: 'the shell ended early', remedy: 'see `aos logs`' });
  const done = client
    .ask({
      method: 'POST',
      path: '/shell',
      query: { as: agent },
      body: asks,
      sink: piece =>
        reader.push(piece, (kind, body) => {
          if (kind === 'stdout' || kind === 'stderr') output(kind === 'stdout' ? 1 : 2, body);
          else if (kind === 'want-input') void sendInput();
          else if (kind === 'over') over?.resolve({ ...LOST, ...overOf(body) });
        }),
    })
    .then(
      () => over?.reject(lost),
      (thrown: unknown) => over?.reject(thrown),
    );
  return {
    run(script, how, to) {
      output = to;
      over = Promise.withResolvers<Over>();
      asks.push(frame('run', { script, ...how }));
      return over.promise;
    },
    interrupt: () => asks.push(frame('interrupt')),
    async close() {
      asks.end();
      over = undefined;
      await done;
    },
  };
}

function overOf(body: Buffer): Partial<Over> {
  const value: unknown = JSON.parse(body.toString());
  return typeof value === 'object' && value !== null ? value : {};
}

/** What is sent as it comes to be. */
class Pushed implements AsyncIterable<Uint8Array> {
  private readonly waiting: Uint8Array[] = [];
  private ended = false;
  private wake: () => void = () => undefined;

  push(bytes: Uint8Array): void {
    this.waiting.push(bytes);
    this.wake();
  }

  end(): void {
    this.ended = true;
    this.wake();
  }

  private more(): Promise<void> {
    return new Promise(resolve => {
      this.wake = resolve;
    });
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    for (;;) {
      const next = this.waiting.shift();
      if (next !== undefined) yield next;
      else if (this.ended) return;
      else await this.more();
    }
  }
}
