/**
 * Asks the model for as much as the money allows. The gate holds the most that an answer could cost until it is over, so
 * runs that go at the same time can leave each other no room though there is money enough for all. Where there is none, a
 * run asks for what its agent's answers usually take; and where even that is only held by others, it waits for their bills.
 */

import { AosError, type Message, type PluginApi, parsePath, type ToolSpec } from '../plugin-sdk/index.ts';
import type { Freed } from './freed.ts';
import { likelyOutput, pastLengths } from './lengths.ts';
import type { Run } from './run.ts';

export type AskApi = Pick<PluginApi, 'aos' | 'state'> & { readonly freed: Freed };

/** Money can come back unheard, from what was given up before it cost anything: looked for again after so long. */
const LOOK_AGAIN_MS = 1_000;

export interface Asked {
  /** What the model gave: a stream of events. */
  readonly answer: unknown;
  /** Output tokens that were wished for. */
  readonly wished: number;
}

/** Throws `budget` where waiting does not help. */
export async function affordable(
  api: AskApi,
  run: Run,
  messages: readonly Message[],
  tools: readonly ToolSpec[],
): Promise<Asked> {
  const path = parsePath(run.plan.model.path);
  const usual = run.plan.model.outputTokens;
  const ask = async (wished: number): Promise<unknown> => {
    const request = {
      messages: [...messages],
      tools,
      ...(wished < usual && { maxOutputTokens: wished }),
      maxCost: run.spend.left,
      ...(run.plan.allowUnknownCost && { allowUnknownCost: true }),
    };
    return run.soft.race(api.aos.call(run.caller, path, request, run.soft));
  };
  let wished = usual;
  let waited = false;
  let known = false;
  for (;;) {
    try {
      const answer = await ask(wished);
      // There may be room for the next one that waits.
      if (waited) api.freed.tell();
      return { answer, wished };
    } catch (thrown) {
      // After a start the price may not have been found out yet when the gate asked for it; now it has been.
      if (!known && thrown instanceof AosError && thrown.kind === 'busy') {
        known = true;
        continue;
      }
      const { over, held } = refusal(thrown);
      const likely = over ? likelyOutput(pastLengths(api, run.info.agent), usual) : wished;
      if (likely < wished) wished = likely;
      else if (held) {
        waited = true;
        await turn(api, run);
      } else throw thrown;
    }
  }
}

/** Waits for money to come back. */
async function turn({ freed }: AskApi, run: Run): Promise<void> {
  if (run.status === 'running') run.setStatus('throttled');
  await run.soft.race(freed.next(LOOK_AGAIN_MS));
  await run.pass();
  if (run.status === 'throttled') run.setStatus('running');
}

/**
 * Whether a budget had no room, and whether only because operations under way hold the money: the gate's words for it
 * (core/cost/refusal.ts).
 */
function refusal(thrown: unknown): { over: boolean; held: boolean } {
  const over = thrown instanceof AosError && 'held' in thrown;
  return { over, held: over && thrown.held === true };
}
