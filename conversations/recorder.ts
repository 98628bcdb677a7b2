/** Writes one turn's directory as its run goes: each event is on its way to the disk before the next one comes. */

import { createHash, type Hash } from 'node:crypto';
import { closeSync, mkdirSync, realpathSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type Millis,
  type RunEnd,
  type RunInfo,
  sha256,
  Told,
  type TraceEvent,
  type TurnLink,
} from '../plugin-sdk/index.ts';
import { writeContext } from './context.ts';
import { openLog } from './host.ts';
import { ToolFiles } from './tool-files.ts';
import { costOf, iso, json, type Meta, newMeta, outcomeOf, summaryOf, tokensOf, usd, writeWhole } from './turn.ts';

export class Recorder {
  readonly turn: string;
  private readonly dir: string;
  /** What meta.json says. */
  meta: Meta;
  /** Something could not be written: said once, and the rest is still tried. */
  failed = false;
  private readonly lines: number;
  private readonly text: number;
  private readonly hash: Hash = createHash('sha256');
  private readonly tools: ToolFiles;
  private readonly told = new Told();
  /** What this turn goes on from. */
  private chain: readonly TurnLink[] = [];
  private readonly children: string[] = [];
  private config: string | null = null;
  private streamed = false;
  private closed = false;

  /** Makes the directory and everything that is known at the start. `parent` is the turn that asked for this one. */
  constructor(root: string, run: RunInfo, at: Millis, parent: string | null) {
    this.turn = run.conversation;
    this.dir = join(root, run.conversation);
    this.meta = newMeta(run, at, parent);
    makeTurn(this.dir);
    writeWhole(this.dir, 'meta.json', json(this.meta));
    this.tools = new ToolFiles(this.dir);
    this.lines = openLog(this.dir, 'transcript.jsonl');
    this.text = openLog(this.dir, 'transcript.md');
    this.line({ v: 1, ts: iso(at), type: 'prompt', text: run.prompt });
    writeSync(this.text, heading(this.meta));
    writeFileSync(join(this.dir, 'decisions.jsonl'), '');
    this.writeContext(null);
    this.writeCost(0);
  }

  /** Remembers what a replay needs of the agent's configuration. */
  setConfig(bytes: Uint8Array): void {
    this.config = sha256(bytes);
  }

  /** `from`: the turn that this one branches from. */
  goOn(chain: readonly TurnLink[], from: string | null): void {
    this.chain = chain;
    this.meta = { ...this.meta, lineage: { ...this.meta.lineage, forked_from: from } };
    this.writeContext(null);
    writeWhole(this.dir, 'meta.json', json(this.meta));
  }

  addChild(path: string): void {
    this.children.push(path);
  }

  trace(event: TraceEvent): void {
    this.line(event);
    const file = this.tools.record(event);
    const text = event.type === 'text' ? String(event.text ?? '') : mark(event, file);
    if (text !== '') writeSync(this.text, text);
    if (event.type === 'text') this.streamed = true;
    if (event.type === 'approval') {
      writeFileSync(join(this.dir, 'decisions.jsonl'), `${JSON.stringify(event)}\n`, { flag: 'a' });
    }
  }

  /** meta.json is written last: from then on the directory never changes. */
  end(end: RunEnd, at: Millis, model: string): Meta {
    const answer = this.streamed || end.output === '' ? '' : end.output;
    if (answer !== '') this.line({ v: 1, ts: iso(at), type: 'text', text: answer });
    writeSync(this.text, answer + closing(end, this.meta));
    this.meta = {
      ...this.meta,
      model,
      lineage: { ...this.meta.lineage, children: this.children },
      tokens: tokensOf(end.usage),
      cost_usd: this.meta.cost_usd === null ? null : usd(end.cost),
      outcome: outcomeOf(end.reason),
      ended: iso(at),
    };
    writeWhole(this.dir, 'summary.md', summaryOf(end.output === '' ? (end.message ?? '') : end.output));
    this.writeCost(end.cost, end.durationMs);
    const context = this.writeContext(this.told.output);
    writeWhole(this.dir, 'manifest.json', json(this.manifest(context)));
    this.close();
    writeWhole(this.dir, 'meta.json', json(this.meta));
    return this.meta;
  }

  /** Gives the descriptors back; nothing can be written afterwards. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    closeSync(this.lines);
    closeSync(this.text);
  }

  private line(event: TraceEvent): void {
    const text = `${JSON.stringify(event)}\n`;
    writeSync(this.lines, text);
    this.hash.update(text);
    this.told.add(event);
  }

  private writeCost(micros: number, durationMs: number | null = null): void {
    const { model, tokens, cost_usd } = this.meta;
    const duration_sec = durationMs === null ? null : durationMs / 1000;
    writeWhole(
      this.dir,
      'cost.json',
      json({ ...costOf(cost_usd === null ? null : micros), model, tokens, duration_sec }),
    );
  }

  private writeContext(answer: string | null): string {
    return writeContext(this.dir, this.meta, { prompt: this.told.prompt, answer }, this.chain);
  }

  private manifest(context: string): object {
    return {
      v: 1,
      conversation: this.turn,
      model: this.meta.model,
      config: { path: `/aos/agents/${this.meta.agent}/config.yaml`, sha256: this.config },
      prompt: { sha256: sha256(this.meta.prompt) },
      context: { path: 'context.ctx', sha256: context },
      transcript: { path: 'transcript.jsonl', sha256: this.hash.digest('hex') },
      tools: this.tools.hashes(),
    };
  }
}

/** A new directory: one that was put there before, or a link in its way, could lead the record elsewhere. */
function makeTurn(dir: string): void {
  mkdirSync(dirname(dir), { recursive: true });
  if (realpathSync.native(dirname(dir)) !== dirname(dir)) throw new Error('a symbolic link is in the way');
  mkdirSync(dir);
  mkdirSync(join(dir, 'tools'));
  mkdirSync(join(dir, 'artifacts'));
}

function heading(meta: Meta): string {
  const { agent, model, session, pid, started, prompt } = meta;
  return `# ${agent}, ${started}\n\nmodel ${model}, session ${session}, pid ${pid}\n\n## Prompt\n\n${prompt.trimEnd()}\n\n## Answer\n\n`;
}

/** How an event other than text shows in transcript.md; '' where it does not. */
function mark(event: TraceEvent, file: string | undefined): string {
  switch (event.type) {
    case 'prompt':
      return `\n\n## Prompt\n\n${String(event.text).trimEnd()}\n\n## Answer\n\n`;
    case 'tool_call':
      return `\n\n> call \`${event.tool}\` ${JSON.stringify(event.args ?? {})}\n`;
    case 'tool_result':
      return `> ${event.status}, ${event.bytes ?? 0} bytes${file === undefined ? '' : `: ${file}`}\n\n`;
    case 'spawn':
      return `\n\n> started ${event.agent} as ${event.pid}\n\n`;
    case 'budget':
      return event.warn === undefined
        ? ''
        : `\n\n> budget: ${event.spent_usd} USD spent, ${event.remaining_usd} left\n\n`;
    case 'approval':
      return `\n\n> ${event.approved === true ? 'approved' : 'rejected'} by ${event.by}\n\n`;
    case 'error':
      return `\n\n> error: ${event.message}\n\n`;
    default:
      return '';
  }
}

function closing(end: RunEnd, { cost_usd }: Meta): string {
  const why = end.message === undefined ? '' : `: ${end.message}`;
  const cost = cost_usd === null ? 'cost unknown' : `${usd(end.cost)} USD`;
  return `\n\n---\n\n${outcomeOf(end.reason)}${why} (exit ${end.code}, ${cost}, ${end.durationMs / 1000} s)\n`;
}
