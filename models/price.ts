/** What a model's tokens cost: the user's word first, then the backend's, then the public price list, else unknown. */

import { AosError, type Infer, type ModelInfo, type Pricing, schema } from '../plugin-sdk/index.ts';
import { listed } from './price-list.ts';

/** Tokens of one request, each counted once. */
export interface Tokens {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly output: number;
}

export interface Price {
  readonly source: 'config' | 'backend' | 'list' | 'local' | 'unknown';
  /** Null where it is unknown. */
  readonly pricing: Pricing | null;
  /** In micro-dollars, not rounded; 0 where the price is unknown. */
  cost(tokens: Tokens): number;
}

const PricingShape = schema(z => {
  const amount = z.number().nonnegative();
  return z.strictObject({
    input_per_1m: amount,
    output_per_1m: amount,
    cache_read_per_1m: amount.optional(),
    cache_write_per_1m: amount.optional(),
  });
});

const ConfiguredShape = schema(z => z.union([PricingShape(), z.record(z.string(), PricingShape())]));

/** `backends.<provider>.pricing`: one price for all its models, or one for each. */
export type Configured = Infer<typeof ConfiguredShape> | undefined;

/** Throws `invalid` where the configured prices have the wrong shape. */
export function configuredPrices(provider: string, options: Readonly<Record<string, unknown>>): Configured {
  if (options.pricing === undefined) return undefined;
  const parsed = ConfiguredShape().safeParse(options.pricing);
  if (parsed.success) return parsed.data;
  throw new AosError('invalid', {
    component: 'models',
    why: `backends.${provider}.pricing is neither {input_per_1m, output_per_1m} nor such prices by model`,
    remedy: 'give USD for a million tokens, as numbers from 0 up',
  });
}

/** The names that the configured prices are for. */
export function pricedNames(configured: Configured): string[] {
  return configured === undefined || isOne(configured) ? [] : Object.keys(configured);
}

export function priceOf(provider: string, info: ModelInfo, configured: Configured): Price {
  const own = ofModel(configured, info.name);
  if (own !== undefined) return flat(own, 'config');
  if (info.local) return FREE;
  if (info.pricing !== null) return flat(info.pricing, 'backend');
  return listed(provider, info.name) ?? UNKNOWN;
}

const FREE: Price = { source: 'local', pricing: { input_per_1m: 0, output_per_1m: 0 }, cost: () => 0 };
const UNKNOWN: Price = { source: 'unknown', pricing: null, cost: () => 0 };

function flat(given: Infer<typeof PricingShape> | Pricing, source: 'config' | 'backend'): Price {
  const { input_per_1m, output_per_1m, cache_read_per_1m, cache_write_per_1m } = given;
  const read = cache_read_per_1m ?? input_per_1m;
  const write = cache_write_per_1m ?? input_per_1m;
  return {
    source,
    pricing: {
      input_per_1m,
      output_per_1m,
      ...(cache_read_per_1m !== undefined && { cache_read_per_1m }),
      ...(cache_write_per_1m !== undefined && { cache_write_per_1m }),
    },
    // USD for a million tokens is micro-dollars for one.
    cost: ({ input, cacheRead, cacheWrite, output }) =>
      input * input_per_1m + cacheRead * read + cacheWrite * write + output * output_per_1m,
  };
}

function ofModel(configured: Configured, model: string): Infer<typeof PricingShape> | undefined {
  if (configured === undefined) return undefined;
  return isOne(configured) ? configured : configured[model];
}

function isOne(configured: NonNullable<Configured>): configured is Infer<typeof PricingShape> {
  return 'input_per_1m' in configured && typeof configured.input_per_1m === 'number';
}
