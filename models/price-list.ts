/** Public list prices, from the data that comes with `@pydantic/genai-prices`. Nothing is fetched. */

import { createRequire } from 'node:module';
import type { Price, Tokens } from './price.ts';

type List = typeof import('@pydantic/genai-prices');

let list: List | undefined;

/** Loaded when a price is first needed, and at once: whoever reserves money cannot wait. */
function load(): List {
  // `require` is untyped; this is the type of the very package it loads.
  list ??= createRequire(import.meta.url)('@pydantic/genai-prices') as List;
  return list;
}

/** Undefined where the list does not know the model. Tiers by length of the prompt are part of the cost. */
export function listed(provider: string, model: string): Price | undefined {
  const calc = (tokens: Tokens) =>
    load().calcPrice(
      {
        input_tokens: tokens.input + tokens.cacheRead + tokens.cacheWrite,
        cache_read_tokens: tokens.cacheRead,
        cache_write_tokens: tokens.cacheWrite,
        output_tokens: tokens.output,
      },
      model,
      { providerId: provider },
    );
  const found = calc({ input: 1, cacheRead: 0, cacheWrite: 0, output: 1 });
  if (found === null) return undefined;
  const rate = (key: string): number | undefined => {
    const price = found.model_price[key];
    return typeof price === 'object' ? price.base : price;
  };
  const cacheRead = rate('cache_read_mtok');
  const cacheWrite = rate('cache_write_mtok');
  return {
    source: 'list',
    pricing: {
      input_per_1m: rate('input_mtok') ?? 0,
      output_per_1m: rate('output_mtok') ?? 0,
      ...(cacheRead !== undefined && { cache_read_per_1m: cacheRead }),
      ...(cacheWrite !== undefined && { cache_write_per_1m: cacheWrite }),
    },
    cost: tokens => (calc(tokens)?.total_price ?? 0) * 1_000_000,
  };
}

/** The context of a model, in tokens, where the list knows it. */
export function listedContext(provider: string, model: string): number | null {
  return load().calcPrice({ input_tokens: 1 }, model, { providerId: provider })?.model.context_window ?? null;
}
