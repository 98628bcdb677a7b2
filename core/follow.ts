/** Symbolic links for doors that have no kernel to follow them. Each step is a `stat` under the caller. */

import { AosError } from './errors.ts';
import { then } from './maybe.ts';
import { isWithin, join, parsePath, ROOT } from './path.ts';
import type { Aos, Caller, Cancel, Maybe, Path } from './types.ts';

/** As Linux does (MAXSYMLINKS). */
const HOPS_MAX = 40;

/**
 * The path with its links followed; the last name's own link too where `last`. What does not exist is left as it is, for
 * the operation itself to say. Throws `link_loop` after 40 links, `not_found` for a link that leads out of the tree.
 */
export function follow(aos: Aos, caller: Caller, path: Path, last: boolean, cancel?: Cancel): Maybe<Path> {
  return walk({ aos, caller, last, cancel, asked: path }, ROOT, namesOf(path), 0);
}

interface Walk {
  readonly aos: Aos;
  readonly caller: Caller;
  readonly last: boolean;
  readonly cancel: Cancel | undefined;
  readonly asked: Path;
}

function walk(how: Walk, at: Path, names: readonly string[], hops: number): Maybe<Path> {
  const [name, ...rest] = names;
  if (name === undefined) return at;
  const next = join(at, name);
  if (rest.length === 0 && !how.last) return next;
  return then(targetOf(how, next), target => {
    if (target === undefined) return walk(how, next, rest, hops);
    if (hops >= HOPS_MAX) {
      throw new AosError('link_loop', { component: 'core', path: how.asked, why: 'too many levels of symbolic links' });
    }
    const to = resolve(at, target, how.asked);
    return walk(how, ROOT, [...namesOf(to), ...rest], hops + 1);
  });
}

/** Undefined for what is no link, and for what is not there or may not be seen. */
function targetOf(how: Walk, path: Path): Maybe<string | undefined> {
  const gone = (error: unknown): undefined => {
    if (error instanceof AosError) return undefined;
    throw error;
  };
  try {
    const stat = how.aos.stat(how.caller, path, how.cancel);
    return 'then' in stat ? stat.then(s => s.target, gone) : stat.target;
  } catch (error) {
    return gone(error);
  }
}

function namesOf(path: Path): string[] {
  return path === ROOT ? [] : path.slice(ROOT.length + 1).split('/');
}

function resolve(dir: Path, target: string, asked: Path): Path {
  const names: string[] = [];
  for (const name of target.startsWith('/') ? target.split('/') : `${dir}/${target}`.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  const to = `/${names.join('/')}`;
  if (!isWithin(to, ROOT)) {
    throw new AosError('not_found', { component: 'core', path: asked, why: 'a link on the way leads out of the tree' });
  }
  return parsePath(to);
}
