/** What a request can cost at most, before it is sent. */

import { AosError, type Meter, type Micros, type ModelCall, type ModelInfo } from '../plugin-sdk/index.ts';
import { splitName } from './names.ts';
import type { Price, Tokens } from './price.ts';

/** An answer's length where nobody says: enough for most, and what is then reserved stays small. */
export const OUTPUT_TOKENS_DEFAULT = 4096;
const BYTES_PER_TOKEN = 4;

/** What an estimate has to know of a model. */
export interface Priced {
  /** `provider/model`. */
  readonly name: string;
  readonly info: Pick<ModelInfo, 'outputTokensMax'>;
  readonly price: Price;
}

/** The least an answer is asked for: money that does not pay for so much is no use. */
const OUTPUT_TOKENS_MIN = 16;

/** How many tokens of output are asked for. */
export interface Wish {
  readonly output: number;
  /** The request's `maxCost` pays for no more. */
  readonly forMoney: boolean;
}

/**
 * The most this request can cost, in micro-dollars: its size at four bytes a token, each token at the dearer of reading and
 * caching it, and an answer of the greatest length. `ceiling` is what could never be reserved, see `wishedOutput`.
 * Throws `unpriced` where the price is unknown and that is not allowed.
 */
export function estimateCall(model: Priced, request: ModelCall, ceiling: Micros = Number.POSITIVE_INFINITY): Micros {
  requirePrice(model, request.allowUnknownCost === true);
  if (isFree(model.price)) return 0;
  return atMost(worst(model.price, inputTokens(request), wishedOutput(model, request, ceiling).output));
}

/**
 * Output tokens to ask for where they cost money: as the request says, else the usual; no more than its `maxCost` pays for.
 * A longer answer than usual that could cost more than `ceiling`, the smallest budget there is, would always be refused:
 * then also the usual.
 */
export function wishedOutput({ info, price }: Priced, request: ModelCall, ceiling: Micros): Wish {
  const limit = info.outputTokensMax ?? Number.POSITIVE_INFINITY;
  const usual = Math.min(OUTPUT_TOKENS_DEFAULT, limit);
  const asked = Math.min(request.maxOutputTokens ?? usual, limit);
  const input = inputTokens(request);
  const output = asked > usual && worst(price, input, asked) >= ceiling ? usual : asked;
  const { maxCost } = request;
  if (maxCost === undefined || atMost(worst(price, input, output)) <= maxCost) return { output, forMoney: false };
  // What does not pay for the least is left to the gate, which refuses it and says why.
  const least = Math.min(output, OUTPUT_TOKENS_MIN);
  return { output: Math.max(least, paidFor(price, input, output, maxCost - 1)), forMoney: true };
}

/** As `wishedOutput`, but no more than the reservation pays for. At least one token: no server takes less. */
export function paidOutput({ max }: Meter, model: Priced, request: ModelCall, ceiling: Micros): Wish {
  const { output, forMoney } = wishedOutput(model, request, ceiling);
  if (max === 0) return { output, forMoney };
  return { output: Math.max(1, paidFor(model.price, inputTokens(request), output, max)), forMoney };
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

export function inputTokens(request: ModelCall): number {
  return tokensOf(JSON.stringify([request.messages, request.tools]));
}

export function tokensOf(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);
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
