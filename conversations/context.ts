/**
 * context.ctx: what was asked and answered in one turn, and the turns that it goes on from, each by the hash of its own
 * context.ctx. So a chain of turns never changes, and whatever goes on from it shares it and copies nothing.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256, type TurnLink } from '../plugin-sdk/index.ts';
import { json, type Meta, writeWhole } from './turn.ts';

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
    const { chain }: { chain?: unknown } = JSON.parse(readFileSync(join(dir, 'context.ctx'), 'utf8'));
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
