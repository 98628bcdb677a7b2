/** The shell door: bash over the tree, in process, as one caller. It needs no mount, and sees nothing of the host. */

import type { Aos, Caller } from '../../core/types.ts';
import { type SessionOptions, ShellSession } from './session.ts';

export type { ScriptLimits } from './protocol.ts';
export { type Finished, type Script, type SessionOptions, ShellSession } from './session.ts';

export interface RunOptions extends Partial<Pick<SessionOptions, 'cwd' | 'env' | 'limits' | 'output'>> {
  readonly stdin?: Uint8Array;
  /** Stops the script, which then gives 130. */
  readonly signal?: AbortSignal;
}

export interface ShellResult {
  /** The script's own; 130 interrupted, 66 out of time. */
  readonly code: number;
  /** What was written, where `output` did not take it. */
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** Runs one script as `caller` and gives what it wrote. Throws `busy` where too many shells run already. */
export async function runShell(
  aos: Aos,
  caller: Caller,
  script: string,
  options: RunOptions = {},
): Promise<ShellResult> {
  const { stdin, signal, output, ...rest } = options;
  const written: Record<1 | 2, Uint8Array[]> = { 1: [], 2: [] };
  const session = new ShellSession(aos, caller, {
    ...rest,
    output: output ?? ((fd, bytes) => written[fd].push(bytes)),
  });
  const interrupt = (): void => session.interrupt();
  signal?.addEventListener('abort', interrupt);
  try {
    if (signal?.aborted === true) return { code: 130, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
    const { code } = await session.run(script, { stdin });
    return { code, stdout: Buffer.concat(written[1]), stderr: Buffer.concat(written[2]) };
  } finally {
    signal?.removeEventListener('abort', interrupt);
    session.close();
  }
}
