/** The levers of policy. */

import type { Caller, Lease } from './authority.ts';
import type { Limit, Micros, Millis, Path } from './base.ts';
import type { MountPoint } from './tree.ts';

/** The levers of policy: what the system's own files and the mounts are built on. Only the composition root hands it out. */
export interface PolicyControl {
  readonly leases: {
    /** Takes a lease and tells everybody to look again. */
    add(lease: Omit<Lease, 'id'>): Lease;
    end(id: number): boolean;
    /** Ends those of `whose` on a path and below it, and forgets which of them had run out. Gives the ids of those ended. */
    shut(path: Path, whose: (lease: Lease) => boolean): readonly number[];
    /** In force now, oldest first. */
    list(): readonly Lease[];
  };
  readonly breaker: {
    readonly tripped: { readonly at: Millis; readonly path: string; readonly why: string } | undefined;
    reset(): void;
  };
  /** The mount that serves a path. */
  mountAt(path: Path): MountPoint;
  /** Whether the path exists for the caller. */
  sees(caller: Caller, path: Path): boolean;
  /** Every budget that an operation of this caller on this path counts against, with what is used of it now. */
  budgets(caller: Caller, path: Path): readonly BudgetState[];
  /**
   * Those that many share, as far as what they are for exists for the caller: of these agents and of each that is configured by
   * its name, of each configured subtree, and of each mount with a limit.
   */
  sharedBudgets(caller: Caller, agents: readonly string[]): readonly BudgetState[];
}

export interface BudgetState {
  readonly layer: string;
  readonly key: string;
  /** The agent, subtree or mount that it is for, as its user knows it; undefined for the other layers. */
  readonly of: string | undefined;
  /** It counts, and refuses nothing. */
  readonly off: boolean;
  readonly limit: Limit;
  /** Spent and reserved. */
  readonly used: Micros;
  /** When nothing of it counts any more; undefined where it does not reset by the clock, or nothing counts. */
  readonly resets: Millis | undefined;
}
