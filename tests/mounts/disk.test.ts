/** A directory of the host as a mount of one's own: every verb of a file system comes through, guarded and paid for. */

import { chownSync, mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parsePath } from '../../core/path.ts';
import { defineMount, diskTree, type Node, usd } from '../../plugin-sdk/index.ts';
import { emptyBody } from '../support/body.ts';
import { tmpDir } from '../support/dirs.ts';
import { refusal, world } from './world.ts';

const at = (name: string) => parsePath(`/aos/mnt/api/${name}`);

test('chmod, truncate, links and renames reach the disk; a read-only mount refuses them', async t => {
  const root = tmpDir(t);
  mkdirSync(join(root, 'd'));
  writeFileSync(join(root, 'a'), 'hello');
  // A daemon of root lets only the owner change the mode, and the caller here is uid 1000.
  if (process.getuid?.() === 0) chownSync(join(root, 'a'), 1000, 1000);
  const type = defineMount({
    name: 'folder',
    help: 'A folder.',
    options: {},
    open: () => diskTree(root, { component: 'folder' }),
  });
  const { core, who, ...w } = await world(t, { type, given: { writable: true, 'allow-delete': true } });
  const { aos } = core;
  t.is(await w.read('a'), 'hello');
  await aos.change(who, at('a'), { mode: 0o600 });
  await aos.truncate(who, at('a'), 2);
  await aos.makeLink(who, at('link'), 'a');
  await aos.makeHardLink(who, at('second'), at('a'));
  await aos.makeDir(who, at('d/e'), 0o755);
  await aos.rename(who, at('second'), at('d/third'), { noReplace: false, exchange: false });
  await w.write('d/new', 'made');
  t.is(readFileSync(join(root, 'd/third'), 'utf8'), 'he');
  t.is(readFileSync(join(root, 'd/new'), 'utf8'), 'made');
  t.is(statSync(join(root, 'a')).mode & 0o777, 0o600);
  t.is(readlinkSync(join(root, 'link')), 'a');
  await w.remove('d/third');
  await aos.removeDir(who, at('d/e'));
  t.deepEqual((await w.list('d')).sort(), ['new']);

  const closed = await world(t, { type });
  const refused = [
    () => closed.core.aos.change(closed.who, at('a'), { mode: 0o644 }),
    () => closed.core.aos.truncate(closed.who, at('a'), 0),
    () => closed.core.aos.makeLink(closed.who, at('l'), 'a'),
    () => closed.core.aos.makeHardLink(closed.who, at('h'), at('a')),
    () => closed.write('a', 'x'),
  ];
  for (const act of refused) t.is((await refusal(t, act)).errno, 'EROFS');
  t.is(await closed.read('a'), 'he');
});

/** Every function of a directory and of a file that changes something. */
const bare = (done: string[]) => {
  const note = (what: string) => (): undefined => void done.push(what);
  const open = emptyBody();
  const top: Node = {
    kind: 'dir',
    list: () => [],
    makeDir: note('makeDir'),
    makeLink: note('makeLink'),
    makeHardLink: note('makeHardLink'),
    remove: note('remove'),
    removeDir: note('removeDir'),
    rename: note('rename'),
    change: note('change'),
    makeFile: () => {
      done.push('makeFile');
      return open;
    },
  };
  const one: Node = { kind: 'file', open: () => open, truncate: note('truncate'), change: note('change') };
  return { node: (rest: string): Node => (rest === '' || rest === 'd' ? top : one) };
};

test('every change is paid for', async t => {
  const done: string[] = [];
  const type = defineMount({
    name: 'bare',
    help: 'Bare.',
    options: {},
    cost: { write: usd(0.001), create: usd(0.001), remove: usd(0.001) },
    open: () => bare(done),
  });
  const { core, who, paid } = await world(t, { type, given: { writable: true, 'allow-delete': true } });
  const { aos } = core;
  const how = { noReplace: false, exchange: false };
  const acts = [
    () => aos.makeDir(who, at('d/1'), 0o755),
    () => aos.makeLink(who, at('d/1'), 'x'),
    () => aos.makeHardLink(who, at('d/1'), at('d/2')),
    () => aos.remove(who, at('d/1')),
    () => aos.removeDir(who, at('d/1')),
    () => aos.rename(who, at('d/1'), at('d/2'), how),
    () => aos.change(who, at('a'), { mode: 0o600 }),
    () => aos.truncate(who, at('a'), 0),
    () => aos.create(who, at('d/3'), 0o644, { read: false, write: true, append: false, truncate: false }),
  ];
  for (const [i, act] of acts.entries()) {
    await act();
    t.deepEqual([done.length, paid()], [i + 1, i + 1], done.at(-1));
  }
});
