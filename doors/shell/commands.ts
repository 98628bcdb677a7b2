/** just-bash's commands as this shell has them: bytes survive them, and what they say of a failure is what happened. */

import {
  type Command,
  type CommandName,
  type ExecResult,
  getCommandNames,
  latin1FromBytes,
  type ResolvedCommandContext,
} from 'just-bash';
import { explained, type Failed, saidOf, TreeError } from './errors.ts';
import type { TreeFs } from './fs.ts';
import type { TreeName } from './protocol.ts';
import { fromLatin1, fromPipe, hasEscapes, toBytes, toText } from './text.ts';

/** Left out: a database engine of its own in the daemon's process, and what belongs to the host's terminal. */
const OMITTED: ReadonlySet<string> = new Set(['sqlite3', 'clear', 'history', 'html-to-markdown', 'curl']);

/** They run other commands: files they seem to write are written by those. */
const RUNNERS: ReadonlySet<string> = new Set(['bash', 'sh', 'xargs', 'find', 'timeout', 'env', 'time']);

/** For them a byte is a byte. The others are given text, with escapes where bytes are none. */
const BYTEWISE: ReadonlySet<string> = new Set([
  'base64',
  'gunzip',
  'gzip',
  'head',
  'md5sum',
  'od',
  'sha1sum',
  'sha256sum',
  'split',
  'strings',
  'tail',
  'tar',
  'tee',
  'tr',
  'wc',
  'zcat',
]);

/** What script.ts puts into scripts. */
export const CLOSE = '/usr/bin/__close';
export const TEXT = '/usr/bin/__text';
export const NOTE = '/usr/bin/__note';

/** Names of the bundled commands that are there. */
export function bundled(): CommandName[] {
  // The library gives the names of its commands as plain text.
  return getCommandNames().filter(name => !OMITTED.has(name)) as CommandName[];
}

/** `note` is told the status of a script's last statement. */
export function commandsOver(fs: TreeFs, note: (status: number) => void): Command[] {
  return [...bundled().map(name => wrapped(name, fs)), closing(fs), reading(), noting(note), calling(fs)];
}

function wrapped(name: string, fs: TreeFs): Command {
  const own = RUNNERS.has(name) ? 0 : 1;
  const bytewise = BYTEWISE.has(name);
  /** The next call is this command's own, with bytes in place of escapes. */
  let again = false;
  return {
    name,
    async execute(args, context) {
      const raw = again;
      again = false;
      if (!raw && readsBytes(name, args) && hasEscapes(latin1FromBytes(context.stdin))) {
        again = true;
        return await withBytes(name, args, context);
      }
      const before = fs.remote.takeFailures();
      const { unlisted } = fs;
      fs.inCommand += own;
      fs.bytewise += bytewise ? 1 : 0;
      fs.unlisted = name === 'find' ? unlistedBy(args) : undefined;
      try {
        const result = await runOriginal(name, args, context);
        const failures = fs.remote.takeFailures();
        const exitCode = name === 'find' && failures.some(isTold) ? result.exitCode || 1 : result.exitCode;
        return asText({ ...result, exitCode }, bytewise, explained(result.stderr, failures, name));
      } catch (thrown) {
        if (!(thrown instanceof TreeError)) throw thrown;
        const vague = `${name}: ${thrown.path}: ${saidOf(thrown.code)}\n`;
        return { stdout: '', stderr: explained(vague, fs.remote.takeFailures(), name), exitCode: 1 };
      } finally {
        fs.inCommand -= own;
        fs.bytewise -= bytewise ? 1 : 0;
        fs.unlisted = unlisted;
        fs.remote.giveBack(before);
      }
    },
  };
}

/** A name that no file has, so that a directory nobody could look into is not taken for an empty one. */
const SOMETHING: TreeName = { name: '\0', kind: 'file' };

/** `find` goes on without what it may not list, and tells of it in the end. */
function unlistedBy(args: readonly string[]): readonly TreeName[] {
  return args.includes('-empty') ? [SOMETHING] : [];
}

/** Whether a command says so: not what it only looked for, nor what went in between. */
function isTold({ failure, probe }: Failed): boolean {
  return !probe && failure.errno !== 'ENOENT';
}

async function runOriginal(name: string, args: string[], context: ResolvedCommandContext): Promise<ExecResult> {
  if (context.origCommand === undefined)
    return { stdout: '', stderr: `bash: ${name}: command not found\n`, exitCode: 127 };
  return context.origCommand(name === 'printf' || name === 'echo' ? args.map(bytesInFormat) : args);
}

/** Only a command without operands reads what is piped to it; asking for the rest would take it away from the next one. */
function readsBytes(name: string, args: readonly string[]): boolean {
  if (!BYTEWISE.has(name)) return false;
  return name === 'tr' || name === 'tee' || args.every(arg => arg.startsWith('-') || /^[+]?\d+\w?$/.test(arg));
}

/** The same command once more, with the bytes that the escapes on its standard input stand for. */
async function withBytes(name: string, args: string[], context: ResolvedCommandContext): Promise<ExecResult> {
  const stdin = Buffer.from(piped(context)).toString('latin1');
  if (context.exec === undefined) return { stdout: '', stderr: '', exitCode: 1 };
  const result = await context.exec(`/usr/bin/${name}`, {
    cwd: context.cwd,
    args,
    stdin,
    stdinKind: 'bytes',
    ...(context.exportedEnv !== undefined && { env: context.exportedEnv }),
    ...(context.signal !== undefined && { signal: context.signal }),
  });
  return { stdout: result.stdout, stderr: result.stderr, exitCode: result.exitCode };
}

/** What is piped to a command, as the bytes it stands for. */
function piped({ stdin }: ResolvedCommandContext): Uint8Array {
  return toBytes(fromPipe(latin1FromBytes(stdin)));
}

/** What bytes it gave, as text with escapes. */
function asText(result: ExecResult, bytewise: boolean, stderr: string): ExecResult {
  const { stdoutEncoding, stdout, ...rest } = result;
  const isBytes = result.stdoutKind === 'bytes' || stdoutEncoding === 'binary';
  const text = bytewise ? () => toText(fromLatin1(stdout)) : () => fromPipe(stdout);
  return { ...rest, stdout: isBytes ? text() : stdout, stdoutKind: 'text', stderr };
}

/** `\xff` and `\377` in a format are bytes. The command would take them for the characters of that number. */
function bytesInFormat(text: string): string {
  if (!/\\(?:x[89a-fA-F]|[0]?[23])/.test(text)) return text;
  return text.replace(/\\\\|(?:\\x[89a-fA-F][0-9a-fA-F]|\\0?[23][0-7][0-7])+/g, run => {
    if (run === '\\\\') return run;
    const bytes = run.matchAll(/\\(?:x(..)|0?([23]..))/g);
    return toText(
      Uint8Array.from(
        [...bytes].map(([, hex, octal]) => (hex ? Number.parseInt(hex, 16) : Number.parseInt(octal ?? '0', 8))),
      ),
    );
  });
}

/** Commits what the redirects of the command before it have open. Its status is that command's, or 1 where this fails. */
function closing(fs: TreeFs): Command {
  return {
    name: '__close',
    async execute([count = '1'], { env }) {
      const before = fs.remote.takeFailures();
      await fs.closeWriters(Number(count));
      const failures = [...before, ...fs.remote.takeFailures()].filter(({ probe }) => !probe);
      if (failures.length > 0) return { stdout: '', stderr: explained('', failures, undefined), exitCode: 1 };
      return unchanged(env);
    },
  };
}

/** Makes text of what `read` put into these variables: it gives a character for each byte. */
function reading(): Command {
  return {
    name: '__text',
    async execute(args, { env, assignShellVariable }) {
      const [first = '', ...values] = args;
      if (first.endsWith('[]')) {
        for (const [i, value] of values.entries()) {
          if (isPiped(value)) await assignShellVariable?.(first.slice(0, -2), textOf(value), String(i));
        }
      } else {
        for (const name of args) {
          const value = env.get(name) ?? '';
          if (isPiped(value)) await assignShellVariable?.(name, textOf(value));
        }
      }
      return unchanged(env);
    },
  };
}

/** Has characters that are not ASCII, and none that is no byte. */
function isPiped(value: string): boolean {
  return /[\u0080-\u00ff]/.test(value) && !/[\u0100-\uffff]/.test(value);
}

function textOf(value: string): string {
  return fromPipe(value);
}

function noting(note: (status: number) => void): Command {
  return {
    name: '__note',
    async execute(_args, { env }) {
      note(Number(env.get('?') ?? 0));
      return unchanged(env);
    },
  };
}

function unchanged(env: Map<string, string>): ExecResult {
  return { stdout: '', stderr: '', exitCode: Number(env.get('?') ?? 0) };
}

/** `call PATH [REQUEST]`: asks a call file, which answers on the handle that asked. The request is read from a pipe where it is not given. */
function calling(fs: TreeFs): Command {
  return {
    name: 'call',
    async execute([path, ...words], context) {
      if (path === undefined) return { stdout: '', stderr: 'usage: call PATH [REQUEST]\n', exitCode: 2 };
      const request = words.length > 0 ? toBytes(words.join(' ')) : piped(context);
      const before = fs.remote.takeFailures();
      try {
        const reply = await fs.call(fs.resolvePath(context.cwd, path), request);
        return { stdout: toText(reply), stderr: '', exitCode: 0, stdoutKind: 'text' };
      } catch {
        const vague = `call: ${path}: No such file or directory\n`;
        return { stdout: '', stderr: explained(vague, fs.remote.takeFailures(), 'call'), exitCode: 1 };
      } finally {
        fs.remote.giveBack(before);
      }
    },
  };
}
