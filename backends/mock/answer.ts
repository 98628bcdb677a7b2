/** Streams one canned line as a server would: a delay, words with the tokens they cost, tool calls, the end. */

import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Message, ModelEvent, ModelRequest, Usage } from '../../plugin-sdk/index.ts';
import { stopped } from '../stopped.ts';
import { refused } from '../upstream.ts';
import { callId } from './choose.ts';
import type { CannedLine } from './lines.ts';

const COMPONENT = 'backends/mock';

export async function* answer(line: CannedLine, request: ModelRequest, now: () => number): AsyncGenerator<ModelEvent> {
  const refusal = line.text === undefined ? line.error : undefined;
  // It counts as sent while it is delayed, as with a server that works on it, unless it is about to be refused.
  if (refusal === undefined && !request.signal.aborted) request.onSent();
  await wait(line.delay_ms ?? 0, request.signal);
  if (refusal !== undefined) throw refused(COMPONENT, refusal, now());
  const text = line.text ?? '';
  const before = usageBefore(line, request.messages);
  const output = line.usage?.output ?? tokensOf(text);
  const cap = request.maxOutputTokens ?? Number.POSITIVE_INFINITY;
  const cut = output > cap;
  yield { kind: 'usage', usage: { ...before, output: 0 } };
  yield* stream(text, cut ? cap : output, cut ? cap / output : 1, before, request.signal);
  if (line.error !== undefined) throw refused(COMPONENT, line.error, now());
  if (cut) {
    yield { kind: 'done', reason: 'length' };
    return;
  }
  yield* toolCalls(line, request.messages);
  yield { kind: 'done', reason: line.tool_calls === undefined ? 'stop' : 'tool_calls' };
}

/** `share` of the text, word by word, with `output` tokens spread evenly over it. */
async function* stream(
  text: string,
  output: number,
  share: number,
  before: Usage,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent> {
  const whole = [...text];
  const kept = whole.slice(0, Math.floor(whole.length * share));
  let sent = 0;
  for (const piece of kept.join('').match(/\s*\S+\s*|\s+/g) ?? []) {
    await nextTurn();
    if (signal.aborted) throw stopped(COMPONENT);
    yield { kind: 'text', text: piece };
    sent += [...piece].length;
    yield { kind: 'usage', usage: { ...before, output: Math.round((output * sent) / kept.length) } };
  }
  yield { kind: 'usage', usage: { ...before, output } };
}

function* toolCalls(line: CannedLine, messages: readonly Message[]): Generator<ModelEvent> {
  let serial = messages.reduce(
    (sum, message) => sum + (message.role === 'assistant' ? message.toolCalls.length : 0),
    0,
  );
  for (const { name, args } of line.tool_calls ?? []) {
    serial += 1;
    yield { kind: 'tool_call', call: { id: callId(line, serial), name, args } };
  }
}

export function usageBefore(line: CannedLine, messages: readonly Message[]): Usage {
  const asked = messages.reduce((sum, message) => sum + Buffer.byteLength(message.text), 0);
  return {
    input: line.usage?.input ?? Math.ceil(asked / 4),
    cacheRead: line.usage?.cache_read ?? null,
    cacheWrite: line.usage?.cache_write ?? null,
    output: 0,
  };
}

/** Where the line does not say: four bytes a token. */
function tokensOf(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4);
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw stopped(COMPONENT);
  if (ms === 0) return;
  await delay(ms, undefined, { signal }).catch(() => {
    throw stopped(COMPONENT);
  });
}
