/** Why an answer ended before the model was done with it. */

import { AosError, type Micros, printUsd, type Usage } from '../plugin-sdk/index.ts';
import type { Run } from './run.ts';

/** No answer worth having is shorter. */
const OUTPUT_TOKENS_MIN = 16;

/** Of an answer that the money would have paid for. */
export function cutWhy(run: Run, wished: number, usage: Usage | undefined): string {
  const short = wished < run.plan.model.outputTokens && usage?.output === wished;
  return short
    ? `the answer was cut at ${wished} tokens, twice what this agent's answers take: other runs held the rest of the money`
    : "the answer was cut at the model's own limit";
}

/**
 * Of an answer that was cut at the length which what was left of a budget was sure to pay for: the model's own refusal, with
 * what is left now that the bill is known. That may be much, where the prompt turned out shorter than its size suggested.
 */
export function cutForMoney(run: Run, refusal: unknown, usage: Usage | undefined): unknown {
  if (!(refusal instanceof AosError) || refusal.kind !== 'budget') return refusal;
  const { pid, limit, spent, left } = run.spend.tightest;
  const [most, gone, rest] = [limit, spent, left].map(micros => `$${printUsd(micros)}`);
  const whose = pid === run.pid ? '' : ` of run ${pid}, which started it,`;
  const enough = left >= furtherAnswer(run, usage);
  return new AosError('budget', {
    component: 'procs',
    path: `/aos/procs/${run.pid}`,
    why: enough
      ? `the answer was cut at the length that the budget of ${most}${whose} was sure to pay for before its prompt was counted; ${gone} are spent, ${rest} left`
      : `the answer was cut, because the budget of ${most}${whose} has ${gone} spent, and the ${rest} left do not pay for a further answer`,
    remedy: enough
      ? 'ask again, now that the prompt is counted, or with a larger --budget'
      : 'invoke again with a larger --budget, or ask for a shorter answer',
    cause: refusal,
  });
}

/** What the shortest further answer would cost, with this one's prompt, as far as the server counted it. */
function furtherAnswer({ plan }: Run, usage: Usage | undefined): Micros {
  const { inputPrice, outputPrice } = plan.model;
  const prompt = (usage?.input ?? 0) + (usage?.cacheRead ?? 0) + (usage?.cacheWrite ?? 0);
  return prompt * (inputPrice ?? 0) + OUTPUT_TOKENS_MIN * (outputPrice ?? 0);
}
