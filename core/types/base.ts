/** The smallest nouns: answers, paths, verbs, money and time. */

/** An answer now, or later. Whatever can answer at once must: the doors then reply within the same tick. */
export type Maybe<T> = T | Promise<T>;

/**
 * A path in the tree: absolute, beginning with `/aos`, no empty, `.` or `..` part, no trailing slash. Made only by
 * `path.ts`, so a string that was never checked does not compile where a Path is wanted.
 */
export type Path = string & { readonly __path: true };

/** What may be done to a path. Invoking an agent is `write` on its inbox; using a tool or a model is `call` on it. */
export type Verb = 'stat' | 'list' | 'read' | 'write' | 'create' | 'remove' | 'call';

/** Money, as an integer number of micro-dollars. */
export type Micros = number;

/** Milliseconds since the epoch, from the one clock the composition root hands out. */
export type Millis = number;

export interface Limit {
  readonly usd: Micros;
  /** Milliseconds; 0 for no window: since the scope began. */
  readonly per: Millis;
}
