/** Reads the transcript of a turn from the disk. */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { readTranscript, type Told } from '../plugin-sdk/index.ts';

/** What is read of one transcript, from its beginning. */
const BYTES_MAX = 4 * 1024 * 1024;

/** Nothing of a turn that has no transcript. */
export function transcriptOf(dir: string): Told {
  return readTranscript(readHead(join(dir, 'transcript.jsonl')));
}

function readHead(file: string): string {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return '';
  }
  try {
    const bytes = Buffer.alloc(Math.min(fstatSync(fd).size, BYTES_MAX));
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(fd);
  }
}
