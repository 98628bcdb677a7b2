/** What the OpenAI client throws, as errors of the project. The key is never part of one. */

import { AosError } from '../../plugin-sdk/index.ts';
import { refused } from '../upstream.ts';
import type { ServerOptions } from './options.ts';

/** The parts of the client's errors that matter; read by shape, so that the client need not be loaded to tell. */
interface ClientError {
  readonly name: string;
  readonly message: string;
  readonly status?: unknown;
  readonly code?: unknown;
  readonly type?: unknown;
  readonly headers?: unknown;
  readonly cause?: unknown;
}

export function clientError(thrown: unknown, server: ServerOptions, now: number): AosError {
  if (thrown instanceof AosError) return thrown;
  const component = `backends/${server.name}`;
  if (!(thrown instanceof Error))
    return new AosError('upstream', { component, why: withoutKey(String(thrown), server) });
  const error: ClientError = thrown;
  const message = withoutKey(error.message, server);
  const kind = thrown.constructor.name;
  if (kind === 'APIConnectionTimeoutError') {
    const why = `${server.baseUrl} did not answer within ${server.timeoutMs / 1000} s`;
    return new AosError('timeout', {
      component,
      why,
      remedy: `try again, or raise backends.${server.name}.timeout_sec`,
    });
  }
  if (kind === 'APIConnectionError') {
    const why = `${server.baseUrl} cannot be reached: ${withoutKey(reasonOf(thrown), server)}`;
    return new AosError('upstream', { component, why, remedy: 'check that the server runs, and the base URL' });
  }
  const keyHint =
    server.name === 'openai' ? ' (OPENAI_API_KEY or backends.openai.api_key)' : ` (backends.${server.name}.api_key)`;
  return refused(
    component,
    {
      status: typeof error.status === 'number' ? error.status : undefined,
      message: message.replace(/^\d{3} /, ''),
      code: typeof error.code === 'string' ? error.code : typeof error.type === 'string' ? error.type : undefined,
      retryAfter: error.headers instanceof Headers ? (error.headers.get('retry-after') ?? undefined) : undefined,
      keyHint,
    },
    now,
  );
}

/** The innermost cause: `connect ECONNREFUSED 127.0.0.1:8080`. */
function reasonOf(error: Error): string {
  let at: unknown = error;
  let reason = error.message;
  while (at instanceof Error) {
    const code = 'code' in at && typeof at.code === 'string' ? at.code : '';
    reason = at.message || code || reason;
    at = at.cause;
  }
  return reason;
}

/** Servers quote the key they refuse, in whole or in part. */
function withoutKey(text: string, server: ServerOptions): string {
  const whole = server.apiKey === undefined ? text : text.replaceAll(server.apiKey, '[key]');
  return whole.replace(/\b(sk|key)-[\w*.-]{4,}/g, '[key]');
}
