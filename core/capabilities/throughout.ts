/** Whether an authority allows an act on a directory and on everything that is or could be below it. No clock and no I/O. */

import type { Authority, GrantSet, Millis, Verb } from '../types.ts';
import { type ReadyGrant, readySet } from './grant.ts';

/**
 * True only where it is sure: a set that grants it everywhere below only by several patterns together counts as one that does
 * not. The time it takes grows with the number of grants.
 */
export function allowsThroughout(authority: Authority, verb: Verb, dir: string, now: Millis): boolean {
  return authority.length > 0 && authority.every(set => setAllows(set, verb, dir, now));
}

function setAllows(set: GrantSet, verb: Verb, dir: string, now: Millis): boolean {
  const { all, grants, onlyThere } = readySet(set);
  if (all) return true;
  const allows = (grant: ReadyGrant): boolean => now < grant.until && (verb === 'stat' || grant.verbs.has(verb));
  if (grants.some(grant => allows(grant) && coversAll(grant, dir))) return true;
  // It speaks only where one of its patterns matches, and each of those that could allows it.
  return onlyThere && grants.every(grant => allows(grant) || !reaches(grant, dir));
}

/** What ends in `**` and matches a path matches all below it. */
function coversAll({ pattern }: ReadyGrant, dir: string): boolean {
  return pattern.text.endsWith('/**') && pattern.matches(dir);
}

/** Whether the pattern can match the directory or anything below it. */
function reaches({ pattern }: ReadyGrant, dir: string): boolean {
  return pattern.matches(dir) || pattern.leadsFrom(dir);
}
