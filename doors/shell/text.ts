/**
 * Bytes as text that can be turned back. The shell works on text; a byte that is not UTF-8 stands there as one of 128 code
 * points at the end of the last private plane, and becomes itself again wherever bytes are wanted.
 */

const BASE = 0x10ff00;
/** UTF-16 of every escape begins with it, and little else does. */
const LEAD = '\uDBFF';
const ESCAPES = /[\u{10FF80}-\u{10FFFF}]+/gu;
/** How an escape begins in UTF-8. */
const ESCAPE_UTF8 = Buffer.from([0xf4, 0x8f]);

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text that `toBytes` makes exactly these bytes of. */
export function toText(bytes: Uint8Array): string {
  return decoded(bytes, false);
}

/** Text from what a pipe carried: its escapes are escapes already. */
export function fromPipe(piped: string): string {
  return decoded(Buffer.from(piped, 'latin1'), true);
}

function decoded(bytes: Uint8Array, escapes: boolean): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (escapes || !buffer.includes(ESCAPE_UTF8)) {
    try {
      return strict.decode(buffer);
    } catch {
      // Not UTF-8 throughout: piece by piece.
    }
  }
  let text = '';
  let start = 0;
  for (let at = 0; at < buffer.length; ) {
    const length = sequenceAt(buffer, at, escapes);
    if (length > 0) {
      at += length;
      continue;
    }
    text += `${buffer.toString('utf8', start, at)}${String.fromCodePoint(BASE + (buffer[at] ?? 0))}`;
    start = ++at;
  }
  return text + buffer.toString('utf8', start);
}

export function toBytes(text: string): Uint8Array {
  if (!text.includes(LEAD)) return Buffer.from(text);
  const parts: Uint8Array[] = [];
  let start = 0;
  for (const found of text.matchAll(ESCAPES)) {
    parts.push(Buffer.from(text.slice(start, found.index)));
    parts.push(Uint8Array.from(found[0], one => (one.codePointAt(0) ?? BASE) - BASE));
    start = found.index + found[0].length;
  }
  parts.push(Buffer.from(text.slice(start)));
  return Buffer.concat(parts);
}

/** Bytes in the form of text with one character a byte, as pipes carry them. */
export function fromLatin1(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

/** As a pipe carries it: UTF-8, one character a byte. */
export function toPipe(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** Whether what a pipe carries holds escapes. */
export function hasEscapes(piped: string): boolean {
  return piped.includes('\u00f4\u008f');
}

/** The length of the UTF-8 sequence at `at`; 0 where there is none, or where it is an escape and there are none yet. */
function sequenceAt(bytes: Uint8Array, at: number, escapes: boolean): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const next = (i: number): number => bytes[at + i] ?? 0;
  const tail = (i: number): boolean => (next(i) & 0xc0) === 0x80;
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const low = first === 0xe0 ? 0xa0 : 0x80;
    const high = first === 0xed ? 0x9f : 0xbf;
    return next(1) >= low && next(1) <= high && tail(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const low = first === 0xf0 ? 0x90 : 0x80;
    const high = first === 0xf4 ? 0x8f : 0xbf;
    if (next(1) < low || next(1) > high || !tail(2) || !tail(3)) return 0;
    return !escapes && first === 0xf4 && next(1) === 0x8f && next(2) >= 0xbe ? 0 : 4;
  }
  return 0;
}
