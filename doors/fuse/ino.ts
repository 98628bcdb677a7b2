/** Inode numbers: unique across mounts, the same for the same file on every day. As two halves of 32 bits. */

/** The part of a path within which a plugin's own numbers are unique: `/aos/memory`, `/aos/mnt/github`. */
export function mountOf(path: string): string {
  const names = path.split('/', 4);
  return names[2] === 'mnt' ? `/aos/mnt/${names[3] ?? ''}` : `/aos/${names[2] ?? ''}`;
}

/** The beginnings of the two hashes; `over` carries them through a text. */
const SEED_LO = 0x811c9dc5;
const SEED_HI = 0x96c762f9;

/** For a file whose plugin has no number: a hash of where it is. Never 0. */
export function pathHash(path: string): [lo: number, hi: number] {
  return [finishLo(over(path, SEED_LO)), finishHi(over(path, SEED_HI))];
}

/** The hashes of a directory's path, from which those of its entries follow without their paths being built. */
export class EntryHash {
  lo = 0;
  hi = 0;
  readonly #lo: number;
  readonly #hi: number;

  constructor(dir: string) {
    this.#lo = over('/', over(dir, SEED_LO));
    this.#hi = over('/', over(dir, SEED_HI));
  }

  /** Sets `lo` and `hi` to the hash of the entry's path. */
  take(name: string): void {
    this.lo = finishLo(over(name, this.#lo));
    this.hi = finishHi(over(name, this.#hi));
  }
}

const mounts = new Map<string, [number, number]>();

/** A plugin's number, made different from the same number of another mount. One to one within a mount. */
export function mixIno(path: string, ino: number): [lo: number, hi: number] {
  const mount = mountOf(path);
  let salt = mounts.get(mount);
  if (salt === undefined) {
    salt = pathHash(mount);
    mounts.set(mount, salt);
  }
  const lo = (ino ^ salt[0]) >>> 0;
  const hi = (Math.floor(ino / 0x1_0000_0000) ^ salt[1]) >>> 0;
  return lo === 0 ? [salt[0], (hi ^ 0x8000_0000) >>> 0] : [lo, hi];
}

/** FNV-1a over UTF-16 units. */
function over(text: string, seed: number): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

function finishLo(hash: number): number {
  return Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) >>> 0 || 1;
}

function finishHi(hash: number): number {
  return (Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35) & 0x7fff_ffff) >>> 0;
}
