/** Listings of a mount, cut into pages, and `.more.json`, which says how the last one goes on. */

import { AosError } from '../core/errors.ts';
import { then } from '../core/maybe.ts';
import type { DirNode, Entry, Millis, Node, Op } from '../core/types.ts';
import { Cursors } from './cursors.ts';
import { nextOf, PAGE_MAX } from './page.ts';

/** The file's name. A mount has no other of this name. */
export const MORE = '.more.json';

/** Directories of which it is remembered, for all users together. */
const CUTS_MAX = 1000;

/** Where a page begins: `at` entries after what the plugin lists from `from`. */
interface Place {
  readonly from: string | undefined;
  readonly at: number;
}

/** How the last listing of a directory goes on. */
interface Cut {
  readonly next: string;
  readonly listed: Millis;
}

const START: Place = { from: undefined, at: 0 };

export class Pages {
  private readonly component: string;
  private readonly now: () => Millis;
  private readonly cursors = new Cursors();
  /** By user and directory: nobody is told what another listed. */
  private readonly cuts = new Map<string, Cut>();

  constructor(component: string, now: () => Millis) {
    this.component = component;
    this.now = now;
  }

  /** Where a listing of `dir` begins; undefined for a cursor that was not given for it. */
  place(dir: string, cursor: unknown): Place | undefined {
    if (cursor === undefined) return START;
    const text = typeof cursor === 'string' ? this.cursors.open(dir, cursor) : undefined;
    if (text === undefined) return undefined;
    const space = text.indexOf(' ');
    const from = text.slice(space + 1);
    return { at: Number(text.slice(0, space)), from: from === '' ? undefined : from };
  }

  /** The same directory in pages. Its `list` throws `invalid` for a cursor that was not given for it, and asks nothing then. */
  cut(dir: string, node: DirNode): DirNode {
    return {
      ...node,
      pages: true,
      list: (op, cursor) => {
        const place = this.place(dir, cursor);
        if (place === undefined) throw this.unknown(op);
        return then(node.list(op, place.from), entries => this.page(dir, op, entries, place));
      },
    };
  }

  /** `.more.json` of `dir`. Throws `not_found` where it has none. */
  file(dir: string, op: Op): Node {
    const cut = this.cuts.get(keyOf(dir, op));
    if (cut === undefined) {
      const why = 'the last listing of the directory was whole, or there was none';
      throw new AosError('not_found', { component: this.component, path: op.path, why, remedy: 'list the directory' });
    }
    const text = JSON.stringify({ next: cut.next, has_more: true });
    return { kind: 'value', local: true, attr: { mtime: cut.listed }, read: () => text };
  }

  /** `.more.json` as a listing of `dir` names it, where there is one. */
  known(dir: string, op: Op): Entry[] {
    const cut = this.cuts.get(keyOf(dir, op));
    return cut === undefined ? [] : [entryOf(cut)];
  }

  private page(dir: string, op: Op, entries: Iterable<Entry>, { from, at }: Place): Entry[] {
    const all = [...entries];
    const end = at + PAGE_MAX;
    const next = all.length > end ? { from, at: end } : { from: nextOf(entries), at: 0 };
    const shown = all.slice(at, end).filter(({ name }) => name !== MORE);
    const key = keyOf(dir, op);
    this.cuts.delete(key);
    if (next.at === 0 && next.from === undefined) return shown;
    const cut = { next: this.cursors.seal(dir, `${next.at} ${next.from ?? ''}`), listed: this.now() };
    this.remember(key, cut);
    return [...shown, entryOf(cut)];
  }

  private remember(key: string, cut: Cut): void {
    this.cuts.set(key, cut);
    for (const oldest of this.cuts.keys()) {
      if (this.cuts.size <= CUTS_MAX) break;
      this.cuts.delete(oldest);
    }
  }

  private unknown({ path }: Op): AosError {
    const why = 'the cursor is none that a listing of this directory has given since it was mounted';
    return new AosError('invalid', { component: this.component, path, why, remedy: 'list it from its beginning' });
  }
}

/** The directory whose `.more.json` is at `rest`; undefined for any other name. */
export function dirOfMore(rest: string): string | undefined {
  if (rest === MORE) return '';
  return rest.endsWith(`/${MORE}`) ? rest.slice(0, -MORE.length - 1) : undefined;
}

function entryOf({ next }: Cut): Entry {
  return { name: MORE, kind: 'value', next };
}

function keyOf(dir: string, { caller }: Op): string {
  return `${caller.uid} ${dir}`;
}
