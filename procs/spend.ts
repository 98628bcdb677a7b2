/**
 * What a run has spent, by itself and through the runs it started, token by token: the gate refuses what a budget cannot hold,
 * and learns the real bill only when an answer is over.
 */

import { asAosError, type Micros, type Millis, printUsd, usdFromMicros } from '../plugin-sdk/index.ts';
import type { Run, RunApi } from './run.ts';

/** At 80 % of a budget a warning is written. */
const WARN_AT = 0.8;
/** Spend is stored at most this often while an answer streams, and only what is stored is shown: it never goes back. */
const STORE_MS = 100;

/** A budget that counts what a run spends: that of the run `pid`, itself or one above it. */
export interface Tightest {
  readonly pid: number;
  readonly limit: Micros;
  readonly spent: Micros;
  readonly left: Micros;
}

export class Spend {
  /** Stored, and therefore what is shown. */
  own: Micros;
  private unstored: Micros = 0;
  /** For models: what their streams told, and what the gate settled. */
  private told: Micros = 0;
  private billed: Micros = 0;
  /** With the runs below. */
  private counted: Micros;
  private storedAt: Millis = 0;
  /** Budgets that this run was warned of: its own and those above it. */
  private readonly warned = new Set<Spend>();
  private readonly run: Run;
  private readonly ancestors: readonly Run[];
  private readonly api: RunApi;

  /** `earlier` is what the run's row says it has cost already. */
  constructor(run: Run, earlier: Micros, ancestors: readonly Run[], api: RunApi) {
    this.own = earlier;
    this.counted = earlier;
    this.run = run;
    this.ancestors = ancestors;
    this.api = api;
  }

  get limit(): Micros {
    return this.run.plan.budget;
  }

  /** Counted against the budget. */
  get total(): Micros {
    return this.counted;
  }

  /** The budget that has least left, of this run and those above it. */
  get tightest(): Tightest {
    return this.ancestors.map(budgetOf).reduce((a, b) => (b.left < a.left ? b : a), budgetOf(this.run));
  }

  /** Left in the tightest budget. */
  get left(): Micros {
    return this.tightest.left;
  }

  /** What a model said an answer costs, as it streamed. */
  streamed(amount: Micros): void {
    this.told += amount;
    this.add(amount);
  }

  /** What the gate settled for a call on a model: more than was told where the run left before the end. */
  settled(amount: Micros): void {
    this.billed += amount;
    const untold = this.billed - this.told;
    if (untold <= 0) return;
    this.told = this.billed;
    this.add(untold);
  }

  /** Adds to the bill. Every run whose budget is used up by it is stopped. */
  add(amount: Micros): void {
    if (amount <= 0) return;
    this.unstored += amount;
    for (const { spend } of this.chain) spend.counted += amount;
    if (this.run.end !== undefined || this.api.now() - this.storedAt >= STORE_MS) this.flush();
    for (const { spend } of this.chain) spend.warn();
    this.stopSpent();
  }

  /** Stores and shows what was spent so far. */
  flush(): void {
    if (this.unstored === 0) return;
    const own = this.own + this.unstored;
    this.storedAt = this.api.now();
    try {
      this.api.state.runs.update(this.run.pid, { cost: own });
    } catch (thrown) {
      const { message } = asAosError(thrown, 'procs', `/aos/procs/${this.run.pid}`);
      this.api.log.error({ pid: this.run.pid, err: thrown }, `the cost of a run could not be stored: ${message}`);
      return;
    }
    this.own = own;
    this.unstored = 0;
    this.tell({});
  }

  /** Stops every run, of this one and those above it, whose budget is used up. */
  private stopSpent(): void {
    for (const run of this.chain) {
      const { limit, counted } = run.spend;
      if (!run.spend.spentUp) continue;
      const why = `the budget of $${printUsd(limit)} is used up: $${printUsd(counted)} spent`;
      run.stop('budget', why, false);
      if (run !== this.run) this.run.stop('budget', `of run ${run.pid}, which started it: ${why}`, false);
    }
  }

  private get spentUp(): boolean {
    return this.counted > 0 && this.counted >= this.limit;
  }

  /** A run that ends for a budget was warned before: where a whole answer did not fit, 80 % may never have been spent. */
  warnOfEnd(): void {
    if (this.warned.size === 0) this.tell({ warn: true });
  }

  private get chain(): readonly Run[] {
    return [this.run, ...this.ancestors];
  }

  private warn(): void {
    const before = this.warned.size;
    for (const { spend } of this.chain) if (spend.nearlySpent) this.warned.add(spend);
    if (this.warned.size > before) this.tell({ warn: true });
  }

  private get nearlySpent(): boolean {
    return this.counted > 0 && this.counted >= this.limit * WARN_AT;
  }

  private tell(more: Readonly<Record<string, unknown>>): void {
    const fields = {
      spent_usd: usdFromMicros(this.counted),
      remaining_usd: usdFromMicros(this.left),
      ...more,
    };
    this.run.note('budget', fields, { cost_micros: this.own });
  }
}

function budgetOf({ pid, spend }: Run): Tightest {
  const { limit, total: spent } = spend;
  return { pid, limit, spent, left: Math.max(0, limit - spent) };
}
