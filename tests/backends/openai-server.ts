/** A server that speaks as much of OpenAI's protocol as the tests need, on a port of its own. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { ExecutionContext } from 'ava';

export interface Seen {
  readonly url: string;
  readonly key: string | undefined;
  readonly body: Record<string, unknown>;
}

export type Answer = (seen: Seen, response: ServerResponse) => void;

export async function fakeOpenai(t: ExecutionContext, answer: Answer): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    const entry = { url: request.url ?? '', key: request.headers.authorization, body: await bodyOf(request) };
    seen.push(entry);
    answer(entry, response);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return { url: `http://127.0.0.1:${address.port}/v1`, seen };
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = '';
  for await (const part of request) text += part;
  return text === '' ? {} : JSON.parse(text);
}

export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** Sends the chunks as server-sent events; `end` false leaves the stream open. */
export function sse(response: ServerResponse, chunks: readonly unknown[], end = true): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const chunk of chunks) response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  if (end) response.end('data: [DONE]\n\n');
}

export function delta(part: Record<string, unknown>, finish: string | null = null) {
  return {
    id: 'c',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, delta: part, finish_reason: finish }],
  };
}

export function usage(prompt: number, completion: number, cached?: number) {
  const details = cached === undefined ? {} : { prompt_tokens_details: { cached_tokens: cached } };
  return {
    ...delta({}),
    choices: [],
    usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion, ...details },
  };
}
