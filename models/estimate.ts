/** What a request can cost at most, before it is sent. */

import { AosError, type Meter, type Micros, type ModelCall } from '../plugin-sdk/index.ts';
import { splitName } from './names.ts';
import type { Price, Tokens } from './price.ts';

/** An answer's length where nobody says: enough for most, and what is then reserved stays small. */
const OUTPUT_TOKENS_DEFAULT = 4096;
const BYTES_PER_TOKEN = 4;

/**
 * The most this request can cost, in micro-dollars: its size at four bytes a token, each token at the dearer of reading and
 * caching it, and an answer of the greatest length. Throws `unpriced` where the price is unknown and that is not allowed.
 */
export function estimateCall(price: Price, name: string, request: ModelCall, outputTokensMax: number | null): Micros {
  requirePrice(price, name, request.allowUnknownCost === true);
  if (isFree(price)) return 0;
  const input = inputTokens(request);
  const output = outputCap(request, outputTokensMax);
  const plain = price.cost({ ...NONE, input, output });
  const cached = price.cost({ ...NONE, cacheWrite: input, output });
  // A reservation that is spent to the last micro-dollar counts as used up.
  return Math.ceil(Math.max(plain, cached)) + 1;
}

const NONE: Tokens = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0 };

/** Output tokens that are reserved for, and asked for at most. */
export function outputCap(request: ModelCall, outputTokensMax: number | null): number {
  return Math.min(request.maxOutputTokens ?? OUTPUT_TOKENS_DEFAULT, outputTokensMax ?? Number.POSITIVE_INFINITY);
}

/** The output that the reservation pays for, which may be less than was wished. At least one token: a server takes no less. */
export function paidOutput({ max }: Meter, { info, price }: Priced, request: ModelCall): number {
  const wished = outputCap(request, info.outputTokensMax);
  if (max === 0) return wished;
  const input = inputTokens(request);
  const dearest = Math.max(price.cost({ ...NONE, input }), price.cost({ ...NONE, cacheWrite: input }));
  const each = (price.cost({ ...NONE, input, output: wished }) - price.cost({ ...NONE, input })) / wished;
  if (each <= 0) return wished;
  return Math.max(1, Math.min(wished, Math.floor((max - dearest) / each)));
}

interface Priced {
  readonly info: { readonly outputTokensMax: number | null };
  readonly price: Price;
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

export function requirePrice(price: Price, name: string, allowUnknown: boolean): void {
  if (price.source !== 'unknown' || allowUnknown) return;
  const { provider } = splitName(name);
  throw new AosError('unpriced', {
    component: 'models',
    path: `/aos/models/${provider}`,
    why: `the price of ${name} is not known, so its cost cannot be bounded`,
    remedy: `set backends.${provider}.pricing, or use --allow-unknown-cost`,
  });
}
