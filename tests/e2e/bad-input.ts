/** What every refusal is held to: one sentence with its component, reason and remedy, the same in JSON, and a daemon that goes on. */

import { statSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { command } from '../support/command.ts';
import { type Daemon, type DaemonOptions, startDaemon } from '../support/daemon.ts';
import { missing } from '../support/machine.ts';

/** The shape of contract section 6. */
export interface Shape {
  readonly kind: string;
  readonly errno: string;
  readonly component: string;
  readonly path: string | null;
  readonly why: string;
  readonly remedy: string | null;
}

/** What a refusal has to say. */
export interface Refusal {
  readonly code: number;
  readonly errno: string;
  readonly why: RegExp;
  readonly remedy: RegExp;
}

/** One daemon for a file's tests, with a kernel mount where there can be one. It answers after each of them. */
export function oneDaemon(options: DaemonOptions = {}): () => Daemon {
  let daemon: Daemon | undefined;
  const steps: (() => Promise<void> | void)[] = [];
  const get = (): Daemon => {
    if (daemon === undefined) throw new Error('the daemon is not running');
    return daemon;
  };
  test.before('the daemon starts', async () => {
    daemon = await startDaemon({ teardown: step => steps.unshift(step) }, options);
  });
  test.afterEach('the daemon answers', async t => {
    const { code, stdout } = await get().aos('status', '--json');
    t.is(code, 0);
    t.is(shapeIn(stdout, 'pid'), get().pid, 'it is still the same daemon');
  });
  test.after.always('the daemon is taken away', async () => {
    for (const step of steps.splice(0)) await step();
  });
  return get;
}

function shapeIn(text: string, key: string): unknown {
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

/** Runs a verb twice, for people and for scripts, and holds both to the same refusal. */
export async function refuses(
  t: ExecutionContext,
  daemon: Daemon,
  args: readonly string[],
  want: Refusal,
): Promise<void> {
  const said = args.join(' ');
  const [text, json] = await Promise.all([daemon.aos(...args), daemon.aos(...args, '--json')]);
  t.is(text.stdout, '', said);
  isSentence(t, text.stderr, want, said);
  t.is(text.code, want.code, `${said}: ${text.stderr}`);
  t.is(json.code, want.code, said);
  t.is(json.stderr, '', said);
  isShape(t, json.stdout, want, said);
  t.regex(await health(daemon), /^(?:ok|degraded: .*)$/, `the daemon answers after: ${said}`);
}

/** One line: who, why, and after a semicolon what to do. */
export function isSentence(
  t: ExecutionContext,
  text: string,
  want: Pick<Refusal, 'why' | 'remedy'>,
  said: string,
): void {
  t.regex(text, /^[a-z][\w -]*: [^\n]+; [^\n]+\n$/, `${said}: one sentence with a remedy`);
  t.notRegex(text, /\bat .*:\d+:\d+|Error:/, `${said}: no trace of the program`);
  t.regex(text, want.why, said);
  t.regex(text.slice(text.indexOf('; ')), want.remedy, said);
}

export function isShape(t: ExecutionContext, text: string, want: Omit<Refusal, 'code'>, said: string): void {
  const error = errorIn(text);
  t.is(error.errno, want.errno, `${said}: ${text}`);
  t.regex(`${error.path ?? ''}: ${error.why}`, want.why, said);
  t.regex(error.remedy ?? '', want.remedy, `${said}: ${text}`);
  t.true(error.component !== '' && error.kind !== '', said);
}

/** The error of a reply. Throws where it is none. */
export function errorIn(text: string): Shape {
  const reply: unknown = JSON.parse(text);
  const error = typeof reply === 'object' && reply !== null && 'error' in reply ? reply.error : undefined;
  if (typeof error !== 'object' || error === null || !('errno' in error)) throw new Error(`no error: ${text}`);
  // The shape of the contract, whose parts the callers look at.
  return error as Shape;
}

/** The daemon's own word how it is, over the socket. */
export async function health({ socket }: Daemon): Promise<string> {
  const reply = await sendRaw(socket, 'GET /aos/system/health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  return reply.slice(reply.indexOf('\r\n\r\n') + 4).trim();
}

/** Sends bytes as they are and gives all that comes back. */
export function sendRaw(path: string, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const socket = connect(path);
    socket.on('data', part => parts.push(part));
    socket.once('error', reject);
    socket.once('close', () => resolve(Buffer.concat(parts).toString()));
    socket.setTimeout(5000, () => socket.destroy(new Error('no answer')));
    socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  });
}

/** One system call after another on one file, below the mount. */
export interface Touch {
  /** Below the mount, one character a byte, so that a name may have any. */
  readonly path: string;
  readonly act:
    | 'read'
    | 'write'
    | 'call'
    | 'seek'
    | 'make'
    | 'unlink'
    | 'rmdir'
    | 'mkdir'
    | 'rename'
    | 'chmod'
    | 'stat';
  /** What is written, or the new name. */
  readonly body?: string;
  /** Written that often. */
  readonly times?: number;
}

/** What became of it: the first call that failed and its errno, as `write EFBIG`; `ok` where none did. */
export async function touch(daemon: Daemon, what: Touch): Promise<string> {
  const { code, stdout, stderr } = await command(
    process.execPath,
    [join(import.meta.dirname, 'touch-client.ts'), JSON.stringify(what)],
    { env: { ...daemon.env } },
  );
  if (code !== 0) throw new Error(`the client failed: ${stderr}`);
  return stdout.trim();
}

/** The newest refusal that this user was told of. */
export async function lastWhy(daemon: Daemon): Promise<Shape | undefined> {
  const { stdout } = await daemon.aos('why', '-n', '1', '--json');
  const list: unknown = JSON.parse(stdout);
  // Each entry has the shape of the contract, whose parts the callers look at.
  return Array.isArray(list) ? (list as Shape[])[0] : undefined;
}

/** Why another user cannot run these programs, as a clause. */
export function missingForUser(): string | undefined {
  const closed = closedTo(import.meta.dirname);
  return missing({ user: true }) ?? (closed === undefined ? undefined : `other users may not pass ${closed}`);
}

/** A directory on the way to `dir`, or itself, that other users may not pass. */
function closedTo(dir: string): string | undefined {
  if ((statSync(dir).mode & 0o001) === 0) return dir;
  return dirname(dir) === dir ? undefined : closedTo(dirname(dir));
}
