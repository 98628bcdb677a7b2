/** What the shell's thread and the thread that holds the tree say to one another. */

import type { AttrChange, NodeKind } from '../../core/types.ts';

/** One request for the tree. Paths are absolute and without `.`, `..` or empty parts. */
export type TreeCall =
  | { readonly op: 'stat'; readonly path: string; readonly follow: boolean }
  | { readonly op: 'realpath'; readonly path: string }
  | { readonly op: 'list'; readonly path: string }
  | { readonly op: 'read'; readonly path: string }
  | { readonly op: 'write'; readonly path: string; readonly body: Uint8Array; readonly append: boolean }
  /** Opens for writing, as a redirect does. Gives a number for `put` and `close`. */
  | { readonly op: 'open'; readonly path: string; readonly append: boolean }
  | { readonly op: 'put'; readonly handle: number; readonly body: Uint8Array }
  /** Commits what was written. */
  | { readonly op: 'close'; readonly handle: number }
  /** Writes a request and reads the reply on one handle. */
  | { readonly op: 'ask'; readonly path: string; readonly request: Uint8Array }
  | { readonly op: 'mkdir'; readonly path: string }
  | { readonly op: 'remove'; readonly path: string; readonly dir: boolean }
  | { readonly op: 'rename'; readonly path: string; readonly to: string }
  | { readonly op: 'symlink'; readonly path: string; readonly target: string }
  | { readonly op: 'link'; readonly path: string; readonly from: string }
  | { readonly op: 'change'; readonly path: string; readonly change: AttrChange };

export interface TreeStat {
  readonly kind: NodeKind;
  readonly mode: number;
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly mtime: number;
  /** Names the same file wherever it is linked. */
  readonly identity: string;
  /** Only for a link. */
  readonly target?: string;
}

export interface TreeName {
  readonly name: string;
  readonly kind: NodeKind;
}

/** What each operation gives. */
export interface TreeReply {
  readonly stat: TreeStat;
  readonly realpath: string;
  readonly list: readonly TreeName[];
  readonly read: Uint8Array;
  readonly write: undefined;
  readonly open: number;
  readonly put: undefined;
  readonly close: undefined;
  readonly ask: Uint8Array;
  readonly mkdir: undefined;
  readonly remove: undefined;
  readonly rename: undefined;
  readonly symlink: undefined;
  readonly link: undefined;
  readonly change: undefined;
}

/** A refusal by the tree. */
export interface TreeFailure {
  readonly errno: string;
  /** The whole sentence: component, path, reason, remedy. */
  readonly reason: string;
  /** Says more than its errno does. */
  readonly telling: boolean;
}

export interface Begin {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly uid: number;
  readonly gid: number;
  readonly agent: string | undefined;
  readonly limits: ScriptLimits;
}

/** Bounds of one script. */
export interface ScriptLimits {
  /** Wall-clock milliseconds. */
  readonly timeMs: number;
  /** Standard output and standard error together. */
  readonly outputBytes: number;
  readonly commands: number;
  /** Rounds of any one loop. */
  readonly loops: number;
  /** What one read may give, and one string may hold. */
  readonly fileBytes: number;
}

export type ToShell =
  | ({ readonly kind: 'begin' } & Begin)
  | {
      readonly kind: 'run';
      readonly script: string;
      /** `ask`: it is to be had once something would read it. */
      readonly stdin: Uint8Array | 'ask' | undefined;
      readonly interactive: boolean;
    }
  | { readonly kind: 'input'; readonly bytes: Uint8Array }
  | { readonly kind: 'abort' }
  | { readonly kind: 'reply'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly failure: TreeFailure };

export type FromShell =
  | { readonly kind: 'call'; readonly id: number; readonly call: TreeCall }
  | { readonly kind: 'output'; readonly fd: 1 | 2; readonly bytes: Uint8Array }
  | { readonly kind: 'input' }
  /** `exited`: the script asked for the session's end. */
  | {
      readonly kind: 'done';
      readonly code: number;
      readonly exited: boolean;
      readonly incomplete: boolean;
      readonly cwd: string;
    };
