/** Which mount serves a path: the longest prefix. */

import { AosError } from './errors.ts';
import { ROOT } from './path.ts';
import type { MountPoint, Path } from './types.ts';

/** What is there before anything is mounted at the top. */
const BARE: MountPoint = {
  path: ROOT,
  component: 'core',
  tree: { node: rest => (rest === '' ? { kind: 'dir', list: () => [] } : undefined) },
};

export class Namespace {
  private readonly mounts = new Map<string, MountPoint>();

  add(mount: MountPoint): () => void {
    if (this.mounts.has(mount.path)) {
      throw new AosError('exists', {
        component: 'core',
        path: mount.path,
        why: `${this.mounts.get(mount.path)?.component} is mounted there already`,
        remedy: 'choose another path',
      });
    }
    this.mounts.set(mount.path, mount);
    return () => {
      if (this.mounts.get(mount.path) === mount) this.mounts.delete(mount.path);
    };
  }

  /** The mount that serves `path`. There is always one: the root. */
  at(path: Path): MountPoint {
    let end = path.length;
    for (;;) {
      const mount = this.mounts.get(end === path.length ? path : path.slice(0, end));
      if (mount !== undefined) return mount;
      if (end <= ROOT.length) break;
      end = path.lastIndexOf('/', end - 1);
    }
    return BARE;
  }

  all(): Iterable<MountPoint> {
    return this.mounts.values();
  }

  has(path: Path): boolean {
    return this.mounts.has(path);
  }

  /** The names directly below `dir` at which something is mounted, or on the way to a mount. */
  below(dir: Path): Set<string> {
    const names = new Set<string>();
    for (const path of this.mounts.keys()) {
      if (!path.startsWith(`${dir}/`)) continue;
      const rest = path.slice(dir.length + 1);
      const slash = rest.indexOf('/');
      names.add(slash === -1 ? rest : rest.slice(0, slash));
    }
    return names;
  }
}

/** The part of `path` below the mount; '' for the mount itself. */
export function restOf(mount: MountPoint, path: Path): string {
  return path.length === mount.path.length ? '' : path.slice(mount.path.length + 1);
}
