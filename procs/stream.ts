/** What a model answers with: events as they come. Whoever does not read one to its end leaves it, or its money stays held. */

import { isStream, type PricedEvent } from '../plugin-sdk/index.ts';

/** What it takes to hear the bill of an answer that is broken off: an abort on this machine, not an answer of the server. */
const BILL_MS = 500;

/** A call on a model gives its events and nothing else (plugin-sdk/backend.ts). */
export function isAnswer(answer: unknown): answer is AsyncIterable<PricedEvent> {
  return isStream(answer);
}

/** Closes an answer that nobody will read, begun or not; what is no stream needs none of it. */
export function leave(answer: unknown): void {
  if (isStream(answer)) void end(answer[Symbol.asyncIterator]());
}

function end(events: AsyncIterator<unknown>): Promise<unknown> {
  return events.return?.()?.catch(() => {}) ?? Promise.resolve();
}

/** Closes an answer before its end, and waits for its bill. A model that hangs gives that later or never, so not for long. */
export async function breakOff(events: AsyncIterator<unknown>): Promise<void> {
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, BILL_MS);
  await Promise.race([end(events), enough]);
  clearTimeout(timer);
}
