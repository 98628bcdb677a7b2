/** What went wrong, for whoever typed the command. Loaded only when something did. */

import { AosError, asAosError, type ErrorShape, fromShape } from '../core/errors.ts';
import { BrokenReply, Refusal } from './client.ts';
import { commandName, Mistake } from './flags.ts';
import { json, note, Unwritten } from './output.ts';
import { isFields } from './shape.ts';

/** One sentence to stderr, or with `--json` the contract's shape to stdout. Gives the exit code. */
export function fail(thrown: unknown, asJson: boolean): number {
  if (thrown instanceof Unwritten) return unwritten(thrown);
  const error = thrown instanceof Mistake ? usageError(thrown) : asAosError(thrown, 'aos');
  try {
    if (asJson) json({ error: error.toJSON() });
    else complain(error);
  } catch (late) {
    if (!(late instanceof Unwritten)) throw late;
    unwritten(late);
  }
  return error.exitCode;
}

function complain(error: AosError): void {
  note(error.message.replaceAll('\n', ' '));
}

/** Told on stderr, if that can be written: stdout is what failed, with `--json` too. */
function unwritten({ fd, cause }: Unwritten): number {
  const path = fd === 1 ? 'standard output' : 'standard error';
  const { kind, why } = asAosError(cause, 'aos', path);
  const remedy = kind === 'no_space' ? 'make room where it goes to' : 'send it to where it can be written';
  const error = new AosError(kind, { component: 'aos', path, why, remedy });
  try {
    if (fd === 1) complain(error);
  } catch (late) {
    // The exit code alone has to say it.
    if (!(late instanceof Unwritten)) throw late;
  }
  return error.exitCode;
}

/** Commander says `error: unknown option '--jsno'`, then on a line of its own `(Did you mean --json?)`; a verb says a clause. */
function usageError({ verb, message }: Mistake): AosError {
  const meant = /\(Did you mean (.+)\?\)/.exec(message)?.[1];
  const why = message.replace(/^error: /, '').split('\n')[0] ?? message;
  const help = `see \`${commandName(verb)} --help\``;
  return new AosError('usage', {
    component: commandName(verb),
    // Commander says in two sentences how many arguments it wanted.
    why: why.replace(/\.$/, '').replace('. Expected', ': expected'),
    remedy: meant === undefined ? help : `did you mean ${meant}? or ${help}`,
  });
}

/** What a failed request means: the daemon's own error, or why there is none of it. */
export function failureOf(thrown: unknown, socket: string, path: string): Error {
  if (thrown instanceof Unwritten) return thrown;
  if (thrown instanceof Refusal) return refusal(thrown.said, path);
  if (thrown instanceof BrokenReply) return wentAway(socket, thrown);
  if (thrown instanceof Error && 'syscall' in thrown && 'code' in thrown)
    return unconnected(thrown, thrown.code, socket);
  return asAosError(thrown, 'aos', path);
}

function refusal(said: string, path: string): AosError {
  try {
    const reply: unknown = JSON.parse(said);
    if (isFields(reply) && isShape(reply.error)) return fromShape(reply.error);
  } catch {
    // Not from a daemon of ours.
  }
  return new AosError('upstream', {
    component: 'aos',
    path,
    why: 'the daemon refused without saying why',
    remedy: 'see `aos logs`',
  });
}

export function isShape(value: unknown): value is ErrorShape {
  return isFields(value) && typeof value.kind === 'string' && typeof value.component === 'string';
}

function unconnected(cause: Error, code: unknown, socket: string): AosError {
  switch (code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return new AosError('not_running', {
        component: 'aos',
        why: `no daemon answers at ${socket}`,
        remedy: 'start it with `aos-mount` (`aos-mount --no-fuse` where there is no FUSE)',
        cause,
      });
    case 'EACCES':
    case 'EPERM':
      return new AosError('not_permitted', {
        component: 'aos',
        why: `the daemon at ${socket} belongs to another user`,
        remedy: 'run as that user, or start your own with AOS_HOME set to a directory of yours',
        cause,
      });
    case 'EINVAL':
    case 'ENAMETOOLONG':
      return new AosError('name_too_long', {
        component: 'aos',
        why: `${socket} is too long for a socket`,
        remedy: 'set AOS_SOCKET or AOS_HOME to something of at most 107 bytes',
        cause,
      });
    case 'EPIPE':
    case 'ECONNRESET':
      return wentAway(socket, cause);
    default:
      return asAosError(cause, 'aos', socket);
  }
}

function wentAway(socket: string, cause: Error): AosError {
  return new AosError('io', {
    component: 'aos',
    why: `the daemon at ${socket} went away before it had answered`,
    remedy: 'see `aos logs`',
    cause,
  });
}
