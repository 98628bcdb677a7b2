/** Reading within bounds, through the caller's own authority. */

import {
  AosError,
  type Cancel,
  type Handle,
  isPromise,
  type OpenHow,
  type Path,
  parsePath,
  type ToolContext,
} from '../plugin-sdk/index.ts';

const PIECE_BYTES = 256 * 1024;
const READ: OpenHow = { read: true, write: false, append: false, truncate: false };

export interface Content {
  readonly text: string;
  readonly bytes: number;
  /** There is more than was read. */
  readonly cut: boolean;
}

/** At most `bytesMax` from the start of what is at `path`. Throws what opening and reading throw. */
export async function readContent(context: ToolContext, path: Path, bytesMax: number): Promise<Content> {
  const cancel = cancelOf(context);
  const opened = context.aos.open(context.caller, path, READ, cancel);
  const handle = isPromise(opened) ? await opened : opened;
  try {
    return await drain(handle, bytesMax, cancel);
  } finally {
    handle.close();
  }
}

async function drain(handle: Handle, bytesMax: number, cancel: Cancel): Promise<Content> {
  const parts: Uint8Array[] = [];
  let at = 0;
  while (at <= bytesMax) {
    const read = handle.read(at, Math.min(PIECE_BYTES, bytesMax + 1 - at), cancel);
    // Most of the tree answers at once, and a search reads many files.
    const part = isPromise(read) ? await read : read;
    if (part.length === 0) break;
    parts.push(part);
    at += part.length;
  }
  const bytes = Buffer.concat(parts);
  const cut = bytes.length > bytesMax;
  return { text: bytes.toString('utf8', 0, bytesMax), bytes: Math.min(bytes.length, bytesMax), cut };
}

export function cancelOf({ signal }: ToolContext): Cancel {
  return {
    get aborted() {
      return signal.aborted;
    },
    signal,
    // Only the caller of the tool can stop it.
    abort() {},
  };
}

/** A path as a model writes it: with or without `/aos` in front, with or without a slash at the end. */
export function toolPath(text: string): Path {
  const trimmed = text.trim().replace(/\/+$/, '');
  if (trimmed === '' || trimmed === '/aos') return parsePath('/aos');
  return parsePath(trimmed.startsWith('/aos/') ? trimmed : `/aos/${trimmed.replace(/^\/+/, '')}`);
}

/** NUL bytes, or many that are not UTF-8, mean that it is not text. */
export function isText(text: string): boolean {
  return !text.slice(0, 4096).includes('\0');
}

export function isKind(error: unknown, ...kinds: readonly string[]): boolean {
  return error instanceof AosError && kinds.includes(error.kind);
}
