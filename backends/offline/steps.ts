/** What the offline backend has done since the user's last message, read back from the conversation itself. */

import type { Message, ToolCall } from '../../plugin-sdk/index.ts';

export interface Steps {
  readonly question: string;
  /** The tool calls since the question, each with what came back. */
  readonly done: readonly Step[];
  /** All calls of the conversation, so that ids stay unique. */
  readonly calls: number;
}

export interface Step {
  readonly call: ToolCall;
  readonly ok: boolean;
  readonly text: string;
}

export interface Hit {
  readonly path: string;
  /** From 1; null where the place within the file is not known. */
  readonly line: number | null;
  readonly excerpt: string;
}

export function stepsOf(messages: readonly Message[]): Steps {
  const last = messages.findLastIndex(message => message.role === 'user');
  const user = messages[last];
  const asked = new Map<string, ToolCall>();
  const done: Step[] = [];
  let calls = 0;
  messages.forEach((message, index) => {
    if (message.role === 'assistant') {
      calls += message.toolCalls.length;
      if (index > last) for (const call of message.toolCalls) asked.set(call.id, call);
    }
    if (message.role === 'tool') {
      const call = asked.get(message.id);
      if (call !== undefined) done.push({ call, ok: message.ok, text: message.text });
    }
  });
  return { question: user?.role === 'user' ? user.text : '', done, calls };
}

/** The hits in the result of `search`; none where it failed or says something else. */
export function hitsOf(step: Step | undefined): Hit[] {
  if (step === undefined || !step.ok) return [];
  let result: unknown;
  try {
    result = JSON.parse(step.text);
  } catch {
    return [];
  }
  if (typeof result !== 'object' || result === null || !('hits' in result) || !Array.isArray(result.hits)) return [];
  return result.hits.filter(isHit).map(({ path, line, excerpt }) => ({ path, line: line ?? null, excerpt }));
}

function isHit(value: unknown): value is { path: string; line?: number | null; excerpt: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'path' in value &&
    typeof value.path === 'string' &&
    'excerpt' in value &&
    typeof value.excerpt === 'string'
  );
}
