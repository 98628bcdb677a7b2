/** What the files of a model say. Lines of `key: value`, which are YAML as well. */

import type { Choice } from './default.ts';
import type { Availability, Model } from './providers.ts';

export function defaultText(name: string, { why, skipped }: Choice): string {
  const others = skipped.map(({ provider, why: reason }) => `not ${provider}: ${reason}`);
  return lines([name, `why: ${why}`, ...others]);
}

export function infoText({ provider, info, name, price }: Model): string {
  const { fork, bind } = provider.traits ?? { fork: 'text', bind: 'text' };
  return lines([
    `name: ${name}`,
    ...(info.summary === undefined ? [] : [`summary: ${info.summary}`]),
    `local: ${info.local}`,
    `price: ${price.source}`,
    `fork: ${fork}`,
    `bind: ${bind}`,
  ]);
}

export function pricingText({ price }: Model): string {
  if (price.pricing === null) return 'unknown\n';
  const { input_per_1m, output_per_1m, cache_read_per_1m, cache_write_per_1m } = price.pricing;
  const rates = { input_per_1m, output_per_1m, cache_read_per_1m, cache_write_per_1m };
  return lines([
    ...Object.entries(rates).flatMap(([key, usd]) => (usd === undefined ? [] : [`${key}: ${usd}`])),
    `source: ${price.source}`,
  ]);
}

export function limitsText({ info }: Model): string {
  return lines([
    `context_tokens: ${info.contextTokens ?? 'unknown'}`,
    `output_tokens_max: ${info.outputTokensMax ?? 'unknown'}`,
  ]);
}

export function yesOrNo({ ok, why }: Availability): string {
  return ok ? 'yes\n' : `no: ${why}\n`;
}

export function statusText(ok: boolean, isDefault: boolean): string {
  if (!ok) return 'unavailable\n';
  return isDefault ? 'default\n' : 'ready\n';
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
