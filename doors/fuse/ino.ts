/** Inode numbers: unique across mounts, the same for the same file on every day. As two halves of 32 bits. */

/** The part of a path within which a plugin's own numbers are unique: `/aos/memory`, `/aos/mnt/github`. */
export function mountOf(path: string): string {
  const names = path.split('/', 4);
  return names[2] === 'mnt' ? `/aos/mnt/${names[3] ?? ''}` : `/aos/${names[2] ?? ''}`;
}

/** For a file whose plugin has no number: a hash of where it is. Never 0. */
export function pathHash(path: string): [lo: number, hi: number] {
  return finish(fnv(path, 0x811c9dc5), fnv(path, 0x01000193 ^ 0x9747b28c));
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
function fnv(text: string, seed: number): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

function finish(a: number, b: number): [number, number] {
  const lo = Math.imul(a ^ (a >>> 15), 0x85ebca6b) >>> 0;
  return [lo === 0 ? 1 : lo, (Math.imul(b ^ (b >>> 13), 0xc2b2ae35) & 0x7fff_ffff) >>> 0];
}
