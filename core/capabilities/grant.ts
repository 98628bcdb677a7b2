/** Grants made ready for matching. Patterns: `*` is any part of one name, `**` any number of whole names, none included. */

import { AosError } from '../errors.ts';
import { parsePath, ROOT } from '../path.ts';
import type { Grant, GrantSet, Millis, Verb } from '../types.ts';

export const VERBS: readonly Verb[] = ['stat', 'list', 'read', 'write', 'create', 'remove', 'call'];

/** A pattern, ready. */
export interface Pattern {
  readonly text: string;
  /** The path before the first wildcard: whatever matches is this or lies below it. */
  readonly prefix: string;
  matches(path: string): boolean;
  /** Whether something that matches can lie below `path`: the way to what is granted has to be seen. */
  leadsFrom(path: string): boolean;
}

export interface ReadyGrant {
  readonly grant: Grant;
  readonly verbs: ReadonlySet<Verb>;
  readonly pattern: Pattern;
  readonly until: Millis;
}

export interface ReadySet {
  readonly name: string;
  readonly grants: readonly ReadyGrant[];
  readonly byPrefix: Branch;
  /** Grants everything, for ever: most humans, and the daemon. */
  readonly all: boolean;
  /** Holds a grant that expires. */
  readonly timed: boolean;
  /** Has no say where none of its patterns matches. */
  readonly onlyThere: boolean;
}

/** A pattern that stands for a whole subtree: a path without `**` at its end covers all below it, too. */
export function subtreePattern(text: string): string {
  return text.endsWith('/**') ? text : `${text}/**`;
}

/** What a subtree's pattern stands for: it without any `**` at its end. */
export function topOf(text: string): string {
  let end = text.length;
  while (text.endsWith('/**', end)) end -= '/**'.length;
  return text.slice(0, end);
}

/** Throws `invalid` for a pattern that could be no path, apart from its wildcards, or means something else by a wildcard. */
export function compilePattern(text: string): Pattern {
  checkPath(text);
  const parts = text.split('/').slice(1);
  // What other shells and tools read as a wildcard would otherwise match nothing, and protect nothing.
  if (/[?[\]{}]/.test(text)) throw wrong(text, '* and ** are the only wildcards of a path pattern');
  if (parts.some(part => part !== '**' && part.includes('**'))) {
    throw wrong(text, '** stands for whole names of a path pattern, between two slashes');
  }
  const literal = literalPrefix(parts);
  if (parts.at(-1) === '**' && literal.count === parts.length - 1) return subtree(text, literal.text);
  if (literal.count === parts.length) return exactly(text);
  const names = parts.map(nameMatcher);
  return {
    text,
    prefix: literal.text,
    matches: path => path.startsWith(literal.text) && matchNames(names, namesOf(path)),
    leadsFrom: path => leads(names, namesOf(path)),
  };
}

/** What is below counts for nothing in the length of a path: a key of the configuration may be written with `**` or without. */
function checkPath(text: string): void {
  const top = topOf(text);
  try {
    if (parsePath(top) === top) return;
  } catch (error) {
    if (!(error instanceof AosError)) throw error;
    throw wrong(error.path ?? '', `not a path pattern of the tree: ${error.why}`);
  }
  throw wrong(text, 'not a path pattern of the tree: a path has no empty parts');
}

function wrong(text: string, why: string): AosError {
  const remedy = 'write it like /aos/memory/** or /aos/agents/*/inbox';
  return new AosError('invalid', { component: 'core', path: text, why, remedy });
}

/** One decision asks many patterns about the same path. */
let lastPath = '';
let lastNames: readonly string[] = [];

function namesOf(path: string): readonly string[] {
  if (path !== lastPath) {
    lastPath = path;
    lastNames = path.slice(1).split('/');
  }
  return lastNames;
}

/** `dir` and all below it. */
function subtree(text: string, dir: string): Pattern {
  const inside = `${dir}/`;
  return {
    text,
    prefix: dir,
    matches: path => path.startsWith(inside) || path === dir,
    leadsFrom: path => dir.startsWith(`${path}/`),
  };
}

function exactly(text: string): Pattern {
  return { text, prefix: text, matches: path => path === text, leadsFrom: path => text.startsWith(`${path}/`) };
}

function literalPrefix(parts: readonly string[]): { text: string; count: number } {
  let count = 0;
  while (count < parts.length && !(parts[count] ?? '').includes('*')) count++;
  return { text: `/${parts.slice(0, count).join('/')}`, count };
}

/** null stands for `**`. */
type NameMatcher = ((name: string) => boolean) | null;

function nameMatcher(part: string): NameMatcher {
  return part === '**' ? null : wildcard(part);
}

/**
 * Whether a name is matched, `*` being any part of it. In time that grows with the name alone: whoever may start a run may write
 * a pattern.
 */
export function wildcard(part: string): (name: string) => boolean {
  if (!part.includes('*')) return name => name === part;
  const pieces = part.split('*');
  const [first = '', last = ''] = [pieces.at(0), pieces.at(-1)];
  const middle = pieces.slice(1, -1);
  return name => {
    const end = name.length - last.length;
    if (end < first.length || !name.startsWith(first) || !name.endsWith(last)) return false;
    let at = first.length;
    for (const piece of middle) {
      const found = name.indexOf(piece, at);
      if (found === -1 || found + piece.length > end) return false;
      at = found + piece.length;
    }
    return true;
  };
}

/** Only the last `**` is ever tried again, with one name more: what an earlier one could take, it can take too. */
function matchNames(pattern: readonly NameMatcher[], names: readonly string[]): boolean {
  let p = 0;
  let n = 0;
  let many = -1;
  let taken = 0;
  while (n < names.length) {
    const matcher = pattern[p];
    if (matcher === null) {
      many = p++;
      taken = n;
    } else if (matcher?.(names[n] ?? '')) {
      p++;
      n++;
    } else if (many !== -1) {
      p = many + 1;
      n = ++taken;
    } else return false;
  }
  while (pattern[p] === null) p++;
  return p === pattern.length;
}

/** Whether `names` is a proper beginning of something that the pattern matches. */
function leads(pattern: readonly NameMatcher[], names: readonly string[]): boolean {
  for (let i = 0; i < names.length; i++) {
    const matcher = pattern[i];
    if (matcher === null) return true;
    if (matcher === undefined || !matcher(names[i] ?? '')) return false;
  }
  return names.length < pattern.length;
}

/** Grants by the prefix of their patterns, name by name, so that a decision looks at few of many. */
export interface Branch {
  /** Whose prefix ends here, in the order in which they were given. */
  readonly here: ReadyGrant[];
  readonly below: Map<string, Branch>;
}

function branches(grants: readonly ReadyGrant[]): Branch {
  const root: Branch = { here: [], below: new Map() };
  for (const grant of grants) {
    let at = root;
    for (const name of grant.pattern.prefix.slice(ROOT.length).split('/')) {
      if (name === '') continue;
      let next = at.below.get(name);
      if (next === undefined) {
        next = { here: [], below: new Map() };
        at.below.set(name, next);
      }
      at = next;
    }
    at.here.push(grant);
  }
  return root;
}

const ready = new WeakMap<GrantSet, ReadySet>();

/** Compiles a set once. Sets are values: changing what is granted means making a new one. */
export function readySet(set: GrantSet): ReadySet {
  const known = ready.get(set);
  if (known !== undefined) return known;
  const grants = set.grants.map(grant => ({
    grant,
    verbs: new Set(grant.verbs),
    pattern: compilePattern(grant.path),
    until: grant.until ?? Number.POSITIVE_INFINITY,
  }));
  const all = grants.some(
    g => g.pattern.text === `${ROOT}/**` && g.until === Number.POSITIVE_INFINITY && g.verbs.size === VERBS.length,
  );
  const timed = grants.some(g => g.until !== Number.POSITIVE_INFINITY);
  const made = { name: set.name, grants, byPrefix: branches(grants), all, timed, onlyThere: set.onlyThere === true };
  ready.set(set, made);
  return made;
}

/** A set that grants everything. */
export function everything(name: string): GrantSet {
  return Object.freeze({ name, grants: [{ verbs: VERBS, path: `${ROOT}/**` }] });
}
