/** What the tests of backends share: a request, an opened backend, the events of one answer. */

import type { Backend, ModelEvent, ModelRequest, OpenBackend } from '../../plugin-sdk/index.ts';
import { caller, SILENT } from '../support/core.ts';

export function openBackend(
  backend: Backend,
  options: Record<string, unknown> = {},
  env: Record<string, string> = {},
): OpenBackend {
  const opened = backend.open({ options, env, log: SILENT, now: Date.now });
  if (opened instanceof Promise) throw new Error('a backend opens at once');
  return opened;
}

export function ask(text: string, more: Partial<ModelRequest> = {}): ModelRequest {
  return {
    model: 'default',
    messages: [{ role: 'user', text }],
    tools: [],
    maxOutputTokens: undefined,
    signal: new AbortController().signal,
    caller: caller(),
    onSent() {},
    ...more,
  };
}

export async function collect(events: AsyncIterable<ModelEvent>): Promise<ModelEvent[]> {
  const all: ModelEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

export function textOf(events: readonly ModelEvent[]): string {
  return events.map(event => (event.kind === 'text' ? event.text : '')).join('');
}

export function lastUsage(events: readonly ModelEvent[]) {
  const last = events.findLast(event => event.kind === 'usage');
  return last?.kind === 'usage' ? last.usage : undefined;
}

export function reasonOf(events: readonly ModelEvent[]): string | undefined {
  const done = events.at(-1);
  return done?.kind === 'done' ? done.reason : undefined;
}
