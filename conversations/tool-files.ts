/** `tools/NNN_name.json`: one file for each tool call, with its result once there is one. */

import { sha256, type TraceEvent } from '../plugin-sdk/index.ts';
import { json, writeWhole } from './turn.ts';

const NAME_CHARS_MAX = 64;

interface Call {
  readonly file: string;
  /** What the file holds. */
  readonly content: Readonly<Record<string, unknown>>;
}

export class ToolFiles {
  private readonly dir: string;
  private readonly calls = new Map<string, Call>();
  private readonly written = new Map<string, string>();

  constructor(dir: string) {
    this.dir = dir;
  }

  /** Takes tool calls and results from the trace. Gives the file that was written, relative to the turn. */
  record(event: TraceEvent): string | undefined {
    if (event.type === 'tool_call') return this.call(event);
    if (event.type === 'tool_result') return this.result(event);
    return undefined;
  }

  /** File and SHA-256 of each, in order. */
  hashes(): { path: string; sha256: string }[] {
    return [...this.written].map(([path, hash]) => ({ path, sha256: hash }));
  }

  private call(event: TraceEvent): string {
    const { v: _v, type: _type, ts, ...fields } = event;
    return this.write(this.nextFile(event), { ...fields, started: ts, ended: null, status: null }, event);
  }

  private result(event: TraceEvent): string {
    const { v: _v, type: _type, ts, ...fields } = event;
    const known = this.calls.get(String(event.id));
    return this.write(known?.file ?? this.nextFile(event), { ...known?.content, ...fields, ended: ts }, event);
  }

  private nextFile(event: TraceEvent): string {
    const number = String(this.written.size + 1).padStart(3, '0');
    const name = String(event.tool ?? 'tool').replaceAll(/[^\w.-]/g, '_');
    return `tools/${number}_${name.slice(0, NAME_CHARS_MAX)}.json`;
  }

  private write(file: string, content: Call['content'], event: TraceEvent): string {
    const text = json(content);
    writeWhole(this.dir, file, text);
    this.calls.set(String(event.id), { file, content });
    this.written.set(file, sha256(text));
    return file;
  }
}
