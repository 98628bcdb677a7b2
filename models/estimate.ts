/** What a request can cost at most, before it is sent. */

import { AosError, type Meter, type Micros, type ModelCall, type ModelInfo } from '../plugin-sdk/index.ts';
import { splitName } from './names.ts';
import type { Price, Tokens } from './price.ts';

/** An answer's length where nobody says: enough for most, and what is then reserved stays small. */
export const OUTPUT_TOKENS_DEFAULT = 4096;

/** What an estimate has to know of a model. */
export interface Priced {
  /** `provider/model`. */
  readonly name: string;
  readonly info: Pick<ModelInfo, 'outputTokensMax'>;
  readonly price: Price;
}

/** The least an answer is asked for: money that does not pay for so much is no use. */
const OUTPUT_TOKENS_MIN = 16;

/** A request to be bounded. */
export interface Ask {
  readonly model: Priced;
  readonly request: Pick<ModelCall, 'maxOutputTokens' | 'maxCost' | 'allowUnknownCost'>;
  /** Tokens of the prompt, at most. */
  readonly prompt: number;
  /** What no budget could ever hold, see `wishedOutput`. */
  readonly ceiling: Micros;
}

/** How many tokens of output are asked for. */
export interface Wish {
  readonly output: number;
  /** The request's `maxCost` pays for no more. */
  readonly forMoney: boolean;
}

/**
 * The most this request can cost, in micro-dollars: each token of the prompt at the dearer of reading and caching it, and an
 * answer of the greatest length. Throws `unpriced` where the price is unknown and that is not allowed.
 */
export function costAtMost(ask: Ask): Micros {
  const { model, request, prompt } = ask;
  requirePrice(model, request.allowUnknownCost === true);
  if (isFree(model.price)) return 0;
  return atMost(worst(model.price, prompt, wishedOutput(ask).output));
}

/**
 * Output tokens to ask for where they cost money: as the request says, else the usual; no more than its `maxCost` pays for.
 * A longer answer than usual that could cost more than `ceiling`, the smallest budget there is, would always be refused:
 * then also the usual.
 */
export function wishedOutput({ model: { info, price }, request, prompt, ceiling }: Ask): Wish {
  const limit = info.outputTokensMax ?? Number.POSITIVE_INFINITY;
  const usual = Math.min(OUTPUT_TOKENS_DEFAULT, limit);
  const asked = Math.min(request.maxOutputTokens ?? usual, limit);
  const output = asked > usual && worst(price, prompt, asked) >= ceiling ? usual : asked;
  const { maxCost } = request;
  if (maxCost === undefined || atMost(worst(price, prompt, output)) <= maxCost) return { output, forMoney: false };
  // What does not pay for the least is left to the gate, which refuses it and says why.
  const least = Math.min(output, OUTPUT_TOKENS_MIN);
  return { output: Math.max(least, paidFor(price, prompt, output, maxCost - 1)), forMoney: true };
}

/** As `wishedOutput`, but no more than the reservation pays for. At least one token: no server takes less. */
export function paidOutput({ max }: Meter, ask: Ask): Wish {
  const { output, forMoney } = wishedOutput(ask);
  return { output: Math.max(1, paidFor(ask.model.price, ask.prompt, output, max)), forMoney };
}

/** Whole tokens of output, at most `output`, that `money` pays for after `input`. */
function paidFor(price: Price, input: number, output: number, money: Micros): number {
  const prompt = worst(price, input, 0);
  const each = (worst(price, input, output) - prompt) / output;
  return each <= 0 ? output : Math.min(output, Math.floor((money - prompt) / each));
}

/** Whole micro-dollars. One more: a reservation that is spent to the last micro-dollar counts as used up. */
function atMost(cost: number): Micros {
  return Math.ceil(cost) + 1;
}

/** In micro-dollars, not rounded. */
function worst(price: Price, input: number, output: number): number {
  const none: Tokens = { input: 0, cacheRead: 0, cacheWrite: 0, output };
  return Math.max(price.cost({ ...none, input }), price.cost({ ...none, cacheWrite: input }));
}

export function isFree(price: Price): boolean {
  const { pricing } = price;
  return pricing === null || (pricing.input_per_1m === 0 && pricing.output_per_1m === 0);
}

export function requirePrice({ name, price }: Pick<Priced, 'name' | 'price'>, allowUnknown: boolean): void {
  if (price.source !== 'unknown' || allowUnknown) return;
  const { provider } = splitName(name);
  throw new AosError('unpriced', {
    component: 'models',
    path: `/aos/models/${provider}`,
    why: `the price of ${name} is not known, so its cost cannot be bounded`,
    remedy: `set backends.${provider}.pricing, or use --allow-unknown-cost`,
  });
}
