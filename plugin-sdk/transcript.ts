/** transcript.jsonl read back: what was asked, what was answered, and what it had cost by then. */

import type { Micros } from '../core/types.ts';

/** The text of one turn, out of its events in their order. */
export class Told {
  /** With what was said to the run while it went. */
  prompt = '';
  /** The text since the last tool result, if any came then: what the run would have given as its answer. */
  output = '';
  /** As the last budget event said. */
  cost: Micros = 0;
  private fresh = true;

  add({ type, text, cost_micros }: Readonly<Record<string, unknown>>): void {
    const said = typeof text === 'string' ? text : '';
    if (type === 'prompt') {
      this.prompt += this.prompt === '' ? said : `\n\n${said}`;
    } else if (type === 'tool_result') this.fresh = true;
    else if (type === 'text') {
      this.output = this.fresh ? said.replace(/^\n/, '') : this.output + said;
      this.fresh = false;
    } else if (type === 'budget' && typeof cost_micros === 'number') this.cost = cost_micros;
  }
}

/** A line that a crash cut short, or that is not ours, is passed over. */
export function readTranscript(lines: string): Told {
  const told = new Told();
  for (const line of lines.split('\n')) told.add(parseLine(line));
  return told;
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
