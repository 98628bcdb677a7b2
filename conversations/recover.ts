/** Ends the record of a run that died with its daemon: what was written stays, and the record says how it ended. */

import { closeSync } from 'node:fs';
import { join } from 'node:path';
import type { Millis, RunRow } from '../plugin-sdk/index.ts';
import { chainOf, writeContext } from './context.ts';
import { addLine, isMadeHere, openLog, readHead, writeWhole } from './host.ts';
import { transcriptOf } from './transcript.ts';
import { costOf, iso, json, type Meta, outcomeOf, summaryOf, usd } from './turn.ts';

/**
 * `row` is what the process table knows of the run; its word on how the run ended and what it cost is taken. Gives `meta`
 * itself, and touches nothing, where only the directory says that a run wrote it: no row names it, the run has not started,
 * or somebody else made it.
 */
export function recover(root: string, turn: string, meta: Meta, row: RunRow | undefined, now: Millis): Meta {
  const dir = join(root, turn);
  if (row?.conversation !== turn || row.state === 'queued' || !isMadeHere(root, dir)) return meta;
  const ended = row.state === 'ended' && row.reason !== null;
  const outcome = ended ? outcomeOf(row.reason) : 'interrupted';
  const at = iso(row.ended ?? now);
  const why =
    outcome === 'interrupted'
      ? 'the daemon stopped before this run ended'
      : 'the daemon stopped before this was written down';
  const told = transcriptOf(dir);
  const cost = meta.cost_usd === null ? null : Math.max(row.cost, told.cost);
  addLines(dir, {
    'transcript.jsonl': JSON.stringify({ v: 1, ts: at, type: 'exit', code: row.code ?? 130, reason: outcome }),
    'transcript.md': `\n---\n\n${outcome}: ${why}`,
  });
  const finished: Meta = { ...meta, outcome, cost_usd: cost === null ? null : usd(cost), ended: at };
  writeWhole(dir, 'summary.md', summaryOf(told.output) || `${outcome}: ${why}\n`);
  writeWhole(dir, 'cost.json', json({ ...costOf(cost), model: meta.model, tokens: meta.tokens, duration_sec: null }));
  writeContext(dir, finished, { prompt: told.prompt || meta.prompt, answer: told.output }, chainOf(dir));
  if (readHead(dir, 'manifest.json', 0) === undefined) {
    writeWhole(dir, 'manifest.json', json({ v: 1, conversation: turn, model: meta.model, complete: false }));
  }
  writeWhole(dir, 'meta.json', json(finished));
  return finished;
}

/** To each of these files, or to none. */
function addLines(dir: string, lines: Readonly<Record<string, string>>): void {
  const open: [fd: number, line: string][] = [];
  try {
    for (const [name, line] of Object.entries(lines)) open.push([openLog(dir, name), line]);
    for (const [fd, line] of open) addLine(fd, line);
  } finally {
    for (const [fd] of open) closeSync(fd);
  }
}
