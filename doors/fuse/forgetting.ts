/** What the kernel is told to forget when something changed behind its back. */

import type { Inode, Inodes } from './inodes.ts';
import type { Notices } from './notices.ts';
import { MINOR_WITH_EPOCH, S } from './wire.ts';

export interface Kept {
  readonly inodes: Inodes;
  readonly notices: Notices;
  /** The protocol's minor version, once agreed. */
  readonly minor: number;
}

/** One path changed or went. */
export function forgetPath(kept: Kept, path: string): void {
  const { inodes, notices } = kept;
  if (!notices.hasRoom) {
    forgetAll(kept);
    return;
  }
  const above = inodes.find(path.slice(0, path.lastIndexOf('/')));
  if (above?.listed) {
    above.listed = false;
    notices.inode(above.id);
  }
  const inode = inodes.find(path);
  if (inode === undefined) return;
  inode.listed = false;
  if (inode.kept) forgetName(notices, inode);
  if (inode.kept || isOpenFile(inode)) notices.inode(inode.id);
}

/** Somebody may do less than before: every name is asked for again, and what is open or mapped is read again. */
export function forgetAll(kept: Kept): void {
  const { inodes, notices } = kept;
  const byEpoch = kept.minor >= MINOR_WITH_EPOCH;
  if (byEpoch) notices.newEpoch();
  for (const inode of inodes.all()) {
    if (!inode.kept) {
      if (isOpenFile(inode)) notices.inode(inode.id);
      continue;
    }
    inode.listed = false;
    if (!byEpoch) forgetName(notices, inode);
    notices.inode(inode.id);
  }
}

/** What is only kept while it is open has its pages in the cache until then. */
function isOpenFile(inode: Inode): boolean {
  return inode.opens > 0 && (inode.mode & S.IFMT) === S.IFREG;
}

function forgetName(notices: Notices, inode: Inode): void {
  if (inode.parent !== undefined) notices.entry(inode.parent.id, inode.name);
}
