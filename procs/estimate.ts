/** What a message will probably cost. Spends nothing: what is attached is not read, only measured. */

import {
  type Caller,
  type Maybe,
  type Message,
  type Micros,
  type PluginApi,
  parsePath,
  printUsd,
  then,
} from '../plugin-sdk/index.ts';
import { inviterCaller } from './caller.ts';
import { type Earlier, earlierTurns } from './history.ts';
import { type Lengths, pastLengths } from './lengths.ts';
import type { Plan } from './plan.ts';
import { firstMessages } from './prompt.ts';
import { toolSpecs } from './tools.ts';

/** Dollars; null where the model's price is unknown, which is not 0. */
export interface Estimate {
  readonly estimate_usd: number | null;
  readonly low_usd: number | null;
  readonly high_usd: number | null;
  readonly basis: string;
}

type EstimateApi = Pick<PluginApi, 'aos' | 'self' | 'state'>;

const BYTES_PER_TOKEN = 4;
/** Without earlier runs: a short answer, and how often an agent with tools asks its model, low to high. */
const SHORT_ANSWER = 256;
const REQUESTS = { low: 1, likely: 2, high: 4 };
/** A request to use a tool, and a result of one. */
const TOOL_CALL = 100;
const TOOL_RESULT = 1_000;
/** Fewer runs do not say how dear the next one may be. */
const PAST_MIN = 3;
/** Of earlier runs the cheapest and the dearest tenth are no measure. */
const SPREAD = { low: 0.1, high: 0.9 };

/** In micro-dollars, not rounded. */
interface Range {
  readonly low: number;
  readonly likely: number;
  readonly high: number;
}

/** Throws where what the message hands over cannot be seen, or its context not be gone on from. */
export function estimate(api: EstimateApi, plan: Plan, session: string): Maybe<Estimate> {
  const inviter = inviterCaller(plan);
  return then(earlierTurns(api, plan, session, inviter), earlier => estimateAfter(api, plan, earlier, inviter));
}

function estimateAfter(api: EstimateApi, plan: Plan, earlier: Earlier, inviter: Caller): Maybe<Estimate> {
  const { name, local, inputPrice, outputPrice } = plan.model;
  if (local) return said({ low: 0, likely: 0, high: 0 }, `${name} costs nothing`, plan.budget);
  if (inputPrice === null || outputPrice === null) {
    return { estimate_usd: null, low_usd: null, high_usd: null, basis: `the price of ${name} is unknown` };
  }
  const past = pastLengths(api, plan.agent.name);
  return then(promptTokens(api, plan, earlier, inviter), prompt => {
    const cost = (input: number, output: number): number => input * inputPrice + output * outputPrice;
    const [range, lengths] = rangeOf(plan, past, prompt, cost);
    const basis = `${prompt} tokens of prompt for ${name} at $${inputPrice} and $${outputPrice} a million; ${lengths}`;
    return said(range, basis, plan.budget);
  });
}

/** Tokens of the first request: persona, session or context so far, tools, the message and what is attached. */
function promptTokens(api: EstimateApi, plan: Plan, earlier: Earlier, inviter: Caller): Maybe<number> {
  const attached = plan.attach.reduce<Maybe<number>>(
    (before, path) => then(before, bytes => then(api.aos.stat(inviter, parsePath(path)), ({ size }) => bytes + size)),
    0,
  );
  return then(toolSpecs(api, plan.agent.tools), tools =>
    then(attached, bytes =>
      Math.ceil((sizeOf(firstMessages(plan, earlier, [])) + sizeOf(tools) + bytes) / BYTES_PER_TOKEN),
    ),
  );
}

type CostOf = (input: number, output: number) => number;

function rangeOf(plan: Plan, past: readonly Lengths[], prompt: number, cost: CostOf): [Range, string] {
  const [usual, why] = fromDefaults(plan, prompt, cost);
  if (past.length === 0) return [usual, `no earlier runs, so ${why}`];
  const [range, lengths] = fromPast(past, prompt, cost);
  if (past.length >= PAST_MIN) return [range, lengths];
  return [{ ...range, high: Math.max(range.high, usual.high) }, `${lengths}; at most ${why}`];
}

/** What each of the last runs would have cost with this prompt. */
function fromPast(past: readonly Lengths[], prompt: number, cost: CostOf): [Range, string] {
  const costs = past.map(run => cost(prompt * run.requests + run.more, run.output)).sort((a, b) => a - b);
  const at = (share: number): number => costs[Math.round(share * (costs.length - 1))] ?? 0;
  const likely = costs.reduce((sum, each) => sum + each, 0) / costs.length;
  const range = { low: Math.min(likely, at(SPREAD.low)), likely, high: Math.max(likely, at(SPREAD.high)) };
  const output = past.map(run => run.output);
  const lengths = `answers as long as in its last ${past.length === 1 ? 'run' : `${past.length} runs`}, ${Math.min(...output)} to ${Math.max(...output)} tokens`;
  return [range, lengths];
}

/** An agent that has no past: up to the length of answer that the model is asked for. */
function fromDefaults({ model, agent }: Plan, prompt: number, cost: CostOf): [Range, string] {
  const most = model.outputTokens;
  const short = Math.min(SHORT_ANSWER, most);
  const run = (requests: number, answer: number): number => {
    const tools = requests - 1;
    const again = ((TOOL_CALL + TOOL_RESULT) * tools * requests) / 2;
    return cost(prompt * requests + again, TOOL_CALL * tools + answer);
  };
  const asks = agent.tools.length === 0 ? { low: 1, likely: 1, high: 1 } : REQUESTS;
  const range = { low: run(asks.low, short), likely: run(asks.likely, most), high: run(asks.high, most) };
  const often = asks.high === 1 ? '1 request' : `${asks.low} to ${asks.high} requests`;
  return [range, `an answer of ${short} to ${most} tokens in ${often}`];
}

function said(range: Range, basis: string, budget: Micros): Estimate {
  const usd = (micros: number): number => Math.ceil(Math.min(micros, budget) - 1e-6) / 1e6;
  const bound = range.high > budget ? `; at most the budget of $${printUsd(budget)}` : '';
  return {
    estimate_usd: usd(range.likely),
    low_usd: usd(range.low),
    high_usd: usd(range.high),
    basis: basis + bound,
  };
}

function sizeOf(value: readonly Message[] | readonly object[]): number {
  return Buffer.byteLength(JSON.stringify(value));
}
