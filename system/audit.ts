/** The audit log: one JSON object a line, each with the hash of the one before, so that a line taken out shows. */

import { createHash } from 'node:crypto';
import { appendFileSync, closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import type { LogSource, Millis, Settled } from '../plugin-sdk/index.ts';

const FIRST = '0'.repeat(64);

export interface Audit {
  append(record: Settled): void;
  readonly source: LogSource;
}

export function openAudit(dir: string, now: () => Millis): Audit {
  const file = `${dir}/audit.jsonl`;
  const fd = openSync(file, 'a+', 0o600);
  let previous = lastHash(file);
  const watchers = new Set<() => void>();
  return {
    append(record) {
      const body = { ...record, at: new Date(record.at).toISOString(), previous };
      const hash = createHash('sha256').update(JSON.stringify(body)).digest('hex');
      appendFileSync(fd, `${JSON.stringify({ ...body, hash })}\n`);
      previous = hash;
      for (const wake of [...watchers]) wake();
    },
    source: fileSource(fd, watchers, now),
  };
}

function fileSource(fd: number, watchers: Set<() => void>, now: () => Millis): LogSource {
  return {
    get size() {
      return fstatSync(fd).size;
    },
    get mtime() {
      return fstatSync(fd).mtimeMs || now();
    },
    ended: false,
    read(offset, length) {
      const bytes = Buffer.allocUnsafe(length);
      return bytes.subarray(0, readSync(fd, bytes, 0, length, offset));
    },
    watch(wake) {
      watchers.add(wake);
      return () => watchers.delete(wake);
    },
  };
}

const TAIL_BYTES = 64 * 1024;

/** The hash of the last whole line; the first of all chains where there is none. */
function lastHash(file: string): string {
  if (!existsSync(file)) return FIRST;
  const line = tail(file)
    .split('\n')
    .findLast(text => text.endsWith('}'));
  if (line === undefined) return FIRST;
  try {
    const record: unknown = JSON.parse(line);
    if (typeof record === 'object' && record !== null && 'hash' in record) return String(record.hash);
  } catch {
    // Half a line, from a power cut: the chain goes on from there, and verifying it will show the break.
  }
  return FIRST;
}

function tail(file: string): string {
  const fd = openSync(file, 'r');
  try {
    const { size } = fstatSync(fd);
    if (size <= TAIL_BYTES) return readFileSync(file, 'utf8');
    const bytes = Buffer.alloc(TAIL_BYTES);
    readSync(fd, bytes, 0, TAIL_BYTES, size - TAIL_BYTES);
    return bytes.toString('utf8');
  } finally {
    closeSync(fd);
  }
}
