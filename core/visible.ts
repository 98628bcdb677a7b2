/** What a caller sees of a listing. */

import { seesAll } from './capabilities/decide.ts';
import { LIMITS } from './limits.ts';
import { join } from './path.ts';
import type { Caller, Entry, Path } from './types.ts';
import type { Vfs } from './vfs.ts';

/** Adds what is mounted below and leaves out what the caller may not see. */
export function visible(vfs: Vfs, caller: Caller, path: Path, entries: Iterable<Entry>): Entry[] {
  const out: Entry[] = [];
  const mounted = vfs.policy.namespace.below(path);
  const all = seesAll(vfs.authorityOf(caller));
  for (const entry of entries) {
    if (out.length >= LIMITS.listing_entries_max) break;
    mounted.delete(entry.name);
    if (all || vfs.allows(caller, 'stat', join(path, entry.name))) out.push(entry);
  }
  for (const name of mounted) {
    if (all || vfs.allows(caller, 'stat', join(path, name))) out.push({ name, kind: 'dir' });
  }
  return out;
}
