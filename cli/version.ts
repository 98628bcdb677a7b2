import { readFileSync } from 'node:fs';

/** The package's own, from the sources or from what was built of them. */
export function version(): string {
  for (const up of ['../package.json', '../../package.json']) {
    try {
      const found: unknown = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8'));
      if (typeof found === 'object' && found !== null && 'version' in found) return String(found.version);
    } catch {
      // One of the two is not there.
    }
  }
  return 'unknown';
}
