/**
 * Every noun of Agent OS. The core knows only these: paths, callers, authority, locks and money. It performs operations
 * on nodes and implements none; whatever a user sees is a plugin that serves a subtree through the interfaces below.
 */

export type * from './types/authority.ts';
export type * from './types/base.ts';
export type * from './types/config.ts';
export type * from './types/handle.ts';
export type * from './types/node.ts';
export type * from './types/plugin.ts';
export type * from './types/policy.ts';
export type * from './types/run.ts';
export type * from './types/state.ts';
export type * from './types/tree.ts';
