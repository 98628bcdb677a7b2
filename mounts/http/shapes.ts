/** Which paths are directories, as far as is known here: from `--dirs`, from listings, and from longer paths that were read. */

const LEARNED_MAX = 10_000;

export class Shapes {
  private readonly declared: readonly RegExp[];
  private readonly names: readonly string[];
  private readonly learned = new Set<string>();

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
    return this.learned.has(rest) || this.declared.some(pattern => pattern.test(rest));
  }

  learnDir(rest: string): void {
    this.learned.delete(rest);
    this.learned.add(rest);
    for (const oldest of this.learned) {
      if (this.learned.size <= LEARNED_MAX) break;
      this.learned.delete(oldest);
    }
  }

  /** `rest` was there, so what leads to it are directories. */
  learnBelow(rest: string): void {
    for (let end = rest.indexOf('/'); end !== -1; end = rest.indexOf('/', end + 1)) this.learnDir(rest.slice(0, end));
  }

  forget(rest: string): void {
    this.learned.delete(rest);
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
