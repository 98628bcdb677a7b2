/**
 * What is known here of which paths are directories and which are files: from `--dirs`, from listings, and from longer paths
 * that were read.
 */

const LEARNED_MAX = 10_000;

export class Shapes {
  private readonly declared: readonly RegExp[];
  private readonly names: readonly string[];
  private readonly dirs = new Set<string>();
  private readonly files = new Set<string>();

  /** `dirs` as the option has it: `repos,repos/*`. */
  constructor(dirs: string) {
    const patterns = dirs
      .split(',')
      .map(pattern => pattern.trim().replace(/^\/+|\/+$/g, ''))
      .filter(pattern => pattern !== '');
    this.declared = patterns.flatMap(everyPrefix).map(toRegExp);
    this.names = [...new Set(patterns.map(pattern => pattern.split('/')[0] ?? ''))].filter(name => !name.includes('*'));
  }

  /** Declared names at the top. */
  top(): readonly string[] {
    return this.names;
  }

  isDir(rest: string): boolean {
    return this.dirs.has(rest) || this.declared.some(pattern => pattern.test(rest));
  }

  /** Listed as one, or looks like one: it has an extension or a query. */
  isFile(rest: string): boolean {
    if (this.isDir(rest)) return false;
    return this.files.has(rest) || /[^/][.][a-z]\w{0,7}$|[?][^/]*$/i.test(rest);
  }

  /** A listing named it. What more is known of it counts for more. */
  learn(rest: string, dir: boolean): void {
    if (dir) this.files.delete(rest);
    if (dir || !this.dirs.has(rest)) remember(dir ? this.dirs : this.files, rest);
  }

  /** `rest` was there, so what leads to it are directories. */
  learnBelow(rest: string): void {
    for (let end = rest.indexOf('/'); end !== -1; end = rest.indexOf('/', end + 1))
      this.learn(rest.slice(0, end), true);
  }

  forget(rest: string): void {
    this.dirs.delete(rest);
    this.files.delete(rest);
  }
}

function remember(set: Set<string>, rest: string): void {
  set.delete(rest);
  set.add(rest);
  for (const oldest of set) {
    if (set.size <= LEARNED_MAX) break;
    set.delete(oldest);
  }
}

/** `a/b/c` makes `a` and `a/b` directories too. */
function everyPrefix(pattern: string): string[] {
  const names = pattern.split('/');
  return names.map((_, i) => names.slice(0, i + 1).join('/'));
}

function toRegExp(pattern: string): RegExp {
  const source = pattern
    .split('*')
    .map(part => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('[^/]*');
  return new RegExp(`^${source}$`);
}
