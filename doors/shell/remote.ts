/** The tree as the shell's thread has it: requests to the thread that holds it, and a record of those that were refused. */

import { type Failed, TreeError } from './errors.ts';
import type { TreeCall, TreeFailure, TreeReply } from './protocol.ts';

/** Asks the thread that holds the tree. Rejects with the TreeFailure. */
export type Send = <C extends TreeCall>(call: C) => Promise<TreeReply[C['op']]>;

export class Remote {
  readonly send: Send;
  private failed: Failed[] = [];

  constructor(send: Send) {
    this.send = send;
  }

  /** Rejects with a TreeError that is on record. `name` is that of the system call; `probe`: a look that may well fail. */
  async ask<C extends TreeCall>(name: string, path: string, call: C, probe = false): Promise<TreeReply[C['op']]> {
    try {
      return await this.send(call);
    } catch (thrown) {
      throw this.refused(name, path, thrown, probe);
    }
  }

  /** False where it was refused: then it is on record. */
  async quietly(name: string, path: string, call: TreeCall): Promise<boolean> {
    try {
      await this.send(call);
      return true;
    } catch (thrown) {
      this.refused(name, path, thrown, false);
      return false;
    }
  }

  /** Puts a refusal on record and gives it as an error. */
  refused(name: string, path: string, thrown: unknown, probe: boolean): unknown {
    if (!isFailure(thrown)) return thrown;
    this.failed.push({ path, failure: thrown, probe });
    return new TreeError(thrown, name, path);
  }

  /** What went wrong since it was last asked. */
  takeFailures(): Failed[] {
    const { failed } = this;
    this.failed = [];
    return failed;
  }

  /** Puts those of before in front of what came since. */
  giveBack(before: readonly Failed[]): void {
    this.failed.unshift(...before);
  }
}

export function isFailure(thrown: unknown): thrown is TreeFailure {
  return typeof thrown === 'object' && thrown !== null && 'errno' in thrown && 'reason' in thrown;
}
