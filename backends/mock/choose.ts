/** Which canned line answers a conversation. */

import { AosError, type Message } from '../../plugin-sdk/index.ts';
import type { CannedFile, CannedLine } from './lines.ts';

/** Tool calls carry the number of the line they came from, so that the next turn knows it without any state. */
export function callId(line: CannedLine, serial: number): string {
  return `mock-${line.number}-${serial}`;
}

/** The first line that matches and is not used up. Throws `upstream` where there is none. */
export function chooseLine(file: CannedFile, messages: readonly Message[]): CannedLine {
  const lines = file.read();
  const { prompt, results, called } = situation(messages);
  const eligible = lines.filter(line => file.isLeft(line) && !isSpent(line, called));
  const texts = results.length === 0 ? [prompt] : [prompt, results.join('\n')];
  for (const text of texts) {
    const line = eligible.find(candidate => candidate.pattern.test(text));
    if (line !== undefined) return line;
  }
  throw new AosError('upstream', {
    component: 'backends/mock',
    why: `no line of ${file.file} answers ${JSON.stringify(clip(prompt))}${results.length === 0 ? '' : ' after its tool results'}`,
    remedy: 'add a line that matches, or one without "match" at the end for everything else',
  });
}

/** A line with tool calls answers once between two messages of the user, unless it says itself how often. */
function isSpent(line: CannedLine, called: ReadonlySet<number>): boolean {
  return line.tool_calls !== undefined && line.repeat === undefined && called.has(line.number);
}

function situation(messages: readonly Message[]): { prompt: string; results: string[]; called: Set<number> } {
  const last = messages.findLastIndex(message => message.role === 'user');
  const user = messages[last];
  const results: string[] = [];
  const called = new Set<number>();
  for (const message of messages.slice(last + 1)) {
    if (message.role === 'tool') results.push(message.text);
    if (message.role !== 'assistant') continue;
    for (const call of message.toolCalls) {
      const number = /^mock-(\d+)-/.exec(call.id)?.[1];
      if (number !== undefined) called.add(Number(number));
    }
  }
  return { prompt: user?.role === 'user' ? user.text : '', results, called };
}

function clip(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}
