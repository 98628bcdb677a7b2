/** Opens a node of any kind. */

import { AosError } from '../errors.ts';
import { then } from '../maybe.ts';
import { WHAT_CHANGES } from '../refusals.ts';
import type { Handle, Maybe, Node, Op, OpenHow, Verb } from '../types.ts';
import { openCall } from './call.ts';
import { fileHandle } from './file.ts';
import type { Again } from './handle.ts';
import { openLog } from './log.ts';
import { openMessage } from './message.ts';
import type { StatDefaults } from './stat.ts';
import { openValue } from './value.ts';

/** Cutting a file is writing to it, as Linux has it for `O_RDONLY|O_TRUNC` too. */
export function writing(how: OpenHow): OpenHow {
  return how.truncate && !how.write ? { ...how, write: true } : how;
}

/**
 * What opening is to the gate, before anybody knows the node's kind. Whoever may call and not write opens for a call: its
 * request is written, and nothing else.
 */
export function verbOf(how: OpenHow, allows: (verb: Verb) => boolean): Verb {
  if (!how.write) return 'read';
  return allows('write') || !allows('call') ? 'write' : 'call';
}

export function openNode(node: Node, op: Op, how: OpenHow, again: Again, defaults: StatDefaults): Maybe<Handle> {
  const no = (kind: 'is_dir' | 'link_loop' | 'read_only' | 'not_readable', why: string, remedy?: string): AosError =>
    new AosError(kind, { component: again.component, path: op.path, why, remedy });
  switch (node.kind) {
    case 'dir':
      throw no('is_dir', 'it is a directory', 'list it instead');
    case 'link':
      throw no('link_loop', 'it is a symbolic link', `open ${node.target} instead`);
    case 'value':
      if (how.write && node.write === undefined) throw no('read_only', 'it cannot be written', WHAT_CHANGES);
      if (how.read && node.read === undefined) throw no('not_readable', 'it cannot be read', 'it only takes writes');
      return openValue(node, op, how, again);
    case 'log':
      if (how.write) throw no('read_only', 'a log is written by the system alone', WHAT_CHANGES);
      return openLog(node, op.path, again);
    case 'message':
      if (how.read) throw no('not_readable', 'a message can only be written', `write it: echo "..." > ${op.path}`);
      return openMessage(node, op, again);
    case 'call':
      return openCall(node, op, again);
    case 'file':
      return then(node.open(op, how), body => fileHandle(body, op.path, how, node.attr, again, defaults));
  }
}
