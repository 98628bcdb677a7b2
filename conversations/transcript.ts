/** Reads the transcript of a turn from the disk. */

import { readTranscript, type Told } from '../plugin-sdk/index.ts';
import { readHead } from './host.ts';

/** What is read of one transcript, from its beginning. */
const BYTES_MAX = 4 * 1024 * 1024;

/** Nothing of a turn that has no transcript. */
export function transcriptOf(dir: string): Told {
  return readTranscript(readHead(dir, 'transcript.jsonl', BYTES_MAX)?.bytes.toString() ?? '');
}
