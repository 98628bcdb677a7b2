/** What a response lists, where it lists anything: a JSON array, or the index page of a file server. */

/** A name, and whether more is below it. */
export interface Listed {
  readonly name: string;
  readonly dir: boolean;
}

/** By what a JSON service names its things, the first that is there. */
const KEYS = ['name', 'id', 'key', 'slug', 'path', 'login', 'title'];

/** The first `limit` names in a body; undefined where it lists nothing. */
export function listingOf(body: Buffer, contentType: string, limit: number): Listed[] | undefined {
  const text = body.toString();
  const names = /^\s*\[/.test(text) ? fromJson(text) : /html/i.test(contentType) ? fromIndex(text) : undefined;
  if (names === undefined) return undefined;
  const found = new Map<string, Listed>();
  for (const raw of names) {
    const dir = raw.endsWith('/');
    const name = dir ? raw.slice(0, -1) : raw;
    if (found.size >= limit) break;
    if (isName(name)) found.set(name, { name, dir: dir || found.get(name)?.dir === true });
  }
  return [...found.values()];
}

/** Strings and numbers are names themselves; an object is named by one of its keys. */
function fromJson(text: string): string[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return Array.isArray(value) ? value.flatMap(item => nameOf(item) ?? []) : undefined;
}

function nameOf(item: unknown): string | undefined {
  if (typeof item === 'string' || typeof item === 'number') return String(item);
  if (typeof item !== 'object' || item === null) return undefined;
  for (const key of KEYS) {
    const value: unknown = Reflect.get(item, key);
    if (typeof value === 'string' || typeof value === 'number') return String(value);
  }
  return undefined;
}

/** The links of an index page: those to a name right below it. */
function fromIndex(text: string): string[] | undefined {
  if (!/<title>\s*(index of|directory listing)/i.test(text)) return undefined;
  return [...text.matchAll(/<a\s[^>]*href="([^"?#]+)"/gi)].flatMap(match => decoded(match[1] ?? '') ?? []);
}

function decoded(link: string): string | undefined {
  try {
    return decodeURIComponent(link.replace(/^\.\//, ''));
  } catch {
    return undefined;
  }
}

/** Fit for a directory; what is hidden is nobody's business here. */
function isName(name: string): boolean {
  return name !== '' && !name.startsWith('.') && !/[/\0\n]/.test(name) && Buffer.byteLength(name) <= 255;
}
