/** The shell's file system: the tree at /aos, and everything else in memory. Runs in the shell's thread. */

import { InMemoryFs, unsafeBytesFromLatin1 } from 'just-bash';
import { type Failed, saidOf, TreeError } from './errors.ts';
import type { TreeCall, TreeFailure, TreeName, TreeReply, TreeStat } from './protocol.ts';
import { fromLatin1, toBytes, toPipe, toText } from './text.ts';

type Content = string | Uint8Array;
type Encoding = Parameters<InMemoryFs['writeFile']>[2];
type FsStat = Awaited<ReturnType<InMemoryFs['stat']>>;
type Dirent = Awaited<ReturnType<InMemoryFs['readdirWithFileTypes']>>[number];

/** Asks the thread that holds the tree. Rejects with the TreeFailure. */
export type Ask = <C extends TreeCall>(call: C) => Promise<TreeReply[C['op']]>;

/** Where the output of a top-level statement goes as soon as it has ended. */
export const DEVICES = { stdout: '/dev/.stdout', stderr: '/dev/.stderr', state: '/dev/.state' } as const;

interface Writer {
  readonly path: string;
  readonly append: boolean;
  /** Undefined where it could not be opened. */
  readonly handle: number | undefined;
}

export class TreeFs extends InMemoryFs {
  /** Above 0 while a command runs: writes are then the command's own, and not those of a redirect. */
  inCommand = 0;
  /** Above 0 while a command runs for which bytes are not text. */
  bytewise = 0;
  private readonly ask: Ask;
  private readonly device: (path: string, content: string) => void;
  private failed: Failed[] = [];
  private writers: Writer[] = [];

  constructor(ask: Ask, device: (path: string, content: string) => void, bytesMax: number) {
    super(undefined, { maxTotalBytes: bytesMax });
    this.ask = ask;
    this.device = device;
    this.mkdirSync('/tmp', { recursive: true });
    this.mkdirSync('/aos', { recursive: true });
  }

  /** What went wrong since it was last asked. */
  takeFailures(): Failed[] {
    const { failed } = this;
    this.failed = [];
    return failed;
  }

  /** Puts those of before in front of what came since. */
  giveBack(before: readonly Failed[]): void {
    this.failed.unshift(...before);
  }

  /** Commits what the last `count` redirects have open; all of them without a number. */
  async closeWriters(count = this.writers.length): Promise<void> {
    for (const writer of this.writers.splice(Math.max(0, this.writers.length - count)).reverse()) {
      if (writer.handle !== undefined) await this.quietly('close', writer.path, { op: 'close', handle: writer.handle });
    }
  }

  override async readFile(path: string, options?: Parameters<InMemoryFs['readFile']>[1]): Promise<string> {
    const encoding = typeof options === 'string' ? options : options?.encoding;
    if (encoding !== undefined && encoding !== null && encoding !== 'utf8' && encoding !== 'utf-8') {
      return Buffer.from(await this.readFileBuffer(path)).toString(encoding);
    }
    return toText(await this.readFileBuffer(path));
  }

  override async readFileBytes(path: string): ReturnType<InMemoryFs['readFileBytes']> {
    const bytes = await this.readFileBuffer(path);
    return unsafeBytesFromLatin1(this.bytewise > 0 ? Buffer.from(bytes).toString('latin1') : toPipe(toText(bytes)));
  }

  override async readFileBuffer(path: string): Promise<Uint8Array> {
    if (!isTree(path)) return super.readFileBuffer(path);
    return this.tree('open', path, { op: 'read', path });
  }

  override async writeFile(path: string, content: Content, options?: Encoding): Promise<void> {
    return this.store(path, content, options, false);
  }

  override async appendFile(path: string, content: Content, options?: Encoding): Promise<void> {
    return this.store(path, content, options, true);
  }

  private async store(path: string, content: Content, options: Encoding, append: boolean): Promise<void> {
    if (Object.values<string>(DEVICES).includes(path)) {
      if (typeof content === 'string' && content !== '') this.device(path, content);
      return;
    }
    const body = this.bytesOf(content, options);
    if (!isTree(path)) return append ? super.appendFile(path, body) : super.writeFile(path, body);
    if (this.inCommand > 0) return void (await this.tree('open', path, { op: 'write', path, body, append }));
    if (body.length === 0) return this.openWriter(path, append);
    return this.redirected(path, body, append);
  }

  /** Redirects give text; a command may give bytes in the form of text. */
  private bytesOf(content: Content, options: Encoding): Uint8Array {
    if (typeof content !== 'string') return content;
    const encoding = typeof options === 'string' ? options : options?.encoding;
    const latin1 = this.inCommand > 0 && (encoding === 'binary' || encoding === 'latin1');
    return latin1 ? fromLatin1(content) : toBytes(content);
  }

  /** A redirect opens its file before its command runs. */
  private async openWriter(path: string, append: boolean): Promise<void> {
    try {
      this.writers.push({ path, append, handle: await this.ask({ op: 'open', path, append }) });
    } catch (thrown) {
      // Said as it stands, where the shell does not say it itself.
      const error = this.refused('open', path, thrown, false);
      throw error instanceof TreeError ? new Error(`bash: ${path}: ${saidOf(error.code)}`) : error;
    }
  }

  /** What a redirect takes in. Nobody catches what is thrown here: the failure is kept for the end of the command. */
  private async redirected(path: string, body: Uint8Array, append: boolean): Promise<void> {
    const at = this.writers.findLastIndex(writer => writer.path === path);
    const writer = this.writers[at];
    if (writer?.handle === undefined)
      return void (await this.quietly('write', path, { op: 'write', path, body, append }));
    const { handle } = writer;
    if (!(await this.quietly('write', path, { op: 'put', handle, body }))) return;
    // Whole at once, as `>` gives it. Descriptors that stay open and `>>` may bring more.
    if (append) return;
    this.writers.splice(at, 1, { ...writer, handle: undefined });
    await this.quietly('close', path, { op: 'close', handle });
  }

  override async exists(path: string): Promise<boolean> {
    if (!isTree(path)) return super.exists(path);
    try {
      await this.tree('stat', path, { op: 'stat', path, follow: true }, true);
      return true;
    } catch {
      return false;
    }
  }

  override async stat(path: string): Promise<FsStat> {
    if (!isTree(path)) return super.stat(path);
    return statOf(await this.tree('stat', path, { op: 'stat', path, follow: true }, true));
  }

  override async lstat(path: string): Promise<FsStat> {
    if (!isTree(path)) return super.lstat(path);
    return statOf(await this.tree('lstat', path, { op: 'stat', path, follow: false }, true));
  }

  override async realpath(path: string): Promise<string> {
    if (!isTree(path)) return super.realpath(path);
    return this.tree('realpath', path, { op: 'realpath', path }, true);
  }

  override async readlink(path: string): Promise<string> {
    if (!isTree(path)) return super.readlink(path);
    const { target } = await this.tree('readlink', path, { op: 'stat', path, follow: false }, true);
    if (target === undefined) throw invalid('readlink', path);
    return target;
  }

  override async readdir(path: string): Promise<string[]> {
    if (!isTree(path)) return super.readdir(path);
    return (await this.names(path)).map(({ name }) => name);
  }

  override async readdirWithFileTypes(path: string): Promise<Dirent[]> {
    if (!isTree(path)) return super.readdirWithFileTypes(path);
    return (await this.names(path)).map(({ name, kind }) => ({
      name,
      isFile: kind !== 'dir' && kind !== 'link',
      isDirectory: kind === 'dir',
      isSymbolicLink: kind === 'link',
    }));
  }

  private async names(path: string): Promise<TreeName[]> {
    const names = await this.tree('scandir', path, { op: 'list', path });
    return [...names].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  override async mkdir(path: string, options?: Parameters<InMemoryFs['mkdir']>[1]): Promise<void> {
    if (!isTree(path)) return super.mkdir(path, options);
    if (options?.recursive === true) {
      if (await this.exists(path)) return;
      await this.mkdir(path.slice(0, path.lastIndexOf('/')), options);
    }
    await this.tree('mkdir', path, { op: 'mkdir', path });
  }

  override async rm(path: string, options: Parameters<InMemoryFs['rm']>[1] = {}): Promise<void> {
    if (!isTree(path)) return super.rm(path, options);
    let kind: string;
    try {
      kind = (await this.tree('lstat', path, { op: 'stat', path, follow: false }, true)).kind;
    } catch (error) {
      if (options.force === true && error instanceof TreeError && error.code === 'ENOENT') return;
      throw error;
    }
    if (kind === 'dir' && options.recursive === true) {
      for (const { name } of await this.names(path)) await this.rm(`${path}/${name}`, options);
    }
    await this.tree('unlink', path, { op: 'remove', path, dir: kind === 'dir' });
  }

  override async cp(src: string, dest: string, options: Parameters<InMemoryFs['cp']>[2] = {}): Promise<void> {
    if (!isTree(src) && !isTree(dest)) return super.cp(src, dest, options);
    const { isDirectory } = await this.stat(src);
    if (!isDirectory) return this.copied(dest, await this.readFileBuffer(src));
    if (options.recursive !== true) throw new Error(`EISDIR: is a directory, cp '${src}'`);
    await this.mkdir(dest, { recursive: true });
    for (const name of await this.readdir(src)) await this.cp(`${src}/${name}`, `${dest}/${name}`, options);
  }

  private async copied(path: string, body: Uint8Array): Promise<void> {
    if (!isTree(path)) return super.writeFile(path, body);
    await this.tree('open', path, { op: 'write', path, body, append: false });
  }

  override async mv(src: string, dest: string): Promise<void> {
    if (!isTree(src) && !isTree(dest)) return super.mv(src, dest);
    if (isTree(src) && isTree(dest)) {
      try {
        return void (await this.ask({ op: 'rename', path: src, to: dest }));
      } catch (thrown) {
        if (!isFailure(thrown) || thrown.errno !== 'EXDEV') throw this.refused('rename', src, thrown, false);
      }
    }
    await this.cp(src, dest, { recursive: true });
    await this.rm(src, { recursive: true });
  }

  override async chmod(path: string, mode: number): Promise<void> {
    if (!isTree(path)) return super.chmod(path, mode);
    await this.tree('chmod', path, { op: 'change', path, change: { mode } });
  }

  override async utimes(path: string, atime: Date, mtime: Date): Promise<void> {
    if (!isTree(path)) return super.utimes(path, atime, mtime);
    const change = { atime: atime.getTime(), mtime: mtime.getTime() };
    await this.tree('utimes', path, { op: 'change', path, change });
  }

  override async symlink(target: string, path: string): Promise<void> {
    if (!isTree(path)) return super.symlink(target, path);
    await this.tree('symlink', path, { op: 'symlink', path, target });
  }

  override async link(from: string, path: string): Promise<void> {
    if (!isTree(from) && !isTree(path)) return super.link(from, path);
    await this.tree('link', path, { op: 'link', path, from });
  }

  /** The reply of a call file to one request. */
  call(path: string, request: Uint8Array): Promise<Uint8Array> {
    return this.tree('call', path, { op: 'ask', path, request });
  }

  /** `probe`: a look that may well fail. */
  private async tree<C extends TreeCall>(
    name: string,
    path: string,
    call: C,
    probe = false,
  ): Promise<TreeReply[C['op']]> {
    try {
      return await this.ask(call);
    } catch (thrown) {
      throw this.refused(name, path, thrown, probe);
    }
  }

  /** False where it was refused: then it is on record. */
  private async quietly(name: string, path: string, call: TreeCall): Promise<boolean> {
    try {
      await this.ask(call);
      return true;
    } catch (thrown) {
      this.refused(name, path, thrown, false);
      return false;
    }
  }

  private refused(name: string, path: string, thrown: unknown, probe: boolean): unknown {
    if (!isFailure(thrown)) return thrown;
    this.failed.push({ path, failure: thrown, probe });
    return new TreeError(thrown, name, path);
  }
}

export function isTree(path: string): boolean {
  return path === '/aos' || path.startsWith('/aos/');
}

function isFailure(thrown: unknown): thrown is TreeFailure {
  return typeof thrown === 'object' && thrown !== null && 'errno' in thrown && 'reason' in thrown;
}

function statOf({ kind, mode, size, mtime, identity }: TreeStat): FsStat {
  return {
    isFile: kind !== 'dir' && kind !== 'link',
    isDirectory: kind === 'dir',
    isSymbolicLink: kind === 'link',
    mode: mode & 0o7777,
    size,
    mtime: new Date(mtime),
    identity,
  };
}

function invalid(op: string, path: string): Error {
  return new Error(`EINVAL: invalid argument, ${op} '${path}'`);
}
