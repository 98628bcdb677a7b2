/** Conversations in the shape of OpenAI's chat completions, and tokens back from it. */

import type { ChatCompletionMessageParam, ChatCompletionTool } from 'openai/resources/chat/completions';
import type { CompletionUsage } from 'openai/resources/completions';
import type { Message, ToolSpec, Usage } from '../../plugin-sdk/index.ts';

export function toMessages(messages: readonly Message[]): ChatCompletionMessageParam[] {
  return messages.map(toMessage);
}

function toMessage(message: Message): ChatCompletionMessageParam {
  switch (message.role) {
    case 'system':
    case 'user':
      return { role: message.role, content: message.text };
    case 'tool':
      return { role: 'tool', tool_call_id: message.id, content: message.ok ? message.text : `failed: ${message.text}` };
    case 'assistant':
      return {
        role: 'assistant',
        content: message.text === '' && message.toolCalls.length > 0 ? null : message.text,
        ...(message.toolCalls.length > 0 && {
          tool_calls: message.toolCalls.map(({ id, name, args }) => ({
            id,
            type: 'function' as const,
            function: { name, arguments: JSON.stringify(args) },
          })),
        }),
      };
  }
}

export function toTools(tools: readonly ToolSpec[]): ChatCompletionTool[] {
  return tools.map(({ name, description, parameters }) => ({
    type: 'function',
    function: { name, description, parameters: { ...parameters } },
  }));
}

/** `prompt_tokens` includes what was read from and written to the cache; here each token is counted once. */
export function toUsage(usage: CompletionUsage): Usage {
  const details: { cached_tokens?: unknown; cache_write_tokens?: unknown } = usage.prompt_tokens_details ?? {};
  const cacheRead = tokens(details.cached_tokens);
  const cacheWrite = tokens(details.cache_write_tokens);
  const all = tokens(usage.prompt_tokens);
  return {
    input: all === null ? null : Math.max(0, all - (cacheRead ?? 0) - (cacheWrite ?? 0)),
    cacheRead,
    cacheWrite,
    output: tokens(usage.completion_tokens),
  };
}

function tokens(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
}
