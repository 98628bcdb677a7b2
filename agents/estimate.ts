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

/** Two digits, and of less than a cent as many as say something. */
export function dollars(usd: number): string {
  return usd !== 0 && Math.abs(usd) < 0.01 ? usd.toFixed(6).replace(/0+$/, '') : usd.toFixed(2);
}
