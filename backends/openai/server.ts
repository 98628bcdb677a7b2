/** One server that speaks OpenAI's chat completions. */

import type OpenAI from 'openai';
import { type ModelEvent, type ModelRequest, type OpenBackend, then } from '../../plugin-sdk/index.ts';
import { stopped } from '../stopped.ts';
import { clientError } from './errors.ts';
import type { ModelList } from './models.ts';
import { OPENAI_URL, type ServerOptions } from './options.ts';
import { telling } from './sent.ts';
import { events } from './stream.ts';
import { toMessages, toTools } from './wire.ts';

type Availability = Awaited<ReturnType<OpenBackend['available']>>;

/** `known` is what can be said of its availability without asking it. */
export function openServer(
  server: ServerOptions,
  list: ModelList,
  known: Availability | undefined,
  now: () => number,
): OpenBackend {
  let client: Promise<OpenAI> | undefined;
  return {
    models: () => then(list.get(), ({ models }) => models),
    available: () => known ?? then(list.get(), ({ ok, why }) => ({ ok, why })),
    async *generate(request) {
      client ??= connect(server);
      yield* complete(await client, server, request, now);
    },
  };
}

async function connect(server: ServerOptions): Promise<OpenAI> {
  const { default: Client } = await import('openai');
  return new Client({
    // The client insists on one; servers without keys ignore it.
    apiKey: server.apiKey ?? 'none',
    baseURL: server.baseUrl,
    timeout: server.timeoutMs,
    maxRetries: server.retries,
    logLevel: 'off',
  });
}

async function* complete(
  client: OpenAI,
  server: ServerOptions,
  request: ModelRequest,
  now: () => number,
): AsyncGenerator<ModelEvent> {
  const component = `backends/${server.name}`;
  const { model, signal, maxOutputTokens, onSent } = request;
  // OpenAI's own newer models refuse `max_tokens`; most other servers know only that.
  const cap = server.baseUrl === OPENAI_URL ? 'max_completion_tokens' : 'max_tokens';
  if (signal.aborted) throw stopped(component);
  try {
    const chunks = await client.withOptions({ fetch: telling(onSent) }).chat.completions.create(
      {
        model,
        messages: toMessages(request.messages),
        stream: true,
        stream_options: { include_usage: true },
        ...(request.tools.length > 0 && { tools: toTools(request.tools) }),
        ...(maxOutputTokens !== undefined && { [cap]: maxOutputTokens }),
      },
      { signal },
    );
    yield* events(chunks, component);
  } catch (error) {
    // After an abort the client's stream ends without a word, as if the server had broken off.
    if (signal.aborted) throw stopped(component);
    throw clientError(error, server, now());
  }
}
