/** How long an agent's last runs were: what a request is likely to need, and what a run is likely to cost. */

import { type Infer, type PluginApi, schema, type Usage } from '../plugin-sdk/index.ts';

/** Runs kept of each agent. */
const KEPT = 50;
/** So many runs say something about the next one. */
const ENOUGH = 5;
const SPACE = 'procs.lengths';
/** Room above what 95 of 100 answers took, and the least that is ever asked for. */
const ROOM = 2;
const OUTPUT_TOKENS_MIN = 1_024;

const lengthsSchema = schema(z =>
  z.array(
    z.object({
      /** How often the model was asked. */
      requests: z.number().int().positive(),
      /** Output tokens of the whole run, and of its longest answer. */
      output: z.number().nonnegative(),
      longest: z.number().nonnegative(),
      /** Input tokens beyond the first prompt sent again each time: what tools brought and what was said before. */
      more: z.number().nonnegative(),
    }),
  ),
);

export type Lengths = Infer<typeof lengthsSchema>[number];

type Keys = Pick<PluginApi, 'state'>;

/** Counts the tokens of one run, request by request, as far as the server tells them. */
export class Tally {
  private requests = 0;
  private output = 0;
  private longest = 0;
  private input = 0;
  private first = 0;
  private told = true;

  /** What one request took. */
  add(usage: Usage | undefined): void {
    this.requests++;
    if (usage === undefined || usage.output === null || usage.input === null) {
      this.told = false;
      return;
    }
    const input = usage.input + (usage.cacheRead ?? 0) + (usage.cacheWrite ?? 0);
    if (this.requests === 1) this.first = input;
    this.input += input;
    this.output += usage.output;
    this.longest = Math.max(this.longest, usage.output);
  }

  /** Undefined where the server did not tell everything. */
  get lengths(): Lengths | undefined {
    const { requests, output, longest, input, first } = this;
    if (!this.told || requests === 0) return undefined;
    return { requests, output, longest, more: Math.max(0, input - first * requests) };
  }
}

/** The last runs of an agent that were completed, oldest first. */
export function pastLengths({ state }: Keys, agent: string): readonly Lengths[] {
  try {
    return lengthsSchema().parse(JSON.parse(state.keys.get(SPACE, agent) ?? '[]'));
  } catch {
    // Kept by another version: the next runs say it anew.
    return [];
  }
}

export function keepLengths(api: Keys, agent: string, lengths: Lengths): void {
  api.state.keys.set(SPACE, agent, JSON.stringify([...pastLengths(api, agent), lengths].slice(-KEPT)));
}

/** Output tokens that an answer of this agent is unlikely to exceed; `usual` where its past does not say or says more. */
export function likelyOutput(past: readonly Lengths[], usual: number): number {
  if (past.length < ENOUGH) return usual;
  const sorted = past.map(run => run.longest).sort((a, b) => a - b);
  const high = sorted[Math.ceil(sorted.length * 0.95) - 1] ?? usual;
  return Math.min(usual, Math.max(OUTPUT_TOKENS_MIN, Math.ceil(high * ROOM)));
}
