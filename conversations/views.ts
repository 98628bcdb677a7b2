/** sessions/ by-agent/ by-tag/ active/: directories of relative links to the turns, out of the catalogue. */

import {
  AosError,
  type DirNode,
  type Entry,
  type Maybe,
  type Millis,
  type Node,
  type Op,
  type Tree,
  then,
} from '../plugin-sdk/index.ts';
import { type Catalogue, type Group, type Shown, VIEWS, type View } from './catalogue.ts';
import { treePath } from './turn.ts';

/** `ready` resolves once the catalogue holds what is on the disk. */
export function viewTree(catalogue: Catalogue, ready: () => Maybe<void>): Tree {
  const node = (rest: string, op: Op): Maybe<Node | undefined> => {
    const [top, ...names] = rest.split('/');
    const view = VIEWS.find(name => name === top);
    if (view === undefined) return undefined;
    if (view === 'active') return groupNode(catalogue.active, names, 1, op);
    const [name, ...below] = names;
    if (name === undefined) return viewDir(catalogue, view, ready);
    return then(ready(), () => groupNode(catalogue.group(view, name), below, 2, op));
  };
  return { node };
}

function viewDir(catalogue: Catalogue, view: Exclude<View, 'active'>, ready: () => Maybe<void>): DirNode {
  const entries = (): Entry[] => Array.from(catalogue.names(view), name => ({ name, kind: 'dir' }));
  return { kind: 'dir', ...dated(catalogue.newest), list: () => then(ready(), entries) };
}

/** The directory of a group, or a link in it; `depth` is how far the group lies below /aos/conversations. */
function groupNode(group: Group | undefined, names: readonly string[], depth: number, op: Op): Node | undefined {
  if (group === undefined) return undefined;
  const [id, ...below] = names;
  if (id === undefined) return groupDir(group);
  const shown = group.turns.get(id);
  if (shown === undefined) return undefined;
  if (below.length > 0) throw throughLink(shown, below, op);
  const target = `${'../'.repeat(depth)}${shown.turn}`;
  return { kind: 'link', target, attr: { mtime: shown.at } };
}

function groupDir(group: Group): DirNode {
  const entries = (): Entry[] => Array.from(group.turns.keys(), name => ({ name, kind: 'link' }));
  return { kind: 'dir', ...dated(group.at), list: entries };
}

/** A directory without turns has no time of its own. */
function dated(at: Millis): { attr?: { mtime: Millis } } {
  return at === 0 ? {} : { attr: { mtime: at } };
}

/** Rights belong to the turn's own path, so nothing is served through a view. */
function throughLink(shown: Shown, below: readonly string[], op: Op): AosError {
  const remedy = `use ${treePath(shown.turn)}/${below.join('/')}`;
  return new AosError('link_loop', {
    component: 'conversations',
    path: op.path,
    why: 'this is a link to a turn',
    remedy,
  });
}
