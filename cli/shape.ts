/** Reads what came as JSON, field by field, without trusting it. */

export type Fields = Readonly<Record<string, unknown>>;

/** Throws where the daemon sent something else than was asked for, which means it is of another version. */
export function fields(value: unknown): Fields {
  if (isFields(value)) return value;
  throw unexpected('an object');
}

export function items(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw unexpected('a list');
}

export function text(of: Fields, name: string, otherwise = ''): string {
  const value = of[name];
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : otherwise;
}

export function number(of: Fields, name: string, otherwise = 0): number {
  const value = of[name];
  return typeof value === 'number' ? value : otherwise;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unexpected(wanted: string): Error {
  return new Error(
    `the daemon did not answer with ${wanted}; restart it, so that it is of the version of this command`,
  );
}
