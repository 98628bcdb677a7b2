import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { NEVER } from '../../core/cancel.ts';
import { AosError, type ErrorKind } from '../../core/errors.ts';
import type { Caller, DirNode, FileBody, FileNode, Maybe, Op, OpenHow, Path, Tree } from '../../core/types.ts';
import { type DiskOptions, diskTree } from '../../plugin-sdk/disk.ts';

const READ: OpenHow = { read: true, write: false, append: false, truncate: false };
const WRITE: OpenHow = { read: false, write: true, append: false, truncate: false };
const IS_ROOT = process.getuid?.() === 0;

interface Subject {
  readonly root: string;
  readonly tree: Tree;
  dir(rest: string): DirNode;
  file(rest: string): FileNode;
  make(rest: string, text: string, mode?: number): void;
  text(rest: string): string;
  op(rest: string, uid?: number): Op;
  refused(kind: ErrorKind, work: () => unknown): AosError;
}

function subject(t: ExecutionContext, options: Partial<DiskOptions> = {}): Subject {
  const root = fs.mkdtempSync(join(tmpdir(), 'aos-disk-'));
  t.teardown(() => fs.rmSync(root, { recursive: true, force: true }));
  const tree = diskTree(root, { component: 'memory', ...options });
  const op = (rest: string, uid = process.getuid?.() ?? 0): Op => {
    const caller: Caller = {
      uid,
      gid: uid,
      door: 'system',
      authority: [],
      identity: () => ({ pid: 1, startTime: 1, sid: 1, tty: 0, comm: 'test' }),
    };
    const meter = { max: 0, spent: 0, spend: () => true };
    // The tests make paths that the parser would accept.
    return { caller, verb: 'stat', path: `/aos/memory/${rest}` as Path, signal: NEVER.signal, cancel: NEVER, meter };
  };
  const dir = (rest: string): DirNode => {
    const node = tree.node(rest, op(rest));
    if (node === undefined || !('kind' in node) || node.kind !== 'dir') throw new Error(`${rest} is no directory`);
    return node;
  };
  const file = (rest: string): FileNode => {
    const node = tree.node(rest, op(rest));
    if (node === undefined || !('kind' in node) || node.kind !== 'file') throw new Error(`${rest} is no file`);
    return node;
  };
  const make = (rest: string, text: string, mode = 0o644): void => {
    const at = rest.lastIndexOf('/');
    const parent = dir(at === -1 ? '' : rest.slice(0, at));
    const body = now(parent.makeFile?.(op(rest), rest.slice(at + 1), mode, { ...WRITE, exclusive: true }));
    body.write(0, Buffer.from(text));
    body.close();
  };
  const text = (rest: string): string => {
    const body = now(file(rest).open(op(rest), READ));
    const bytes = now(body.read(0, 65_536));
    body.close();
    return Buffer.from(bytes).toString();
  };
  const refused = (kind: ErrorKind, work: () => unknown): AosError => {
    const error = t.throws(work, { instanceOf: AosError });
    t.is(error?.kind, kind, error?.message);
    t.is(error?.component, 'memory');
    t.false(error?.message.includes(root), 'the host path is nobody\u2019s business');
    t.regex(error?.path ?? '', /^\/aos\/memory/);
    return error ?? t.fail();
  };
  return { root, tree, dir, file, make, text, op, refused };
}

/** What a disk answers at once. */
function now<T>(answer: Maybe<T> | undefined): T {
  if (answer === undefined || answer instanceof Promise) throw new Error('not answered at once');
  return answer;
}

test('a file is made, read at offsets, overwritten, appended and cut', t => {
  const s = subject(t);
  s.make('a.txt', 'hello world\n');
  t.is(s.text('a.txt'), 'hello world\n');
  t.is(fs.readFileSync(join(s.root, 'a.txt'), 'utf8'), 'hello world\n');
  const body = now(s.file('a.txt').open(s.op('a.txt'), { ...READ, write: true }));
  t.is(Buffer.from(now(body.read(6, 5))).toString(), 'world');
  t.is(Buffer.from(now(body.read(100, 5))).length, 0);
  body.write(6, Buffer.from('there'));
  body.truncate(11);
  t.is(body.attr().size, 11);
  body.close();
  body.close();
  const log = now(s.file('a.txt').open(s.op('a.txt'), { ...WRITE, append: true }));
  log.write(0, Buffer.from('!'));
  log.close();
  t.is(s.text('a.txt'), 'hello there!');
  s.file('a.txt').truncate?.(s.op('a.txt'), 5);
  t.is(s.text('a.txt'), 'hello');
  now(s.file('a.txt').open(s.op('a.txt'), { ...WRITE, truncate: true })).close();
  t.is(s.text('a.txt'), '');
});

test('a handle reads what was added after it was opened', t => {
  const s = subject(t);
  s.make('log', 'one\n');
  const body = now(s.file('log').open(s.op('log'), READ));
  fs.appendFileSync(join(s.root, 'log'), 'two\n');
  t.is(Buffer.from(now(body.read(0, 100))).toString(), 'one\ntwo\n');
  fs.unlinkSync(join(s.root, 'log'));
  t.is(Buffer.from(now(body.read(4, 100))).toString(), 'two\n', 'a name taken away leaves the open file');
  body.close();
});

test('sync reaches the disk', async t => {
  const s = subject(t);
  s.make('a', 'x');
  const body = now(s.file('a').open(s.op('a'), WRITE));
  await t.notThrowsAsync(async () => body.sync());
  body.close();
});

test('a listing tells kinds; what has gone is undefined; sockets are not served', t => {
  const s = subject(t);
  s.make('f', '');
  s.dir('').makeDir?.(s.op('d'), 'd', 0o755);
  s.dir('').makeLink?.(s.op('l'), 'l', 'f');
  const entries = [...now(s.dir('').list(s.op('')))].sort((a, b) => a.name.localeCompare(b.name));
  t.deepEqual(entries, [
    { name: 'd', kind: 'dir' },
    { name: 'f', kind: 'file' },
    { name: 'l', kind: 'link' },
  ]);
  t.is(s.tree.node('nothing', s.op('nothing')), undefined);
  t.is(s.tree.node('nothing/below', s.op('nothing/below')), undefined);
});

test('attributes are the disk\u2019s: size, mode, times, links, inode', t => {
  const s = subject(t);
  s.make('f', 'four', 0o640);
  s.dir('').makeHardLink?.(s.op('g'), 'g', 'f');
  const attr = s.file('g').attr;
  const stats = fs.lstatSync(join(s.root, 'f'));
  t.like(attr, { size: 4, mode: 0o640, nlink: 2, ino: stats.ino, mtime: stats.mtimeMs, fixed: false });
});

test('the mode that is asked for is the mode made, whatever the umask of the daemon', t => {
  const s = subject(t);
  s.make('shared', '', 0o666);
  s.dir('').makeDir?.(s.op('open'), 'open', 0o777);
  t.is(fs.statSync(join(s.root, 'shared')).mode & 0o7777, 0o666);
  t.is(fs.statSync(join(s.root, 'open')).mode & 0o7777, 0o777);
});

test('rename, rename without replacing, remove', t => {
  const s = subject(t);
  s.make('a', 'A');
  s.make('b', 'B');
  const how = { noReplace: false, exchange: false };
  s.refused('exists', () => s.dir('').rename?.(s.op('a'), 'a', 'b', { ...how, noReplace: true }));
  s.refused('unsupported', () => s.dir('').rename?.(s.op('a'), 'a', 'b', { ...how, exchange: true }));
  s.dir('').rename?.(s.op('a'), 'a', 'b', how);
  t.is(s.text('b'), 'A');
  s.dir('').makeDir?.(s.op('d'), 'd', 0o755);
  s.dir('').rename?.(s.op('b'), 'b', 'd/c', how);
  t.is(s.text('d/c'), 'A');
  s.refused('not_empty', () => s.dir('').removeDir?.(s.op('d'), 'd'));
  s.refused('is_dir', () => s.dir('').remove?.(s.op('d'), 'd'));
  s.dir('d').remove?.(s.op('d/c'), 'c');
  s.dir('').removeDir?.(s.op('d'), 'd');
  t.deepEqual(fs.readdirSync(s.root), []);
});

test('errors are those of a file system', t => {
  const s = subject(t);
  s.make('f', '');
  const exclusive = { ...WRITE, exclusive: true };
  s.refused('exists', () => s.dir('').makeFile?.(s.op('f'), 'f', 0o644, exclusive));
  s.refused('exists', () => s.dir('').makeDir?.(s.op('f'), 'f', 0o755));
  s.refused('not_found', () => s.dir('').remove?.(s.op('x'), 'x'));
  s.refused('not_dir', () => s.dir('').removeDir?.(s.op('f'), 'f'));
  s.refused(
    'not_dir',
    () =>
      s.tree.node('f/below', s.op('f/below')) ??
      s.dir('').rename?.(s.op('f'), 'f', 'f/x', { noReplace: false, exchange: false }),
  );
});

test('times and modes are set, on a link its own times', t => {
  const s = subject(t);
  s.make('f', '');
  s.dir('').makeLink?.(s.op('l'), 'l', 'f');
  s.file('f').change?.(s.op('f'), { mode: 0o600, mtime: 1_000_500, atime: 2_000_250 });
  t.like(s.file('f').attr, { mode: 0o600, mtime: 1_000_500, atime: 2_000_250 });
  const link = s.tree.node('l', s.op('l'));
  if (link === undefined || !('kind' in link)) return t.fail();
  link.change?.(s.op('l'), { mtime: 5000 });
  t.is(fs.lstatSync(join(s.root, 'l')).mtimeMs, 5000);
  t.is(s.file('f').attr?.mtime, 1_000_500);
  s.refused('unsupported', () => link.change?.(s.op('l'), { mode: 0o777 }));
});

test('a set-uid file is never made', t => {
  const s = subject(t);
  s.make('f', '', 0o4755);
  t.is(s.file('f').attr?.mode, 0o755);
  s.refused('not_permitted', () => s.file('f').change?.(s.op('f'), { mode: 0o4755 }));
  s.refused('not_permitted', () => s.file('f').change?.(s.op('f'), { mode: 0o2755 }));
  s.dir('').makeDir?.(s.op('d'), 'd', 0o2775);
  t.is(s.dir('d').attr?.mode, 0o2775, 'a directory may hand on its group');
});

(IS_ROOT ? test : test.skip)('what root makes for another user belongs to that user, who may not give it away', t => {
  const s = subject(t);
  const body = s.dir('').makeFile?.(s.op('f', 1000), 'f', 0o644, WRITE) as FileBody;
  body.close();
  s.dir('').makeDir?.(s.op('d', 1000), 'd', 0o755);
  s.dir('').makeLink?.(s.op('l', 1000), 'l', 'f');
  for (const name of ['f', 'd', 'l']) t.is(fs.lstatSync(join(s.root, name)).uid, 1000, name);
  s.refused('not_permitted', () => s.file('f').change?.(s.op('f', 1000), { uid: 0 }));
  s.refused('not_permitted', () => s.file('f').change?.(s.op('f', 1001), { mode: 0o777 }));
  s.file('f').change?.(s.op('f', 1000), { mode: 0o600 });
  s.file('f').change?.(s.op('f', 0), { uid: 1001, gid: 1001 });
  t.like(s.file('f').attr, { uid: 1001, gid: 1001, mode: 0o600 });
});

/** What was checked is remembered until the end of the tick. */
const tick = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

test('no link is followed: not at the end, not on the way, not out of the tree', async t => {
  const outside = fs.mkdtempSync(join(tmpdir(), 'aos-outside-'));
  t.teardown(() => fs.rmSync(outside, { recursive: true, force: true }));
  fs.writeFileSync(join(outside, 'secret'), 'secret');
  fs.mkdirSync(join(outside, 'sub'));
  const s = subject(t);
  s.dir('').makeLink?.(s.op('out'), 'out', outside);
  s.dir('').makeLink?.(s.op('file'), 'file', join(outside, 'secret'));
  const out = s.tree.node('out', s.op('out'));
  t.true(out !== undefined && 'kind' in out && out.kind === 'link' && out.target === outside, 'the caller follows');
  for (const rest of ['out/secret', 'out/sub/x', 'out/new'])
    s.refused('link_loop', () => s.tree.node(rest, s.op(rest)));

  s.make('f', 'mine');
  s.dir('').makeDir?.(s.op('d'), 'd', 0o755);
  const [file, dir] = [s.file('f'), s.dir('d')];
  s.make('d/f', 'mine');
  const below = s.file('d/f');
  fs.unlinkSync(join(s.root, 'f'));
  fs.symlinkSync(join(outside, 'secret'), join(s.root, 'f'));
  fs.rmSync(join(s.root, 'd'), { recursive: true });
  fs.symlinkSync(outside, join(s.root, 'd'));
  await tick();
  s.refused('link_loop', () => file.open(s.op('f'), READ));
  s.refused('link_loop', () => file.open(s.op('f'), WRITE));
  s.refused('link_loop', () => file.truncate?.(s.op('f'), 0));
  s.refused('link_loop', () => below.open(s.op('d/f'), READ));
  s.refused('link_loop', () => dir.makeFile?.(s.op('d/new'), 'new', 0o644, WRITE));
  s.refused('link_loop', () => dir.makeDir?.(s.op('d/new'), 'new', 0o755));
  s.refused('link_loop', () => dir.remove?.(s.op('d/secret'), 'secret'));
  const how = { noReplace: false, exchange: false };
  s.refused('link_loop', () => s.dir('').rename?.(s.op('f'), 'f', 'd/f', how));
  s.refused('link_loop', () => s.dir('').makeHardLink?.(s.op('g'), 'g', 'd/secret'));
  t.deepEqual(fs.readdirSync(outside).sort(), ['secret', 'sub']);
  t.is(fs.readFileSync(join(outside, 'secret'), 'utf8'), 'secret');
});

test('a directory that became a link is not listed', t => {
  const s = subject(t);
  s.dir('').makeDir?.(s.op('d'), 'd', 0o755);
  const dir = s.dir('d');
  fs.rmdirSync(join(s.root, 'd'));
  fs.symlinkSync('/', join(s.root, 'd'));
  s.refused('link_loop', () => dir.list(s.op('d')));
});

test('what is frozen is fixed and refuses every change', t => {
  const s = subject(t, {
    frozen: rest => rest === 'done' || rest.startsWith('done/'),
    refusal: () => ({ why: 'a finished turn does not change', remedy: 'fork it' }),
  });
  fs.mkdirSync(join(s.root, 'done/sub'), { recursive: true });
  fs.writeFileSync(join(s.root, 'done/f'), 'kept');
  fs.writeFileSync(join(s.root, 'g'), 'free');
  const how = { noReplace: false, exchange: false };
  const changes: (() => unknown)[] = [
    () => s.file('done/f').open(s.op('done/f'), WRITE),
    () => s.file('done/f').open(s.op('done/f'), { ...READ, truncate: true }),
    () => s.file('done/f').truncate?.(s.op('done/f'), 0),
    () => s.file('done/f').change?.(s.op('done/f'), { mode: 0o777 }),
    () => s.dir('done').makeFile?.(s.op('done/new'), 'new', 0o644, WRITE),
    () => s.dir('done').makeDir?.(s.op('done/new'), 'new', 0o755),
    () => s.dir('done').makeLink?.(s.op('done/new'), 'new', 'f'),
    () => s.dir('done').remove?.(s.op('done/f'), 'f'),
    () => s.dir('done').removeDir?.(s.op('done/sub'), 'sub'),
    () => s.dir('').removeDir?.(s.op('done'), 'done'),
    () => s.dir('').rename?.(s.op('done'), 'done', 'elsewhere', how),
    () => s.dir('done').rename?.(s.op('done/f'), 'f', 'f', how),
    () => s.dir('').rename?.(s.op('g'), 'g', 'done/f', how),
    () => s.dir('').makeHardLink?.(s.op('h'), 'h', 'done/f'),
  ];
  for (const change of changes) {
    const error = s.refused('read_only', change);
    t.regex(error.message, /a finished turn does not change; fork it/);
  }
  t.true(s.file('done/f').attr?.fixed);
  t.is(s.text('done/f'), 'kept');
  t.false(s.file('g').attr?.fixed);
});

test('a directory that becomes a link through the tree is one at once', t => {
  const s = subject(t);
  s.dir('').makeDir?.(s.op('d'), 'd', 0o755);
  s.make('d/f', 'x');
  t.is(s.text('d/f'), 'x');
  s.dir('').rename?.(s.op('d'), 'd', 'e', { noReplace: false, exchange: false });
  s.dir('').makeLink?.(s.op('d'), 'd', 'e');
  s.refused('link_loop', () => s.tree.node('d/f', s.op('d/f')));
});

test('a pinned name is a directory and stays one', t => {
  const s = subject(t, { pinned: rest => rest === 'p' });
  const how = { noReplace: false, exchange: false };
  s.make('f', '');
  s.refused('read_only', () => s.dir('').makeLink?.(s.op('p'), 'p', '/'));
  s.refused('read_only', () => s.dir('').makeFile?.(s.op('p'), 'p', 0o644, WRITE));
  s.refused('read_only', () => s.dir('').makeHardLink?.(s.op('p'), 'p', 'f'));
  s.refused('read_only', () => s.dir('').rename?.(s.op('f'), 'f', 'p', how));
  s.dir('').makeDir?.(s.op('p'), 'p', 0o755);
  s.make('p/f', 'x');
  s.refused('read_only', () => s.dir('').rename?.(s.op('p'), 'p', 'q', how));
  t.is(s.text('p/f'), 'x');
});

test('changes are told once made', t => {
  const changed: string[] = [];
  const s = subject(t, { onChange: rest => changed.push(rest) });
  s.make('f', 'x');
  t.deepEqual(changed.splice(0), ['f', 'f'], 'when it is made, and when it is closed');
  s.dir('').rename?.(s.op('f'), 'f', 'g', { noReplace: false, exchange: false });
  t.deepEqual(changed.splice(0), ['f', 'g']);
  now(s.file('g').open(s.op('g'), READ)).close();
  t.throws(() => s.dir('').remove?.(s.op('nothing'), 'nothing'));
  t.deepEqual(changed, []);
});

test('space is what the disk has', t => {
  const space = subject(t).tree.space?.();
  t.true(space !== undefined && space.blocks > 0 && space.free > 0 && space.free <= space.blocks);
});
