/** Reads transcript.jsonl back: what was asked, what was answered, and what it had cost by then. */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Micros } from '../plugin-sdk/index.ts';

/** What is read of one transcript, from its beginning. */
const BYTES_MAX = 4 * 1024 * 1024;

export interface Told {
  readonly prompt: string;
  /** The text since the last tool result: what the run would have given as its answer. */
  readonly output: string;
  /** As the last budget event said. */
  readonly cost: Micros;
}

/** Nothing of a turn that has no transcript. A line that is cut, or not ours, is passed over. */
export function readTranscript(dir: string): Told {
  let prompt = '';
  let output = '';
  let cost = 0;
  for (const line of readHead(join(dir, 'transcript.jsonl')).split('\n')) {
    const event = parseLine(line);
    const text = typeof event.text === 'string' ? event.text : '';
    if (event.type === 'prompt') prompt = text;
    else if (event.type === 'text') output += text;
    else if (event.type === 'tool_result') output = '';
    else if (event.type === 'budget' && typeof event.cost_micros === 'number') cost = event.cost_micros;
  }
  return { prompt, output, cost };
}

function readHead(file: string): string {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return '';
  }
  try {
    const bytes = Buffer.alloc(Math.min(fstatSync(fd).size, BYTES_MAX));
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(fd);
  }
}

function parseLine(line: string): Readonly<Record<string, unknown>> {
  if (line === '') return {};
  try {
    const event: unknown = JSON.parse(line);
    return typeof event === 'object' && event !== null ? { ...event } : {};
  } catch {
    return {};
  }
}
