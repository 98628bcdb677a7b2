/** Requests that come by `call`: from a run in process, or from whoever calls over the socket. */

import { AosError, type Message, type ModelCall, type ToolSpec } from '../plugin-sdk/index.ts';

const ROLES: ReadonlySet<unknown> = new Set(['system', 'user', 'assistant', 'tool']);

/** Throws `invalid`, naming what is wrong. `tools` may be left out. */
export function asModelCall(request: unknown): ModelCall {
  if (!isRecord(request)) throw wrong('it is not an object with "messages"');
  const { messages, tools = [], maxOutputTokens, maxCost, allowUnknownCost } = request;
  if (!Array.isArray(messages) || messages.length === 0)
    throw wrong('"messages" is not a list with at least one message');
  if (!Array.isArray(tools)) throw wrong('"tools" is not a list');
  if (maxOutputTokens !== undefined && !(Number.isInteger(maxOutputTokens) && Number(maxOutputTokens) > 0)) {
    throw wrong('"maxOutputTokens" is not a whole number above 0');
  }
  if (maxCost !== undefined && !(Number.isSafeInteger(maxCost) && Number(maxCost) >= 0)) {
    throw wrong('"maxCost" is not a whole number of micro-dollars from 0 up');
  }
  return {
    messages: messages.map(asMessage),
    tools: tools.map(asTool),
    ...(maxOutputTokens !== undefined && { maxOutputTokens: Number(maxOutputTokens) }),
    ...(maxCost !== undefined && { maxCost: Number(maxCost) }),
    ...(allowUnknownCost === true && { allowUnknownCost }),
  };
}

function asMessage(message: unknown): Message {
  if (!isRecord(message) || !ROLES.has(message.role) || typeof message.text !== 'string') {
    throw wrong('a message is {"role": "system", "user", "assistant" or "tool", "text"}');
  }
  const { role, text, id, name, ok, toolCalls = [] } = message;
  if (role === 'assistant') {
    if (!Array.isArray(toolCalls)) throw wrong('"toolCalls" of a message is not a list');
    return { role, text, toolCalls: toolCalls.map(asToolCall) };
  }
  if (role === 'tool') {
    if (typeof id !== 'string' || typeof name !== 'string')
      throw wrong('a message of a tool has the "id" and "name" of its call');
    return { role, id, name, text, ok: ok !== false };
  }
  return { role: role === 'system' ? 'system' : 'user', text };
}

function asToolCall(call: unknown): { id: string; name: string; args: Record<string, unknown> } {
  if (!isRecord(call) || typeof call.id !== 'string' || typeof call.name !== 'string' || !isRecord(call.args)) {
    throw wrong('a tool call is {"id", "name", "args"}');
  }
  return { id: call.id, name: call.name, args: call.args };
}

function asTool(tool: unknown): ToolSpec {
  if (
    !isRecord(tool) ||
    typeof tool.name !== 'string' ||
    typeof tool.description !== 'string' ||
    !isRecord(tool.parameters)
  ) {
    throw wrong('a tool is {"name", "description", "parameters"}');
  }
  return { name: tool.name, description: tool.description, parameters: tool.parameters };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(why: string): AosError {
  return new AosError('invalid', {
    component: 'models',
    why: `the request is not usable: ${why}`,
    remedy: 'send {"messages": [{"role": "user", "text": "..."}]}',
  });
}
