/**
 * context.ctx: a chain of blocks, two for each turn, by the hash of their text. The text itself is in the transcripts of the
 * turns, so whatever goes on from here shares the chain and copies nothing.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../plugin-sdk/index.ts';
import { transcriptOf } from './transcript.ts';
import { json, type Meta, writeWhole } from './turn.ts';

export interface Chain {
  /** Prompt and answer of each turn, oldest first; of one that is still running, the prompt alone. */
  readonly blocks: readonly string[];
  /** Where their text lies: `YYYY/MM/DD/<id>`. */
  readonly turns: readonly string[];
}

export const NO_CHAIN: Chain = { blocks: [], turns: [] };

/** The chain of turns that have ended, out of what each says of itself. */
export function chainOf(root: string, turns: readonly string[]): Chain {
  return { blocks: turns.flatMap(turn => blocksOf(join(root, turn))), turns };
}

export function longer({ blocks, turns }: Chain, turn: string, texts: readonly string[]): Chain {
  return { blocks: [...blocks, ...texts.map(sha256)], turns: [...turns, turn] };
}

/** Writes the file of a turn that ends this chain, and gives the hash of what was written. */
export function writeContext(dir: string, { model, agent, session }: Meta, { blocks, turns }: Chain): string {
  const text = json({ v: 1, model, agent, session, chain: blocks, turns });
  writeWhole(dir, 'context.ctx', text);
  return sha256(text);
}

/** The chain that a turn's file holds, without the turn itself; none where it cannot be read. */
export function chainBefore(dir: string): Chain {
  const { blocks, turns } = readChain(dir);
  const before = turns.slice(0, -1);
  return { blocks: blocks.slice(0, 2 * before.length), turns: before };
}

function blocksOf(dir: string): readonly string[] {
  const own = readChain(dir).blocks;
  if (own.length > 0 && own.length % 2 === 0) return own.slice(-2);
  const { prompt, output } = transcriptOf(dir);
  return [sha256(prompt), sha256(output)];
}

function readChain(dir: string): Chain {
  try {
    const { chain, turns }: { chain?: unknown; turns?: unknown } = JSON.parse(
      readFileSync(join(dir, 'context.ctx'), 'utf8'),
    );
    return { blocks: strings(chain), turns: strings(turns) };
  } catch {
    return NO_CHAIN;
  }
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter(each => typeof each === 'string') : [];
}
