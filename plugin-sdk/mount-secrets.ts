/** Keeps what was given to a mount's secret options out of everything that it says of itself: errors, state, log. */

import { AosError } from '../core/errors.ts';
import type { Log } from '../core/types.ts';
import { CUT, HttpFailure } from './http-client.ts';

const HIDDEN = '[secret]';
/** What is shorter is hidden only with the longer text that it was given in: by itself it is in every other word. */
const LENGTH_MIN = 4;
/** As deep as the causes of an error, and the fields of a line of the log, are looked at; what is deeper is left out. */
const DEPTH_MAX = 8;

export class Secrets {
  /** Texts to hide, the longest first. */
  private readonly pieces: readonly string[];
  private readonly pattern: RegExp;

  /** `values` as they were given: a token, a connection string, `name: value`. */
  constructor(values: readonly string[]) {
    const pieces = new Set(values.flatMap(partsOf).flatMap(formsOf));
    this.pieces = [...pieces].filter(({ length }) => length >= LENGTH_MIN).sort((a, b) => b.length - a.length);
    // What is hidden already stays as it is, whatever the secret. Hosts and names of headers are repeated in small letters.
    this.pattern = new RegExp([HIDDEN, ...this.pieces].map(literally).join('|'), 'gi');
  }

  /** The text without them. */
  hide(text: string): string {
    if (this.pieces.length === 0) return text;
    const whole = text.replace(this.pattern, HIDDEN);
    return whole.includes(CUT) ? this.hideCut(whole) : whole;
  }

  /** What was thrown, without them. An error that is not the system's own keeps its name, message, stack and code alone. */
  error(thrown: unknown, depth = 0): unknown {
    if (this.pieces.length === 0) return thrown;
    if (depth > DEPTH_MAX) return undefined;
    if (thrown instanceof AosError) return this.aosError(thrown, depth);
    if (thrown instanceof HttpFailure) return this.failure(thrown);
    if (!(thrown instanceof Error)) return this.hide(String(thrown));
    const cause = thrown.cause === undefined ? undefined : this.error(thrown.cause, depth + 1);
    const copy = new Error(this.hide(thrown.message), cause === undefined ? undefined : { cause });
    copy.name = thrown.name;
    copy.stack = this.hide(thrown.stack ?? '');
    return 'code' in thrown && typeof thrown.code === 'string' ? Object.assign(copy, { code: thrown.code }) : copy;
  }

  /** A log in whose lines they are not. */
  log(log: Log): Log {
    const line =
      (level: keyof Log) =>
      (fields: object, message: string): void =>
        log[level](Object.fromEntries(this.fields(fields, 0)), this.hide(message));
    return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
  }

  /** The same error where nothing of it is secret. */
  private aosError(error: AosError, depth: number): AosError {
    const { kind, component, stack } = error;
    const cause = error.cause === undefined ? undefined : this.error(error.cause, depth + 1);
    const why = this.hide(error.why);
    const path = error.path === undefined ? undefined : this.hide(error.path);
    const remedy = error.remedy === undefined ? undefined : this.hide(error.remedy);
    if (why === error.why && path === error.path && remedy === error.remedy && cause === error.cause) return error;
    const copy = new AosError(kind, { component, path, why, remedy, cause });
    copy.stack = this.hide(stack ?? '');
    return copy;
  }

  private failure(failure: HttpFailure): HttpFailure {
    const headers = Object.entries(failure.headers).map(([name, value]) => [name, this.hide(value)]);
    return new HttpFailure({
      status: failure.status,
      headers: Object.fromEntries(headers),
      body: Buffer.from(this.hide(failure.body)),
    });
  }

  private value(value: unknown, depth: number): unknown {
    if (typeof value === 'string') return this.hide(value);
    if (typeof value !== 'object' || value === null) return value;
    if (depth > DEPTH_MAX) return undefined;
    if (value instanceof Error) return this.error(value, depth + 1);
    if ('toJSON' in value && typeof value.toJSON === 'function') return this.value(value.toJSON(), depth + 1);
    if (Array.isArray(value)) return value.map(item => this.value(item, depth + 1));
    return Object.fromEntries(this.fields(value, depth + 1));
  }

  private fields(fields: object, depth: number): [string, unknown][] {
    return Object.entries(fields).map(([name, value]) => [this.hide(name), this.value(value, depth)]);
  }

  /** A secret of which only the beginning is left before the mark of a cut. */
  private hideCut(text: string): string {
    const parts = text.split(CUT);
    const last = parts.pop();
    return [...parts.map(part => this.withoutBeginning(part)), last].join(CUT);
  }

  private withoutBeginning(text: string): string {
    const small = text.toLowerCase();
    let longest = 0;
    for (const piece of this.pieces) {
      for (let length = Math.min(piece.length, text.length); length >= LENGTH_MIN && length > longest; length--) {
        if (small.endsWith(piece.slice(0, length).toLowerCase())) longest = length;
      }
    }
    return longest === 0 ? text : `${text.slice(0, -longest)}${HIDDEN}`;
  }
}

/** A value and what of it is secret by itself: what is behind `name:`, and behind a scheme; a password in an address. */
function partsOf(value: string): string[] {
  const whole = value.trim();
  const behind = whole.slice(whole.indexOf(':') + 1).trim();
  const [, scheme = '', token = ''] = /^(bearer|basic|token)\s+(.+)$/i.exec(behind) ?? [];
  return [whole, behind, token, ...(/basic/i.test(scheme) ? basic(token) : []), ...passwordIn(whole)];
}

/** What Basic authentication encodes: `user:password`. */
function basic(token: string): string[] {
  const plain = Buffer.from(token, 'base64').toString();
  return plain.includes(':') ? [plain, plain.slice(plain.indexOf(':') + 1)] : [];
}

function passwordIn(address: string): string[] {
  if (!URL.canParse(address)) return [];
  const { password } = new URL(address);
  try {
    return [password, decodeURIComponent(password)];
  } catch {
    return [password];
  }
}

/** As a service may repeat it: as it is, on one line, in JSON, in an address. */
function formsOf(text: string): string[] {
  return [text, text.replace(/\s+/g, ' '), JSON.stringify(text).slice(1, -1), encoded(text)];
}

function encoded(text: string): string {
  // Half of a surrogate pair cannot be encoded.
  return encodeURIComponent(text.toWellFormed());
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}
