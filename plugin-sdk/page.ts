/** Part of a listing that is too long to be given at once. */

import type { Entry } from '../core/types.ts';

/** As many names as a mount lists at once. */
export const PAGE_MAX = 1000;

/** What `list` of a mount's directory may answer in place of plain entries. */
export interface Page<E = Entry> extends ReadonlyArray<E> {
  /** What `list` is to be given to go on after these, in whatever words the service has; undefined where nothing follows. */
  readonly next: string | undefined;
}

export function page<E>(entries: Iterable<E>, next: string | undefined): Page<E> {
  return Object.assign([...entries], { next });
}

/** What a listing goes on from; undefined for plain entries. */
export function nextOf(entries: Iterable<unknown>): string | undefined {
  // An iterator has a method of this name.
  return 'next' in entries && typeof entries.next === 'string' && entries.next !== '' ? entries.next : undefined;
}
