/** The shell's file system: the tree at /aos, and everything else in memory. Runs in the shell's thread. */

import { InMemoryFs, unsafeBytesFromLatin1 } from 'just-bash';
import { saidOf, TreeError } from './errors.ts';
import type { TreeName, TreeStat } from './protocol.ts';
import { isFailure, type Remote } from './remote.ts';
import { fromLatin1, toBytes, toPipe, toText } from './text.ts';

type Content = string | Uint8Array;
type Encoding = Parameters<InMemoryFs['writeFile']>[2];
type FsStat = Awaited<ReturnType<InMemoryFs['stat']>>;
type Dirent = Awaited<ReturnType<InMemoryFs['readdirWithFileTypes']>>[number];

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
  /** What stands for the names in a directory that may not be listed, where the command goes on without them. */
  unlisted: readonly TreeName[] | undefined;
  readonly remote: Remote;
  private readonly device: (path: string, content: string) => void;
  private writers: Writer[] = [];

  constructor(remote: Remote, device: (path: string, content: string) => void, bytesMax: number) {
    super(undefined, { maxTotalBytes: bytesMax });
    this.remote = remote;
    this.device = device;
    this.mkdirSync('/tmp', { recursive: true });
    this.mkdirSync('/aos', { recursive: true });
  }

  /** Commits what the last `count` redirects have open; all of them without a number. */
  async closeWriters(count = this.writers.length): Promise<void> {
    for (const writer of this.writers.splice(Math.max(0, this.writers.length - count)).reverse()) {
      if (writer.handle !== undefined)
        await this.remote.quietly('close', writer.path, { op: 'close', handle: writer.handle });
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
    return this.remote.ask('open', path, { op: 'read', path });
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
    if (this.inCommand > 0) return void (await this.remote.ask('open', path, { op: 'write', path, body, append }));
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
      this.writers.push({ path, append, handle: await this.remote.send({ op: 'open', path, append }) });
    } catch (thrown) {
      // Said as it stands, where the shell does not say it itself.
      const error = this.remote.refused('open', path, thrown, false);
      throw error instanceof TreeError ? new Error(`bash: ${path}: ${saidOf(error.code)}`) : error;
    }
  }

  /** What a redirect takes in. Nobody catches what is thrown here: the failure is kept for the end of the command. */
  private async redirected(path: string, body: Uint8Array, append: boolean): Promise<void> {
    const at = this.writers.findLastIndex(writer => writer.path === path);
    const writer = this.writers[at];
    if (writer?.handle === undefined)
      return void (await this.remote.quietly('write', path, { op: 'write', path, body, append }));
    const { handle } = writer;
    if (!(await this.remote.quietly('write', path, { op: 'put', handle, body }))) return;
    // Whole at once, as `>` gives it. Descriptors that stay open and `>>` may bring more.
    if (append) return;
    this.writers.splice(at, 1, { ...writer, handle: undefined });
    await this.remote.quietly('close', path, { op: 'close', handle });
  }

  override async exists(path: string): Promise<boolean> {
    if (!isTree(path)) return super.exists(path);
    try {
      await this.remote.ask('stat', path, { op: 'stat', path, follow: true }, true);
      return true;
    } catch {
      return false;
    }
  }

  override async stat(path: string): Promise<FsStat> {
    if (!isTree(path)) return super.stat(path);
    return statOf(await this.remote.ask('stat', path, { op: 'stat', path, follow: true }, true));
  }

  override async lstat(path: string): Promise<FsStat> {
    if (!isTree(path)) return super.lstat(path);
    return statOf(await this.remote.ask('lstat', path, { op: 'stat', path, follow: false }, true));
  }

  override async realpath(path: string): Promise<string> {
    if (!isTree(path)) return super.realpath(path);
    return this.remote.ask('realpath', path, { op: 'realpath', path }, true);
  }

  override async readlink(path: string): Promise<string> {
    if (!isTree(path)) return super.readlink(path);
    const { target } = await this.remote.ask('readlink', path, { op: 'stat', path, follow: false }, true);
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
    const { unlisted } = this;
    // Outside of commands it is a pattern that looks, which is silent about what it may not see.
    const probe = this.inCommand === 0 && unlisted === undefined;
    try {
      const names = await this.remote.ask('scandir', path, { op: 'list', path }, probe);
      return [...names].sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch (error) {
      if (unlisted !== undefined && error instanceof TreeError) return [...unlisted];
      throw error;
    }
  }

  override async mkdir(path: string, options?: Parameters<InMemoryFs['mkdir']>[1]): Promise<void> {
    if (!isTree(path)) return super.mkdir(path, options);
    if (options?.recursive === true) {
      if (await this.exists(path)) return;
      await this.mkdir(path.slice(0, path.lastIndexOf('/')), options);
    }
    await this.remote.ask('mkdir', path, { op: 'mkdir', path });
  }

  override async rm(path: string, options: Parameters<InMemoryFs['rm']>[1] = {}): Promise<void> {
    if (!isTree(path)) return super.rm(path, options);
    let kind: string;
    try {
      kind = (await this.remote.ask('lstat', path, { op: 'stat', path, follow: false }, true)).kind;
    } catch (error) {
      if (options.force === true && error instanceof TreeError && error.code === 'ENOENT') return;
      throw error;
    }
    if (kind === 'dir' && options.recursive === true) {
      for (const { name } of await this.names(path)) await this.rm(`${path}/${name}`, options);
    }
    await this.remote.ask('unlink', path, { op: 'remove', path, dir: kind === 'dir' });
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
    await this.remote.ask('open', path, { op: 'write', path, body, append: false });
  }

  override async mv(src: string, dest: string): Promise<void> {
    if (!isTree(src) && !isTree(dest)) return super.mv(src, dest);
    if (isTree(src) && isTree(dest)) {
      try {
        return void (await this.remote.send({ op: 'rename', path: src, to: dest }));
      } catch (thrown) {
        if (!isFailure(thrown) || thrown.errno !== 'EXDEV') throw this.remote.refused('rename', src, thrown, false);
      }
    }
    await this.cp(src, dest, { recursive: true });
    await this.rm(src, { recursive: true });
  }

  override async chmod(path: string, mode: number): Promise<void> {
    if (!isTree(path)) return super.chmod(path, mode);
    await this.remote.ask('chmod', path, { op: 'change', path, change: { mode } });
  }

  override async utimes(path: string, atime: Date, mtime: Date): Promise<void> {
    if (!isTree(path)) return super.utimes(path, atime, mtime);
    const change = { atime: atime.getTime(), mtime: mtime.getTime() };
    await this.remote.ask('utimes', path, { op: 'change', path, change });
  }

  override async symlink(target: string, path: string): Promise<void> {
    if (!isTree(path)) return super.symlink(target, path);
    await this.remote.ask('symlink', path, { op: 'symlink', path, target });
  }

  override async link(from: string, path: string): Promise<void> {
    if (!isTree(from) && !isTree(path)) return super.link(from, path);
    await this.remote.ask('link', path, { op: 'link', path, from });
  }

  /** The reply of a call file to one request. */
  call(path: string, request: Uint8Array): Promise<Uint8Array> {
    return this.remote.ask('call', path, { op: 'ask', path, request });
  }
}

export function isTree(path: string): boolean {
  return path === '/aos' || path.startsWith('/aos/');
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
