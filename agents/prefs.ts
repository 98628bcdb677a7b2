/** prefs.yaml: how a user wants answers to look, and nothing else. */

import { AosError, yaml } from '../plugin-sdk/index.ts';

export const PREF_KEYS = ['output_format', 'verbosity', 'citation_style', 'response_length'] as const;

/** A style is a word or two: anything longer would be a second persona. */
const VALUE_CHARS_MAX = 100;

/** Throws `not_permitted` for any other key, `invalid` for what is not one word or phrase each. */
export function parsePrefs(text: string, path: string): Readonly<Record<string, string>> {
  const document = yaml().parseDocument(text, { prettyErrors: false });
  const broken = document.errors[0];
  if (broken !== undefined) throw bad(path, `not YAML: ${broken.message}`);
  const value: unknown = document.toJS();
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw bad(path, 'it holds no keys');
  return Object.fromEntries(
    Object.entries(value).map(([key, style]) => [checkKey(key, path), checkStyle(key, style, path)]),
  );
}

/** Of lines to which more may come: throws `not_permitted` for a key that no further line takes back, and nothing else. */
export function parsePrefsSoFar(text: string, path: string): void {
  try {
    parsePrefs(text, path);
  } catch (thrown) {
    if (thrown instanceof AosError && thrown.kind === 'not_permitted') throw thrown;
  }
}

function checkKey(key: string, path: string): string {
  if (PREF_KEYS.some(known => known === key)) return key;
  throw new AosError('not_permitted', {
    component: 'agents',
    path,
    why: `"${key.slice(0, 60)}" is not a matter of style, and only style may be set here (${PREF_KEYS.join(', ')})`,
    remedy: 'what an agent is and may do is set in /aos/etc/agents.d',
  });
}

function checkStyle(key: string, style: unknown, path: string): string {
  if (typeof style !== 'string' && typeof style !== 'number' && typeof style !== 'boolean') {
    throw bad(path, `"${key}" is no word or number`);
  }
  const text = String(style);
  if (text.length > VALUE_CHARS_MAX || text.includes('\n')) {
    throw bad(path, `"${key}" is longer than ${VALUE_CHARS_MAX} characters or more than one line`);
  }
  return text;
}

function bad(path: string, why: string): AosError {
  return new AosError('invalid', { component: 'agents', path, why, remedy: 'write lines such as "verbosity: low"' });
}
