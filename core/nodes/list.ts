/** Lists a directory, from its beginning or from a cursor. */

import { no } from '../refusals.ts';
import type { Entry, Maybe, Node, Op } from '../types.ts';

/** Throws `not_dir`; `invalid` for a cursor where nothing gives one. */
export function listNode(node: Node, op: Op, cursor: string | undefined): Maybe<Iterable<Entry>> {
  if (cursor !== undefined && (node.kind !== 'dir' || node.pages !== true)) {
    throw no(op, 'invalid', 'it is not listed in pages, so it has no cursors', 'list it without one');
  }
  if (node.kind !== 'dir') throw no(op, 'not_dir', 'not a directory');
  return node.list(op, cursor);
}
