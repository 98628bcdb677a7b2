/** Dollars and estimates in words. Used by the command line too, so it loads nothing. */

/** Dollars; null where the price is unknown. */
export interface Estimate {
  readonly estimate_usd: number | null;
  readonly low_usd: number | null;
  readonly high_usd: number | null;
}

/** `Estimated cost: $0.60 (range: 0.45-0.75)`. */
export function estimateLine({ estimate_usd, low_usd, high_usd }: Estimate): string {
  if (estimate_usd === null || low_usd === null || high_usd === null) return 'Estimated cost: unknown';
  return `Estimated cost: $${dollars(estimate_usd)} (range: ${dollars(low_usd)}-${dollars(high_usd)})`;
}

/** What so many of the same cost. */
export function times<E extends Estimate & { readonly basis: string }>(one: E, count: number): E {
  if (count === 1) return one;
  const all = (usd: number | null): number | null => (usd === null ? null : Math.round(usd * count * 1e6) / 1e6);
  return {
    ...one,
    estimate_usd: all(one.estimate_usd),
    low_usd: all(one.low_usd),
    high_usd: all(one.high_usd),
    basis: `${count} branches, each: ${one.basis}`,
  };
}

/** Two digits, and of less than a cent as many as say something. */
export function dollars(usd: number): string {
  return usd !== 0 && Math.abs(usd) < 0.01 ? usd.toFixed(6).replace(/0+$/, '') : usd.toFixed(2);
}
