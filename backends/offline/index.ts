/**
 * Answers without a language model and without a network: looks for the question's words with the agent's own `search`
 * tool, opens the best hits with `read`, and quotes the lines that hold those words. It says what it is.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { defineBackend, type ModelEvent, type ModelRequest, schema, type ToolCall } from '../../plugin-sdk/index.ts';
import { checkOptions } from '../options.ts';
import { stopped } from '../stopped.ts';
import { answerText } from './answer.ts';
import { keywords } from './keywords.ts';
import { hitsOf, type Steps, stepsOf } from './steps.ts';

const Options = schema(z => z.strictObject({}));

const HITS_MAX = 8;
const READS_MAX = 3;
const LINES_BEFORE = 2;
const LINES_READ = 40;

/** Nothing is sent to a model, so no tokens are used. */
const NO_TOKENS = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0 };

export const offlineBackend = defineBackend({
  name: 'offline',
  fork: 'text',
  bind: 'text',
  open({ options }) {
    checkOptions(Options, options, 'offline', {});
    return {
      models: () => [
        {
          name: 'search',
          contextTokens: null,
          outputTokensMax: null,
          pricing: null,
          local: true,
          summary: 'no language model: finds and quotes what the tree already holds',
        },
      ],
      available: () => ({ ok: true, why: 'built in; needs no key and no network' }),
      generate,
    };
  },
});

async function* generate(request: ModelRequest): AsyncGenerator<ModelEvent> {
  const steps = stepsOf(request.messages);
  const tools = new Set(request.tools.map(tool => tool.name));
  yield { kind: 'usage', usage: NO_TOKENS };
  const calls = nextCalls(steps, tools);
  if (calls.length > 0) {
    for (const call of calls) yield { kind: 'tool_call', call };
    yield { kind: 'done', reason: 'tool_calls' };
    return;
  }
  for (const piece of answerText(steps, tools.has('search')).match(/\s*\S+\s*/g) ?? []) {
    await nextTurn();
    if (request.signal.aborted) throw stopped('backends/offline');
    yield { kind: 'text', text: piece };
  }
  yield { kind: 'done', reason: 'stop' };
}

/** First the search, then its best hits; nothing once both are done, or where there is nothing to look for. */
function nextCalls(steps: Steps, tools: ReadonlySet<string>): ToolCall[] {
  const words = keywords(steps.question);
  if (!tools.has('search') || words.length === 0) return [];
  const id = (index: number) => `offline-${steps.calls + index + 1}`;
  if (steps.done.length === 0) {
    return [{ id: id(0), name: 'search', args: { query: words.join(' '), limit: HITS_MAX } }];
  }
  if (!tools.has('read') || steps.done.some(step => step.call.name === 'read')) return [];
  const first = new Map<string, number>();
  for (const { path, line } of hitsOf(steps.done.find(step => step.call.name === 'search'))) {
    if (line !== null && !first.has(path)) first.set(path, line);
  }
  return [...first].slice(0, READS_MAX).map(([path, line], index) => ({
    id: id(index),
    name: 'read',
    args: { path, offset: Math.max(1, line - LINES_BEFORE), limit: LINES_READ },
  }));
}
