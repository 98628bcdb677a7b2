/**
 * context.ctx: what was asked and answered in one turn, and the turns that it goes on from, each by the hash of its own
 * context.ctx. So a chain of turns never changes, and whatever goes on from it shares it and copies nothing.
 */

import { sha256, type TurnLink } from '../plugin-sdk/index.ts';
import { readHead } from './host.ts';
import { json, type Meta, writeWhole } from './turn.ts';

/** What is read of one file. */
const BYTES_MAX = 4 * 1024 * 1024;

export interface Said {
  readonly prompt: string;
  /** Null while the run goes. */
  readonly answer: string | null;
}

/** Writes the file and gives the hash of what was written. */
export function writeContext(dir: string, meta: Meta, { prompt, answer }: Said, chain: readonly TurnLink[]): string {
  const { model, agent, session } = meta;
  const text = json({ v: 1, model, agent, session, chain, prompt, answer });
  writeWhole(dir, 'context.ctx', text);
  return sha256(text);
}

/** The chain that a turn's file has; none where it cannot be read. */
export function chainOf(dir: string): readonly TurnLink[] {
  try {
    const { chain }: { chain?: unknown } = JSON.parse(readHead(dir, 'context.ctx', BYTES_MAX)?.bytes.toString() ?? '');
    return Array.isArray(chain) ? chain.filter(isLink) : [];
  } catch {
    return [];
  }
}

function isLink(value: unknown): value is TurnLink {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'turn') === 'string' &&
    typeof Reflect.get(value, 'sha256') === 'string'
  );
}
