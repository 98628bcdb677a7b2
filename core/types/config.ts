/** The configuration in force. */

import type { Grant } from './authority.ts';
import type { Limit, Verb } from './base.ts';

export interface Config {
  readonly model?: string;
  readonly aliases: Readonly<Record<string, string>>;
  readonly backends: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** By uid, as text. */
  readonly grants: Readonly<Record<string, readonly Grant[]>>;
  /** By path pattern: the only verbs that anybody but the daemon itself may use there. */
  readonly ceilings: Readonly<Record<string, readonly Verb[]>>;
  readonly budgets: Budgets;
  readonly audit: { readonly reads: boolean; readonly file_bytes_max: number };
  readonly plugins: readonly string[];
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' };
}

/** Limits in micro-dollars per window; 0 switches a layer off. */
export interface Budgets {
  /** By agent's name, in which `*` is any part of it: a budget for each agent that it matches. */
  readonly agents: Readonly<Record<string, Limit>>;
  readonly pid: Limit;
  readonly session: Limit;
  readonly uid: Limit;
  readonly global: Limit;
  /** Paid operations in a second, for one process. */
  readonly velocity: number;
  /** By path pattern. */
  readonly subtree: Readonly<Record<string, Limit>>;
}
