/** The configuration in force, without its secrets. */

import { stringify } from 'yaml';
import type { Config } from '../plugin-sdk/index.ts';

const SECRET = /key|token|secret|password|connection|header/i;

export function shownConfig(config: Config): string {
  return stringify(redact(config));
}

function redact(from: unknown): unknown {
  if (Array.isArray(from)) return from.map(redact);
  if (typeof from !== 'object' || from === null) return from;
  return Object.fromEntries(
    Object.entries(from).map(([key, inner]) => [
      key,
      SECRET.test(key) && inner !== '' ? '(set, not shown)' : redact(inner),
    ]),
  );
}
