/** What a response lists, where it lists anything: a JSON array, or the index page of a file server. */

import { AosError, type Op } from '../../plugin-sdk/index.ts';

/** A name, and whether more is below it. */
export interface Listed {
  readonly name: string;
  readonly dir: boolean;
}

/** A larger body is not looked through for names, in bytes: everybody else waits meanwhile. */
export const LISTING_BYTES_MAX = 4 * 1024 * 1024;

/** By what a JSON service names its things, the first that is there. */
const KEYS = ['name', 'id', 'key', 'slug', 'path', 'login', 'title'];

/** What a body is as a listing: its names, none at all, or more than is looked through. */
export function listingOf(body: Buffer, contentType: string): Listing | 'none' | 'too large' {
  const text = body.subarray(0, LISTING_BYTES_MAX).toString();
  const isJson = /^\s*\[/.test(text);
  if (!isJson && !(/html/i.test(contentType) && isIndex(text))) return 'none';
  if (body.length > LISTING_BYTES_MAX) return 'too large';
  const names = isJson ? fromJson(text) : fromIndex(text);
  return names === undefined ? 'none' : new Listing(names);
}

/** Why there is nothing to list in an answer. */
export function unlisted(what: 'none' | 'too large', { path }: Op): AosError {
  const remedy = `read it: aos cat ${path}`;
  if (what === 'none') {
    return new AosError('not_dir', { component: 'http', path, why: 'the service gives no listing there', remedy });
  }
  const why = `the listing that the service gives is larger than ${LISTING_BYTES_MAX / 1024 / 1024} MiB`;
  return new AosError('too_large', { component: 'http', path, why, remedy });
}

/** The names of one body, each once and in its order, looked for as far as somebody asks. */
export class Listing {
  private readonly raw: Iterator<string>;
  private readonly found = new Map<string, { readonly name: string; dir: boolean }>();
  private readonly names: Listed[] = [];

  /** `raw`: names as they come; those of directories end in a slash. */
  constructor(raw: Iterable<string>) {
    this.raw = raw[Symbol.iterator]();
  }

  /** Those from position `from` to before `to`; fewer where no more follow. */
  slice(from: number, to: number): readonly Listed[] {
    while (this.names.length < to) {
      const next = this.raw.next();
      if (next.done === true) break;
      this.add(next.value);
    }
    return this.names.slice(from, to);
  }

  private add(raw: string): void {
    const dir = raw.endsWith('/');
    const name = dir ? raw.slice(0, -1) : raw;
    const known = this.found.get(name);
    if (known !== undefined) {
      known.dir ||= dir;
    } else if (isName(name)) {
      const listed = { name, dir };
      this.found.set(name, listed);
      this.names.push(listed);
    }
  }
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

function isIndex(text: string): boolean {
  return /<title>\s*(index of|directory listing)/i.test(text);
}

/** The links of an index page: those to a name right below it. No part of one is so long that a page could hold us up. */
function* fromIndex(text: string): Iterable<string> {
  for (const [, link = ''] of text.matchAll(/<a\s[^<>]{0,1000}href="([^"?#<>]{1,1000})"/gi)) {
    const name = decoded(link);
    if (name !== undefined) yield name;
  }
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
