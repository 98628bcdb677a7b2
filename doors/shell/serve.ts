/** A shell for a client at the socket: one session, which ends with the connection. */

import { AosError } from '../../core/errors.ts';
import type { Aos } from '../../core/types.ts';
import type { StreamExchange, StreamHandler } from '../stream.ts';
import { FrameReader, frame, type Over, type Run } from './frames.ts';
import { SHELL_LIMITS } from './limits.ts';
import { ShellSession } from './session.ts';
import { COMPONENT } from './tree.ts';

/** `as=AGENT` in the query: as that agent. */
export function shellHandler(aos: Aos): StreamHandler {
  return async exchange => {
    const caller = await exchange.caller('shell', exchange.query.get('as') ?? undefined);
    await new Served(exchange, output => new ShellSession(aos, caller, { output })).over();
  };
}

class Served {
  private readonly exchange: StreamExchange;
  private readonly session: ShellSession;
  private readonly input = new Input();
  /** What is being sent, in order. */
  private sending: Promise<unknown> = Promise.resolve();
  /** Scripts, one after another; those that wait when the client goes are given up. */
  private runs: Promise<unknown> = Promise.resolve();
  /** Rejects where a script could not be run at all. */
  private readonly failed = Promise.withResolvers<never>();

  constructor(exchange: StreamExchange, open: (output: (fd: 1 | 2, bytes: Uint8Array) => void) => ShellSession) {
    this.exchange = exchange;
    this.session = open((fd, bytes) => this.send(frame(fd === 1 ? 'stdout' : 'stderr', bytes)));
  }

  async over(): Promise<void> {
    const { exchange, session } = this;
    const gone = (): void => session.close();
    exchange.cancel.signal.addEventListener('abort', gone);
    try {
      await Promise.race([this.listen(), this.failed.promise]);
      await this.sending;
    } finally {
      exchange.cancel.signal.removeEventListener('abort', gone);
      session.close();
    }
  }

  /** Until the client has no more to say and its scripts are over. */
  private async listen(): Promise<void> {
    const reader = new FrameReader(SHELL_LIMITS.ask_bytes_max);
    for await (const bytes of this.exchange.body) {
      reader.push(bytes, (kind, body) => {
        if (kind === 'run') this.run(body);
        else if (kind === 'input') this.input.push(body);
        else if (kind === 'input-end') this.input.end();
        else if (kind === 'interrupt') this.session.interrupt();
      });
    }
    await this.runs;
  }

  private run(body: Buffer): void {
    const { script, input, interactive } = requestOf(body);
    this.runs = this.runs.then(async () => {
      if (this.session.closed) return;
      try {
        const stdin = input ? () => this.wanted() : undefined;
        const { code, exited, incomplete, cwd } = await this.session.run(script, { stdin, interactive });
        this.send(frame('over', { code, exited, incomplete, cwd } satisfies Over));
      } catch (thrown) {
        this.failed.reject(thrown);
      }
    });
  }

  private wanted(): Promise<Uint8Array> {
    this.send(frame('want-input'));
    return this.input.whole();
  }

  private send(bytes: Uint8Array): void {
    this.sending = this.sending.then(() => this.exchange.send(bytes));
  }
}

/** What the client gives a script to read. */
class Input {
  private readonly parts: Uint8Array[] = [];
  private size = 0;
  private readonly ended = Promise.withResolvers<Uint8Array>();

  push(bytes: Uint8Array): void {
    this.size += bytes.length;
    if (this.size <= SHELL_LIMITS.stdin_bytes_max) {
      this.parts.push(Uint8Array.from(bytes));
      return;
    }
    const why = `the standard input is over ${SHELL_LIMITS.stdin_bytes_max} bytes`;
    this.ended.reject(
      new AosError('too_large', { component: COMPONENT, why, remedy: 'put it into a file below /aos' }),
    );
  }

  end(): void {
    this.ended.resolve(Buffer.concat(this.parts));
  }

  whole(): Promise<Uint8Array> {
    return this.ended.promise;
  }
}

function requestOf(body: Buffer): Run {
  try {
    const asked: unknown = JSON.parse(body.toString());
    if (typeof asked === 'object' && asked !== null && 'script' in asked && typeof asked.script === 'string') {
      const on = (name: string): boolean => Reflect.get(asked, name) === true;
      return { script: asked.script, input: on('input'), interactive: on('interactive') };
    }
  } catch {
    // Said below.
  }
  throw new AosError('invalid', { component: COMPONENT, why: 'not a script', remedy: 'send {"script": "..."}' });
}
