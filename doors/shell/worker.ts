/** The shell's thread. A script that never ends, or fills its memory, costs this thread and not the daemon. */

import { type MessagePort, parentPort } from 'node:worker_threads';
import { TreeError } from './errors.ts';
import { type Ended, Interpreter } from './interpreter.ts';
import type { FromShell, ToShell, TreeCall, TreeReply } from './protocol.ts';
import type { Send } from './remote.ts';

interface Waiting {
  resolve(value: unknown): void;
  reject(failure: unknown): void;
}

const ENDED: Ended = { code: 1, exited: false, incomplete: false, cwd: '/aos' };

function serve(port: MessagePort): void {
  const waiting = new Map<number, Waiting>();
  let next = 1;
  let interpreter: Interpreter | undefined;
  let stop: AbortController | undefined;
  let given: ((bytes: Uint8Array) => void) | undefined;
  const say = (message: FromShell): void => port.postMessage(message);

  const send: Send = <C extends TreeCall>(call: C) =>
    new Promise<TreeReply[C['op']]>((resolve, reject) => {
      const id = next++;
      // What comes back for an operation is what the table of replies says.
      waiting.set(id, { resolve: value => resolve(value as TreeReply[C['op']]), reject });
      say({ kind: 'call', id, call });
    });

  const input = (): Promise<Uint8Array> => {
    say({ kind: 'input' });
    return new Promise(resolve => {
      given = resolve;
    });
  };

  const run = async ({ script, stdin, interactive }: ToShell & { kind: 'run' }): Promise<void> => {
    stop = new AbortController();
    const { signal } = stop;
    try {
      const ended = await interpreter?.run(script, { stdin: stdin === 'ask' ? input : stdin, interactive, signal });
      say({ kind: 'done', ...(ended ?? ENDED) });
    } catch (thrown) {
      const said = thrown instanceof Error ? thrown.message : String(thrown);
      const text = `${said.startsWith('bash: ') ? '' : 'bash: '}${said}\n`;
      say({ kind: 'output', fd: 2, bytes: Buffer.from(text) });
      say({ kind: 'done', ...ENDED, cwd: interpreter?.cwd ?? ENDED.cwd });
    }
  };

  port.on('message', (message: ToShell) => {
    switch (message.kind) {
      case 'begin':
        interpreter = new Interpreter(message, send, (fd, bytes) => say({ kind: 'output', fd, bytes }));
        return;
      case 'run':
        return void run(message);
      case 'input':
        return given?.(message.bytes);
      case 'abort':
        return stop?.abort();
      case 'reply':
        waiting.get(message.id)?.resolve(message.value);
        return void waiting.delete(message.id);
      case 'refusal':
        waiting.get(message.id)?.reject(message.failure);
        return void waiting.delete(message.id);
    }
  });
}

/**
 * What a command has under way when it fails or is stopped fails after it. just-bash guards the `then` of promises, and its guard throws
 * that on, once the command is over, into promises that nobody holds. The command has said why it ended.
 */
process.on('unhandledRejection', thrown => {
  if (thrown instanceof TreeError) return;
  if (thrown instanceof Error && /^Execution(?:Aborted|Limit)Error$/.test(thrown.name)) return;
  throw thrown;
});

if (parentPort !== null) serve(parentPort);
