/** What stat says of a file, as people read it. */

import { type Fields, number, text } from './shape.ts';

/** By the upper four bits of `st_mode`. */
const TYPES = '?pc?d?b?-?l?s???';
const TYPE_SHIFT = 12;

/** `st_mode` as ls prints it: `-rw-r--r--`. */
export function modeText(mode: number): string {
  let out = TYPES[(mode >> TYPE_SHIFT) & 15] ?? '?';
  for (let shift = 6; shift >= 0; shift -= 3) {
    const bits = (mode >> shift) & 7;
    out += (bits & 4 ? 'r' : '-') + (bits & 2 ? 'w' : '-') + (bits & 1 ? 'x' : '-');
  }
  return out;
}

export function sizeText(stat: Fields): string {
  return String(number(stat, 'size'));
}

/** Lines of `name: value`, the names set to one width. */
export function list(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length)) + 1;
  return rows.map(([name, value]) => `${`${name}:`.padEnd(width)} ${value}`.trimEnd()).join('\n');
}

/** A moment in milliseconds, to the second, in UTC. */
export function momentText(of: Fields, name: string): string {
  const at = of[name];
  return typeof at === 'number' ? new Date(at).toISOString() : text(of, name);
}
