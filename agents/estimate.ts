/** What a message will probably cost. Spends nothing. */

import { microsFromUsd, type PluginApi, printUsd, usdFromMicros } from '../plugin-sdk/index.ts';
import type { Model } from './model.ts';
import type { AgentConfig } from './source.ts';

/** Dollars; null where the model's price is unknown, which is not 0. */
export interface Estimate {
  readonly estimate_usd: number | null;
  readonly low_usd: number | null;
  readonly high_usd: number | null;
  readonly basis: string;
}

/** Earlier runs that count, and how many make a basis. */
const PAST_RUNS = 200;
const PAST_MIN = 3;
/** Without earlier runs: tokens of an answer, and how often the model is asked, low to high. */
const OUTPUT_TOKENS = { low: 150, likely: 500, high: 1_500 };
const TURNS = { low: 1, likely: 2, high: 4 };
/** What the loop says of the tree and the tools, in tokens; and the usual length of English in bytes. */
const SYSTEM_TOKENS = 600;
const BYTES_PER_TOKEN = 4;

/** `budget` in micro-dollars bounds it from above; null for none. */
export function estimate(
  { state }: Pick<PluginApi, 'state'>,
  config: AgentConfig,
  model: Model,
  prompt: string,
  budget: number | null,
): Estimate {
  if (model.local) return bounded(0, 0, 0, `${model.name} costs nothing`, null);
  const past = state.runs
    .recent(PAST_RUNS)
    .filter(run => run.agent === config.name && run.model === model.name && run.reason === 'completed');
  if (past.length >= PAST_MIN) {
    const costs = past.map(run => usdFromMicros(run.cost));
    const mean = costs.reduce((sum, cost) => sum + cost, 0) / costs.length;
    const basis = `the last ${past.length} runs of ${config.name} with ${model.name}`;
    return bounded(mean, Math.min(...costs), Math.max(...costs), basis, budget);
  }
  const { inputPrice, outputPrice } = model;
  if (inputPrice === null || outputPrice === null) {
    return { estimate_usd: null, low_usd: null, high_usd: null, basis: `the price of ${model.name} is unknown` };
  }
  const input = SYSTEM_TOKENS + (Buffer.byteLength(config.persona) + Buffer.byteLength(prompt)) / BYTES_PER_TOKEN;
  const cost = (level: 'low' | 'likely' | 'high'): number => {
    const turns = config.tools.length === 0 ? 1 : TURNS[level];
    // Each further turn sends again what was said before.
    const sent = input * turns + (OUTPUT_TOKENS[level] * turns * (turns - 1)) / 2;
    return (sent * inputPrice + OUTPUT_TOKENS[level] * turns * outputPrice) / 1e6;
  };
  const basis = `about ${Math.ceil(input)} tokens of prompt, ${OUTPUT_TOKENS.low} to ${OUTPUT_TOKENS.high} of answer in 1 to ${config.tools.length === 0 ? 1 : TURNS.high} turns of ${model.name}`;
  return bounded(cost('likely'), cost('low'), cost('high'), basis, budget);
}

function bounded(likely: number, low: number, high: number, basis: string, budget: number | null): Estimate {
  const most = budget === null ? Number.POSITIVE_INFINITY : usdFromMicros(budget);
  const within = (usd: number): number => usdFromMicros(microsFromUsd(Math.min(usd, most)));
  const capped = budget !== null && high > most ? `, and at most the budget of $${printUsd(budget)}` : '';
  return { estimate_usd: within(likely), low_usd: within(low), high_usd: within(high), basis: basis + capped };
}
