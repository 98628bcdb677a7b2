/** A web service that counts what reaches it, outside the system under test: what was paid can be compared with it. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { atEnd, type Teardown } from './ending.ts';

/** One request as it arrived. */
export interface Seen {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface CountingServer {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly port: number;
  readonly seen: readonly Seen[];
  /** How many requests came, in all or to one path, by one method. */
  count(path?: string, method?: string): number;
  /** Forgets what came so far. */
  reset(): void;
}

/** What to answer; text stands for 200 and plain text, undefined for 404. */
export type Answer =
  | string
  | { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  | undefined;

/** Answers each request by `answer`; never, where that gives a promise that does not end. */
export async function countingServer(
  t: Teardown,
  answer: (request: Seen, response: ServerResponse) => Answer | Promise<Answer> = ({ path }) => `${path}\n`,
): Promise<CountingServer> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      const body = Buffer.concat(chunks).toString();
      const one = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
      seen.push(one);
      const given = await answer(one, response);
      if (response.headersSent) return;
      const whole = typeof given === 'string' ? { body: given } : (given ?? { status: 404, body: 'no such thing\n' });
      response.writeHead(whole.status ?? 200, { 'content-type': 'text/plain', ...whole.headers });
      response.end(whole.body ?? '');
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    seen,
    count: (path, method) =>
      seen.filter(one => (path === undefined || one.path === path) && (method === undefined || one.method === method))
        .length,
    reset: () => void seen.splice(0),
  };
}
