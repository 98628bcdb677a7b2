/** Results to stdout, diagnostics to stderr. Written at once, so that nothing is lost when the process ends. */

// An import of node:fs makes all it could export, streams and promises among them: a tenth of what `aos ps` may take.
const { writeSync } = process.getBuiltinModule('node:fs');

/** What a shell reports for a program whose reader went away (SIGPIPE). */
const READER_GONE = 141;
const RETRY_MS = 2;

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Bytes or text as they are. Ends the process quietly where the reader has gone; throws where they cannot be written. */
export function write(data: string | Uint8Array, fd: 1 | 2 = 1): void {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (thrown) {
      const code = asCode(thrown);
      if (code === 'EPIPE') process.exit(READER_GONE);
      if (code !== 'EAGAIN') throw new Unwritten(fd, thrown);
      // Somebody made the descriptor non-blocking; its reader needs a moment.
      Atomics.wait(sleeper, 0, 0, RETRY_MS);
    }
  }
}

/** What was to be printed could not be. */
export class Unwritten extends Error {
  readonly fd: 1 | 2;

  constructor(fd: 1 | 2, cause: unknown) {
    super('not written', { cause });
    this.fd = fd;
  }
}

function asCode(thrown: unknown): unknown {
  return thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
}

export function line(text: string): void {
  write(`${text}\n`);
}

export function note(text: string): void {
  write(`${text}\n`, 2);
}

export function json(value: unknown): void {
  line(JSON.stringify(value));
}

export function isTerminal(fd: 0 | 1 | 2): boolean {
  return process.getBuiltinModule('node:tty').isatty(fd);
}

/** Rows under a head, in columns as wide as their widest cell; columns named in `right` are set to the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly string[] = [],
): string {
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map(row => (row[i] ?? '').length)));
  const format = (row: readonly string[]): string =>
    widths
      .map((width, i) =>
        right.includes(head[i] ?? '') ? (row[i] ?? '').padStart(width) : (row[i] ?? '').padEnd(width),
      )
      .join('  ')
      .trimEnd();
  return [head, ...rows].map(format).join('\n');
}
