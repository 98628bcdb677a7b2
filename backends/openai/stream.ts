/** Puts the chunks of a streamed chat completion together. */

import type { ChatCompletionChunk } from 'openai/resources/chat/completions';
import { AosError, type ModelEvent, type ToolCall } from '../../plugin-sdk/index.ts';
import { toUsage } from './wire.ts';

interface PartialCall {
  id: string;
  name: string;
  args: string;
}

/**
 * Text as it comes; tool calls once they are whole; usage when the server says it; then `done`. Throws `upstream` where the
 * stream ends before the answer does, or where a tool call's arguments are not JSON.
 */
export async function* events(
  chunks: AsyncIterable<ChatCompletionChunk>,
  component: string,
): AsyncGenerator<ModelEvent> {
  const calls = new Map<number, PartialCall>();
  let finish: string | undefined;
  for await (const chunk of chunks) {
    const choice = chunk.choices[0];
    if (choice?.delta?.content) yield { kind: 'text', text: choice.delta.content };
    for (const part of choice?.delta?.tool_calls ?? []) gather(calls, part);
    if (choice?.finish_reason) finish = choice.finish_reason;
    if (chunk.usage) yield { kind: 'usage', usage: toUsage(chunk.usage) };
  }
  if (finish === undefined) {
    throw new AosError('upstream', { component, why: 'the answer broke off before its end', remedy: 'try again' });
  }
  if (finish === 'content_filter') {
    throw new AosError('upstream', {
      component,
      why: "the provider's content filter stopped the answer",
      remedy: 'rephrase the prompt',
    });
  }
  if (finish === 'length') {
    yield { kind: 'done', reason: 'length' };
    return;
  }
  for (const call of calls.values()) yield { kind: 'tool_call', call: whole(call, component) };
  yield { kind: 'done', reason: calls.size > 0 ? 'tool_calls' : 'stop' };
}

function gather(calls: Map<number, PartialCall>, part: ChatCompletionChunk.Choice.Delta.ToolCall): void {
  const call = calls.get(part.index) ?? { id: '', name: '', args: '' };
  calls.set(part.index, call);
  if (part.id) call.id = part.id;
  if (part.function?.name) call.name += part.function.name;
  if (part.function?.arguments) call.args += part.function.arguments;
}

function whole({ id, name, args }: PartialCall, component: string): ToolCall {
  let parsed: unknown;
  try {
    parsed = args.trim() === '' ? {} : JSON.parse(args);
  } catch {
    parsed = undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new AosError('upstream', {
      component,
      why: `the model called ${name || 'a tool'} with arguments that are not a JSON object`,
      remedy: 'try again, or choose a model that is better with tools',
    });
  }
  return { id: id || `call-${name}`, name, args: { ...parsed } };
}
