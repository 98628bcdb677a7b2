/** Ends the record of a run that died with its daemon: what was written stays, and the record says how it ended. */

import { appendFileSync, closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Millis, RunRow } from '../plugin-sdk/index.ts';
import { chainOf, writeContext } from './context.ts';
import { transcriptOf } from './transcript.ts';
import { iso, json, type Meta, outcomeOf, summaryOf, usd, writeWhole } from './turn.ts';

/** `row` is what the process table knows of the run; its word on how the run ended and what it cost is taken. */
export function recover(root: string, turn: string, meta: Meta, row: RunRow | undefined, now: Millis): Meta {
  const dir = join(root, turn);
  const ended = row?.state === 'ended' && row.reason !== null;
  const outcome = ended ? outcomeOf(row.reason) : 'interrupted';
  const at = iso(row?.ended ?? now);
  const why =
    outcome === 'interrupted'
      ? 'the daemon stopped before this run ended'
      : 'the daemon stopped before this was written down';
  const told = transcriptOf(dir);
  const cost = Math.max(row?.cost ?? 0, told.cost);
  appendLine(
    join(dir, 'transcript.jsonl'),
    JSON.stringify({ v: 1, ts: at, type: 'exit', code: row?.code ?? 130, reason: outcome }),
  );
  appendLine(join(dir, 'transcript.md'), `\n---\n\n${outcome}: ${why}`);
  const finished: Meta = { ...meta, outcome, cost_usd: usd(cost), ended: at };
  writeWhole(dir, 'summary.md', summaryOf(told.output) || `${outcome}: ${why}\n`);
  writeWhole(
    dir,
    'cost.json',
    json({ cost_usd: usd(cost), cost_micros: cost, model: meta.model, tokens: meta.tokens, duration_sec: null }),
  );
  writeContext(dir, finished, { prompt: told.prompt || meta.prompt, answer: told.output }, chainOf(dir));
  if (!existsSync(join(dir, 'manifest.json'))) {
    writeWhole(dir, 'manifest.json', json({ v: 1, conversation: turn, model: meta.model, complete: false }));
  }
  writeWhole(dir, 'meta.json', json(finished));
  return finished;
}

/** On a line of its own, even where the last write was cut. */
function appendLine(file: string, line: string): void {
  appendFileSync(file, `${endsInNewline(file) ? '' : '\n'}${line}\n`);
}

function endsInNewline(file: string): boolean {
  if (!existsSync(file)) return true;
  const fd = openSync(file, 'r');
  try {
    const { size } = fstatSync(fd);
    const last = Buffer.alloc(1);
    return size === 0 || (readSync(fd, last, 0, 1, size - 1) === 1 && last[0] === 10);
  } finally {
    closeSync(fd);
  }
}
