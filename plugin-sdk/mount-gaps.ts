/**
 * What a directory of a writable mount says of what its plugin cannot do: what mkdir(2), link(2) and rename(2) say of a file
 * system that cannot. It is not read-only.
 */

import { AosError } from '../core/errors.ts';
import { then } from '../core/maybe.ts';
import type { DirNode, Maybe, Node, Op } from '../core/types.ts';

/** The same directory without gaps. `written` gives the node at a name that is about to be written. */
export function withoutGaps(
  dir: DirNode,
  component: string,
  written: (op: Op, name: string) => Maybe<Node | undefined>,
): DirNode {
  const refuse = ({ path }: Op, why: string, remedy: string): never => {
    throw new AosError('not_permitted', { component, path, why, remedy });
  };
  const made = (op: Op, what: string): never =>
    refuse(op, `${what} cannot be made here`, 'write what is to be there: a file is made by being written');
  return {
    makeDir: op => made(op, 'directories'),
    makeLink: op => made(op, 'symbolic links'),
    makeHardLink: op => made(op, 'second names'),
    removeDir: op => refuse(op, 'directories are not removed here', 'remove what is in it'),
    // Upon EXDEV mv(1) copies and removes.
    rename: ({ path }) => {
      const why = 'nothing is moved here in one step';
      throw new AosError('cross_mount', { component, path, why, remedy: 'copy it, then remove it, as mv does' });
    },
    ...dir,
    makeValue: (op, name) =>
      then(written(op, name), node =>
        node?.kind === 'value' && node.write !== undefined ? node : made(op, 'a file of that name'),
      ),
  };
}
