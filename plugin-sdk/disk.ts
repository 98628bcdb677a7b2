/** A directory of the host, served with every verb of a file system. No symbolic link is ever followed by the daemon. */

import { lstatSync, realpathSync, type Stats, statfsSync } from 'node:fs';
import { asAosError } from '../core/errors.ts';
import type { Node, Op, Tree } from '../core/types.ts';
import { DiskHost, type DiskOptions } from './disk-host.ts';
import { DiskDir, DiskFile, DiskLink } from './disk-nodes.ts';

export type { DiskOptions } from './disk-host.ts';

const STATFS_BLOCK_BYTES = 4096;

/** Serves `root`, which must exist. A path that passes through a symbolic link is refused with ELOOP. */
export function diskTree(root: string, options: DiskOptions): Tree {
  const disk = new DiskHost(realpathSync.native(root), options);
  return { node: (rest, op) => nodeOf(disk, rest, op), space: () => spaceOf(disk.root) };
}

function nodeOf(disk: DiskHost, rest: string, op: Op): ReturnType<Tree['node']> {
  const { component, hidden, overlay } = disk.options;
  if (overlay?.names.includes(firstName(rest))) return overlay.tree.node(rest, op);
  if (hidden?.(rest)) return undefined;
  try {
    const stats = lstatSync(disk.host(rest, op), { throwIfNoEntry: false });
    return stats && wrap(disk, rest, stats);
  } catch (thrown) {
    const error = asAosError(thrown, component, op.path);
    if (error.kind === 'not_found') return undefined;
    throw error;
  }
}

/** Sockets, pipes and devices are not served. */
function wrap(disk: DiskHost, rest: string, stats: Stats): Node | undefined {
  if (stats.isFile()) return new DiskFile(disk, rest, stats);
  if (stats.isDirectory()) return new DiskDir(disk, rest, stats);
  if (stats.isSymbolicLink()) return new DiskLink(disk, rest, stats);
  return undefined;
}

function spaceOf(root: string): ReturnType<NonNullable<Tree['space']>> {
  const { bsize, blocks, bavail, files, ffree } = statfsSync(root);
  const inBlocks = (count: number): number => Math.floor((count * bsize) / STATFS_BLOCK_BYTES);
  return { blocks: inBlocks(blocks), free: inBlocks(bavail), files, filesFree: ffree };
}

function firstName(rest: string): string {
  const slash = rest.indexOf('/');
  return slash === -1 ? rest : rest.slice(0, slash);
}
