/** The tree of nodeids against a plain model: whatever is renamed or removed, every node's path is where its file is. */

import test from 'ava';
import fc from 'fast-check';
import { ROOT } from '../../../core/path.ts';
import type { Path, Stat } from '../../../core/types.ts';
import { mixIno, pathHash } from '../../../doors/fuse/ino.ts';
import { type Inode, Inodes } from '../../../doors/fuse/inodes.ts';
import { FakeNode } from './fake-node.ts';

const STAT: Stat = { ...new FakeNode('dir').stat(), ino: 0 };

function look(inodes: Inodes, path: string): Inode {
  let inode = inodes.root;
  for (const name of path.split('/').slice(2)) {
    inode = inodes.resolve(inode, name, `${inode.path}/${name}` as Path, STAT);
    inode.lookups++;
  }
  return inode;
}

test('a rename moves everything below', t => {
  const inodes = new Inodes();
  const leaf = look(inodes, '/aos/a/b/c');
  const target = look(inodes, '/aos/z');
  const a = look(inodes, '/aos/a');
  inodes.rename(inodes.root, 'a', target, 'new');
  t.is(String(leaf.path), '/aos/z/new/b/c');
  t.is(inodes.find('/aos/z/new/b/c'), leaf);
  t.is(inodes.find('/aos/a'), undefined);
  const y = look(inodes, '/aos/y');
  inodes.exchange(target, 'new', inodes.root, 'y');
  t.is(String(a.path), '/aos/y');
  t.is(String(y.path), '/aos/z/new');
  t.is(String(leaf.path), '/aos/y/b/c');
});

test('a file with two names goes by the one looked up last, and keeps living under the other', t => {
  const inodes = new Inodes();
  const stat: Stat = { ...STAT, kind: 'file', mode: 0o100644, ino: 7, nlink: 2 };
  const dir = look(inodes, '/aos/memory');
  const one = inodes.resolve(dir, 'one', '/aos/memory/one' as Path, stat);
  one.lookups++;
  const two = inodes.resolve(dir, 'two', '/aos/memory/two' as Path, stat);
  two.lookups++;
  t.is(one, two);
  t.is(String(one.path), '/aos/memory/two');
  inodes.unlink(dir, 'two');
  t.is(String(one.path), '/aos/memory/one');
  t.true(one.linked);
  inodes.unlink(dir, 'one');
  t.false(one.linked);
  inodes.forget(one, 2);
  t.is(inodes.get(one.id), undefined);
});

test('any sequence of renames and removals keeps paths and nodes in step', t => {
  const names = fc.constantFrom('a', 'b', 'c');
  const path = fc.array(names, { minLength: 1, maxLength: 3 }).map(parts => `/aos/${parts.join('/')}`);
  const act = fc.record({
    act: fc.constantFrom('look', 'rename', 'unlink', 'forget', 'exchange'),
    one: path,
    two: path,
  });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 30 }), steps => {
      const inodes = new Inodes();
      for (const { act, one, two } of steps) perform(inodes, act, one, two);
      for (const inode of inodes.all()) {
        if (inode.linked) t.is(inodes.find(inode.path), inode, inode.path);
        for (const [name, child] of inode.children ?? [])
          if (child.parent === inode) t.is(String(child.path), `${inode.path}/${name}`);
      }
    }),
    { numRuns: 300 },
  );
});

function perform(inodes: Inodes, act: string, one: string, two: string): void {
  if (act === 'look') {
    look(inodes, one);
    return;
  }
  const inode = inodes.find(one);
  if (inode?.parent === undefined) return;
  const to = inodes.find(two.slice(0, two.lastIndexOf('/')));
  const toName = two.slice(two.lastIndexOf('/') + 1);
  if (act === 'unlink' && !inode.children?.size) inodes.unlink(inode.parent, inode.name);
  else if (act === 'forget') inodes.forget(inode, 1);
  else if (to === undefined || `${two}/`.startsWith(`${one}/`) || `${one}/`.startsWith(`${two}/`)) return;
  else if (act === 'rename' && !inodes.find(two)?.children?.size) inodes.rename(inode.parent, inode.name, to, toName);
  else if (act === 'exchange' && inodes.find(two) !== undefined) inodes.exchange(inode.parent, inode.name, to, toName);
}

test('inode numbers: one for one within a mount, never 0, the same every time', t => {
  const seen = new Set<string>();
  for (let ino = 1; ino <= 2000; ino++) seen.add(mixIno('/aos/memory/x', ino).join());
  t.is(seen.size, 2000);
  t.notDeepEqual(mixIno('/aos/memory/x', 5), mixIno('/aos/conversations/x', 5));
  t.deepEqual(pathHash(`${ROOT}/a`), pathHash('/aos/a'));
  fc.assert(fc.property(fc.string(), path => pathHash(path)[0] !== 0));
});
