/**
 * What the configuration says now: each uid's set, and the ceilings over everybody. Callers carry the sets they were given;
 * here the gate asks what has become of them since, so that what is revoked is refused at the next operation.
 */

import type { Authority, Config, GrantSet } from '../types.ts';
import { everything, subtreePattern } from './grant.ts';

type Said = Pick<Config, 'grants' | 'ceilings'>;

const NOBODY: Authority = Object.freeze([]);
const NAME = /^uid (\d+)$/;

export class Standing {
  private readonly owner: number;
  private said: Said;
  private ceilings: readonly GrantSet[];
  private given = new Map<number, Authority>();
  private effective = new WeakMap<Authority, Authority>();

  /** `owner` runs the daemon: the owner and root may do everything unless configured, and nobody else anything. */
  constructor(said: Said, owner: number) {
    this.said = said;
    this.owner = owner;
    this.ceilings = ceilingsOf(said);
  }

  /** From now on the configuration says this. */
  replace(said: Said): void {
    this.said = said;
    this.ceilings = ceilingsOf(said);
    this.given = new Map();
    this.effective = new WeakMap();
  }

  /** A uid's configured set: the same list each time until it is replaced. */
  of(uid: number): Authority {
    let authority = this.given.get(uid);
    if (authority === undefined) {
      const name = `uid ${uid}`;
      const grants = this.said.grants[String(uid)];
      if (grants !== undefined) authority = Object.freeze([Object.freeze({ name, grants })]);
      else authority = uid === this.owner || uid === 0 ? Object.freeze([everything(name)]) : NOBODY;
      this.given.set(uid, authority);
    }
    return authority;
  }

  /**
   * A caller's list with what the configuration adds: the ceilings, and for each configured set that the list holds as it
   * once was (an open handle's, a stored run's) the one of today. The same list each time, so that decisions can be kept by it.
   */
  over(authority: Authority): Authority {
    let effective = this.effective.get(authority);
    if (effective === undefined) {
      const more = [...this.today(authority), ...this.ceilings];
      effective = more.length === 0 ? authority : Object.freeze([...authority, ...more]);
      this.effective.set(authority, effective);
    }
    return effective;
  }

  private today(authority: Authority): GrantSet[] {
    return authority.flatMap(set => {
      const uid = NAME.exec(set.name)?.[1];
      if (uid === undefined) return [];
      const now = this.of(Number(uid));
      if (now.some(own => authority.includes(own))) return [];
      return now.length === 0 ? [{ name: set.name, grants: [] }] : now;
    });
  }
}

function ceilingsOf({ ceilings }: Said): GrantSet[] {
  return Object.entries(ceilings).map(([path, verbs]) =>
    Object.freeze({ name: `ceiling ${path}`, grants: [{ verbs, path: subtreePattern(path) }], onlyThere: true }),
  );
}
