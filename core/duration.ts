/** Lengths of time as a user types them: `45s`, `30m`, `2h`, `7d`. */

import { AosError } from './errors.ts';
import type { Millis } from './types.ts';

const UNIT: Readonly<Record<string, Millis>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Throws `invalid`, saying what to write instead, for anything but a positive number and one unit. */
export function parseDuration(text: string): Millis {
  const found = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text);
  const length = Number(found?.[1]) * (UNIT[found?.[2] ?? ''] ?? 0);
  if (found !== null && length > 0) return length;
  throw new AosError('invalid', { component: 'core', why: wrong(text), remedy: meant(text) });
}

function wrong(text: string): string {
  const amount = /^\s*[-+]?\d+(?:\.\d+)?(?=\D*$)/.exec(text)?.[0];
  if (amount === undefined) return `"${text}" is not a duration`;
  if (Number(amount) < 0) return `"${text}" is less than no time`;
  if (Number(amount) === 0) return `"${text}" is no time at all`;
  return /^[\d.]+$/.test(text) ? `"${text}" has no unit` : `"${text}" is not a duration`;
}

/** The nearest thing that would be understood: `30` and `30 minutes` are 30m. */
function meant(text: string): string {
  const found = /^\s*(\d{1,9}(?:\.\d{1,3})?)\s*([a-z]*)\s*$/i.exec(text);
  const word = (found?.[2] ?? '').toLowerCase();
  const unit = word === '' ? 'm' : WORDS.find(([start]) => word.startsWith(start))?.[1];
  if (found === null || unit === undefined || Number(found[1]) === 0) {
    return 'write a number and a unit, such as 45s, 30m, 2h or 7d';
  }
  return `write ${found[1]}${unit}`;
}

/** How the words for each unit begin, the longer beginnings first. */
const WORDS = [
  ['milli', 'ms'],
  ['sec', 's'],
  ['s', 's'],
  ['min', 'm'],
  ['m', 'm'],
  ['h', 'h'],
  ['d', 'd'],
] as const;

/** `1h 5m`, `12 s`: the two largest units that say something. */
export function printDuration(length: Millis): string {
  const seconds = Math.max(0, Math.round(length / 1000));
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([n]) => n > 0);
  if (first === -1) return '0s';
  return parts
    .slice(first, first + 2)
    .filter(([n]) => n > 0)
    .map(([n, unit]) => `${n}${unit}`)
    .join(' ');
}
