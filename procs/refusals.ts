/** What the process table refuses, in words. */

import { AosError } from '../plugin-sdk/index.ts';

export function noProcess(pid: number | string): AosError {
  return new AosError('not_found', {
    component: 'procs',
    path: `/aos/procs/${pid}`,
    why: 'there is no such process',
    remedy: 'see `aos ps -a`',
  });
}

export function fullError(agent: string, depth: number, more: number): AosError {
  return new AosError('queue_full', {
    component: 'procs',
    path: `/aos/agents/${agent}/inbox`,
    why:
      more === 1
        ? `${depth} messages wait already`
        : `with ${more} more than wait already it would hold more than ${depth}`,
    remedy: 'try again when some are done, or raise queue.depth of the agent',
  });
}

export function stoppingError(agent: string): AosError {
  return new AosError('not_running', {
    component: 'procs',
    path: `/aos/agents/${agent}/inbox`,
    why: 'the daemon is stopping and takes no more messages',
    remedy: 'send it again after the next aos-mount',
  });
}
