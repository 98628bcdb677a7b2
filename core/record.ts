/** What is written down of an operation: in the ledger before it costs anything, for the listeners when it is over. */

import type { AosError, ErrorKind } from './errors.ts';
import type { Caller, Identity, LedgerEntry, Micros, Millis, MountPoint, Op, Path, Settled, Verb } from './types.ts';

const LOOKS: ReadonlySet<Verb> = new Set(['read', 'list']);
const CHANGES: ReadonlySet<Verb> = new Set(['write', 'create', 'remove', 'call']);
/** Ordinary answers, not refusals: nobody wants a line of audit for a missing file. */
const ORDINARY: ReadonlySet<ErrorKind> = new Set([
  'not_found',
  'not_dir',
  'is_dir',
  'no_attribute',
  'interrupted',
  'unsupported',
]);

/** `refused`: by the gate itself, whatever kind of error that looks like. `opened`: nothing has changed yet. */
export type Outcome = 'refused' | 'opened' | undefined;

/** Whether the listeners hear of it. `reads`: whether free reads are told as well. */
export function isTold(
  op: Pick<Op, 'caller' | 'path' | 'verb' | 'told'>,
  cost: Micros,
  error: AosError | undefined,
  outcome: Outcome,
  reads: boolean,
): boolean {
  if (cost > 0) return true;
  if (error !== undefined) {
    return (
      outcome === 'refused' || !ORDINARY.has(error.kind) || (op.verb === 'write' && elsewhere(op, error) !== undefined)
    );
  }
  // The daemon's own free look-ups are nobody's business.
  const own = op.caller.door === 'system' && op.verb === 'call';
  if (LOOKS.has(op.verb) || op.told === false) return reads && !own;
  return outcome !== 'opened' && CHANGES.has(op.verb) && !own;
}

/** A name that no path could be made of, refused where it came in. */
export function refusalAtDoor(caller: Caller, dir: Path, error: AosError, at: Millis): Settled {
  return recordOf({ caller, path: dir, verb: 'stat' }, 0, error, at);
}

export function recordOf(
  op: Pick<Op, 'caller' | 'path' | 'verb' | 'told'>,
  cost: Micros,
  error: AosError | undefined,
  at: Millis,
): Settled {
  const { caller } = op;
  const who = identityOf(caller);
  return Object.freeze({
    at,
    verb: op.verb,
    path: op.path,
    uid: caller.uid,
    pid: who?.pid ?? 0,
    sid: who?.sid ?? 0,
    door: caller.door,
    run: caller.run,
    agent: caller.agent,
    cost,
    error: error?.kind,
    errno: error?.errno,
    component: error?.component,
    ...(error !== undefined && { of: elsewhere(op, error) }),
    why: error?.why,
    remedy: error?.remedy,
    about: op.told || undefined,
  });
}

/** What the error speaks of where it is not what was asked for: what a message names, say. */
function elsewhere({ path }: Pick<Op, 'path'>, error: AosError): string | undefined {
  return error.path === path ? undefined : error.path;
}

/** A process that has ended meanwhile has no identity any more; what it did is told all the same. */
function identityOf(caller: Caller): Identity | undefined {
  try {
    return caller.identity();
  } catch {
    return undefined;
  }
}

export function entryOf(op: Op, mount: MountPoint): Omit<LedgerEntry, 'at' | 'micros' | 'scopes' | 'summed'> {
  const models = '/aos/models/';
  return {
    path: op.path,
    uid: op.caller.uid,
    agent: op.caller.agent ?? '',
    model: op.path.startsWith(models) ? op.path.slice(models.length) : '',
    mount: mount.path,
    runs: op.caller.runs ?? [],
  };
}
