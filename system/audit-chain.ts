/**
 * The chain of the audit log: each line holds the hash of the line before, over all files. A log that has grown is put aside as
 * `audit-000001.jsonl` and so on; the first line of the next file names the last hash of the one before.
 */

import { createReadStream, readdirSync } from 'node:fs';
import { sha256 } from '../plugin-sdk/index.ts';

/** What the first line of all names as the one before. */
export const FIRST = '0'.repeat(64);
export const CURRENT = 'audit.jsonl';
const ASIDE = /^audit-(\d{6,})\.jsonl$/;

/** One line, without its newline, and the hash that the next has to name. */
export function link(record: object, previous: string): { line: string; hash: string } {
  const body = { ...record, previous };
  const hash = sha256(JSON.stringify(body));
  return { line: JSON.stringify({ ...body, hash }), hash };
}

export function asideName(number: number): string {
  return `audit-${String(number).padStart(6, '0')}.jsonl`;
}

/** The numbers of the files put aside, in order. */
export function asideNumbers(dir: string): number[] {
  return readdirSync(dir)
    .flatMap(name => ASIDE.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

export interface Broken {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly why: string;
}

export interface Verified {
  readonly lines: number;
  readonly files: number;
  /** The first link that does not hold. */
  readonly broken: Broken | undefined;
  /** The last line has no end: a crash cut it short, and the next start takes it out. */
  readonly torn: boolean;
}

/** Reads every file of the chain, oldest first, and stops at the first link that does not hold. Needs no daemon. */
export async function verifyChain(dir: string): Promise<Verified> {
  const numbers = asideNumbers(dir);
  const names = [...numbers.map(asideName), ...readdirSync(dir).filter(name => name === CURRENT)];
  let previous = FIRST;
  let lines = 0;
  let torn = false;
  for (const [i, file] of names.entries()) {
    const broken = (line: number, why: string): Verified => ({
      lines,
      files: i + 1,
      broken: { file, line, why },
      torn: false,
    });
    if (i < numbers.length && numbers[i] !== i + 1) return broken(1, `${asideName(i + 1)}, before it, is missing`);
    const found = await verifyFile(`${dir}/${file}`, previous);
    lines += found.lines;
    if (found.why !== undefined) return broken(found.lines + 1, found.why);
    if (found.torn && file !== CURRENT) return broken(found.lines + 1, 'it was cut short');
    torn = found.torn;
    previous = found.last;
  }
  return { lines, files: names.length, broken: undefined, torn };
}

interface Walked {
  /** Lines that hold. */
  readonly lines: number;
  readonly last: string;
  readonly why: string | undefined;
  readonly torn: boolean;
}

async function verifyFile(file: string, before: string): Promise<Walked> {
  let last = before;
  let lines = 0;
  let rest = '';
  // Split by hand: readline takes other separators, which JSON leaves as they are, for ends of lines as well.
  for await (const chunk of createReadStream(file, 'utf8')) {
    const pieces = `${rest}${chunk}`.split('\n');
    rest = pieces.pop() ?? '';
    for (const text of pieces) {
      const found = checkLine(text, last);
      if (found.why !== undefined) return { lines, last, why: found.why, torn: false };
      last = found.hash;
      lines++;
    }
  }
  return { lines, last, why: undefined, torn: rest !== '' };
}

function checkLine(text: string, previous: string): { hash: string; why: string | undefined } {
  const no = (why: string): { hash: string; why: string } => ({ hash: '', why });
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    return no('it is not a line of the log');
  }
  if (typeof record !== 'object' || record === null || !('hash' in record) || !('previous' in record)) {
    return no('it is not a line of the log');
  }
  const { hash, ...body } = record;
  if (body.previous !== previous) return no('a line before it was taken out, added or changed');
  // As it was written: the same keys in the same order, and the hash last.
  const made = link(withoutPrevious(body), previous);
  if (made.hash !== hash || made.line !== text) return no('it was changed after it was written');
  return { hash: made.hash, why: undefined };
}

/** `previous` is put back at the end, where it was written. */
function withoutPrevious(body: object): object {
  return Object.fromEntries(Object.entries(body).filter(([name]) => name !== 'previous'));
}
