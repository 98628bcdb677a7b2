/**
 * Whether an authority allows an act. No clock and no I/O: time comes in as an argument. An act is allowed only if every
 * set allows it, so adding a set can only narrow.
 */

import { LIMITS } from '../limits.ts';
import { ROOT } from '../path.ts';
import type { Authority, Millis, Verb } from '../types.ts';
import { type Branch, type ReadyGrant, type ReadySet, readySet } from './grant.ts';

/** `withheld`: without a right even to `stat`, the path does not exist for the caller. */
export type Outcome = 'allowed' | 'denied' | 'withheld';

export interface Decision {
  readonly outcome: Outcome;
  /** The set that decided, and its rule where one matched. */
  readonly set: string;
  readonly rule: string | undefined;
  /** The decision holds until then: the earliest expiry among the grants it could rest on. */
  readonly until: Millis;
}

const ALLOWED: Decision = { outcome: 'allowed', set: 'every set', rule: undefined, until: Number.POSITIVE_INFINITY };
const NOBODY: Decision = {
  outcome: 'withheld',
  set: 'no set',
  rule: undefined,
  until: Number.POSITIVE_INFINITY,
};

/** The whole decision, uncached. */
export function decide(authority: Authority, verb: Verb, path: string, now: Millis): Decision {
  if (authority.length === 0) return NOBODY;
  let until = Number.POSITIVE_INFINITY;
  let worst: Decision | undefined;
  for (const set of authority) {
    const says = decideSet(readySet(set), verb, path, now);
    if (says.until < until) until = says.until;
    if (says.outcome === 'allowed') continue;
    if (worst === undefined || (worst.outcome === 'denied' && says.outcome === 'withheld')) worst = says;
  }
  if (worst !== undefined) return worst.until === until ? worst : { ...worst, until };
  return until === Number.POSITIVE_INFINITY ? ALLOWED : { ...ALLOWED, until };
}

/** One set's say. */
export function decideSet(set: ReadySet, verb: Verb, path: string, now: Millis): Decision {
  if (set.all || (set.onlyThere && !set.grants.some(grant => grant.pattern.matches(path)))) return ALLOWED;
  let seen: ReadyGrant | undefined;
  let at: Branch | undefined = set.byPrefix;
  // From /aos down: the grants whose patterns can speak of this path, or of what lies below it.
  for (let end = ROOT.length; at !== undefined; ) {
    for (const grant of at.here) {
      if (grant.until <= now) continue;
      const covers = grant.pattern.matches(path);
      if (!covers && !grant.pattern.leadsFrom(path)) continue;
      if (allows(grant, verb, covers)) return says(set, 'allowed', grant);
      seen ??= grant;
    }
    if (end >= path.length) break;
    const next = path.indexOf('/', end + 1);
    const name: string = path.slice(end + 1, next === -1 ? path.length : next);
    end = next === -1 ? path.length : next;
    at = at.below.get(name);
  }
  const led = at === undefined ? undefined : anyBelow(at, now);
  if (led !== undefined && isLook(verb)) return says(set, 'allowed', led);
  return says(set, (seen ?? led) === undefined ? 'withheld' : 'denied', seen ?? led);
}

/** Time only takes away, so what one grant decides holds until that grant ends. */
function says(set: ReadySet, outcome: Outcome, grant: ReadyGrant | undefined): Decision {
  if (grant === undefined) return { outcome, set: set.name, rule: undefined, until: Number.POSITIVE_INFINITY };
  return { outcome, set: set.name, rule: ruleText(grant), until: grant.until };
}

/** A grant for something below, to which this path is the way. */
function anyBelow(at: Branch, now: Millis): ReadyGrant | undefined {
  for (const branch of at.below.values()) {
    const found = branch.here.find(grant => now < grant.until) ?? anyBelow(branch, now);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Any grant on a path lets it be seen, and the way to it be walked. */
function allows(grant: ReadyGrant, verb: Verb, covers: boolean): boolean {
  return covers ? verb === 'stat' || grant.verbs.has(verb) : isLook(verb);
}

function isLook(verb: Verb): boolean {
  return verb === 'stat' || verb === 'list';
}

function ruleText(grant: ReadyGrant): string {
  return `${grant.grant.verbs.join(',')} on ${grant.pattern.text}`;
}

/** Whether every set lets everything be seen: a listing then needs no filter. A ceiling hides nothing. */
export function seesAll(authority: Authority): boolean {
  return authority.length > 0 && authority.every(set => set.onlyThere === true || readySet(set).all);
}

/** Decisions kept by (authority, path, verb), all dropped when any grant, lease or policy changes. */
export class Decisions {
  private kept = new WeakMap<Authority, Map<string, Decision>>();

  decide(authority: Authority, verb: Verb, path: string, now: () => Millis): Decision {
    let known = this.kept.get(authority);
    if (known === undefined) {
      known = new Map();
      this.kept.set(authority, known);
    }
    const key = verb + path;
    const found = known.get(key);
    if (found !== undefined && (found.until === Number.POSITIVE_INFINITY || now() < found.until)) return found;
    if (known.size >= LIMITS.decisions_kept) known.clear();
    const decision = decide(authority, verb, path, now());
    known.set(key, decision);
    return decision;
  }

  forget(): void {
    this.kept = new WeakMap();
  }
}
