import test from 'ava';
import fc from 'fast-check';
import { compilePattern } from '../../core/capabilities/grant.ts';
import { Budget, keyOf, type Layer, type Reservation, type Scope } from '../../core/cost/budget.ts';
import { recallFrom, restoreWindows } from '../../core/cost/restore.ts';
import { isSummed } from '../../core/cost/scopes.ts';
import { AosError } from '../../core/errors.ts';
import type { Budgets, LedgerEntry, LedgerState, SpentEntry } from '../../core/types.ts';
import { RUNS } from '../support/property.ts';

/** What the layers are limited to: small, so that they are reached all the time. */
const BUDGETS: Budgets = {
  pid: { usd: 30, per: 1_000 },
  session: { usd: 80, per: 0 },
  uid: { usd: 60, per: 2_000 },
  global: { usd: 100, per: 3_000 },
  velocity: 4,
  agents: { a: { usd: 25, per: 5_000 } },
  subtree: { '/aos/mnt/**': { usd: 50, per: 4_000 } },
};

const X = { path: '/aos/x' };

function scope(key: string, limit?: Scope['limit']): Scope {
  const [layer = '', id = layer, born = '0'] = key.split(':');
  const known = layer as Layer;
  return { layer: known, id: /^\d+$/.test(id) ? Number(id) : id, born: Number(born), limit: limit ?? limitOf(known) };
}

function limitOf(layer: Layer): { usd: number; per: number } {
  if (layer === 'velocity') return { usd: BUDGETS.velocity, per: 1_000 };
  if (layer === 'agent') return { usd: 25, per: 5_000 };
  if (layer === 'subtree') return { usd: 50, per: 4_000 };
  if (layer === 'run' || layer === 'lease') return { usd: 40, per: 0 };
  return BUDGETS[layer];
}

const some = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

/** Who pays: any mixture of scopes, each at most once, and always the machine. */
const scopes: fc.Arbitrary<Scope[]> = fc
  .tuple(
    some('pid:1:1', 'pid:2:1'),
    some('session:1', 'session:2'),
    some('uid:1000', 'uid:0'),
    fc.subarray(['velocity:1:1', 'agent:a', 'subtree:/aos/mnt/**', 'lease:1', 'run:1', 'run:2', 'run:3']),
  )
  .map(([pid, session, uid, more]) => [pid, session, uid, ...more, 'global'].map(key => scope(key)));

type Step =
  | { kind: 'reserve'; scopes: Scope[]; max: number }
  | { kind: 'spend'; which: number; amount: number }
  | { kind: 'settle'; which: number; twice: boolean }
  | { kind: 'release'; which: number }
  | { kind: 'wait'; ms: number }
  | { kind: 'crash' };

const index = fc.nat(7);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('reserve' as const), scopes, max: fc.integer({ min: 1, max: 45 }) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('spend' as const), which: index, amount: fc.nat(20) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('settle' as const), which: index, twice: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), which: index }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 1_500 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
);

/** The ledger as the store keeps it, so that a crash can be survived. */
class Ledger implements LedgerState {
  readonly rows: { entry: LedgerEntry; at: number; spent: number | undefined }[] = [];

  reserve(entry: LedgerEntry): number {
    return this.rows.push({ entry, at: entry.at, spent: undefined }) - 1;
  }
  settle(id: number, spent: number, at: number): void {
    const row = this.rows[id];
    if (row !== undefined) Object.assign(row, { spent, at });
  }
  recover(at: number): number {
    for (const row of this.rows) if (row.spent === undefined) Object.assign(row, { spent: row.entry.micros, at });
    return this.rows.length;
  }
  total(): number {
    return this.rows.reduce((sum, row) => sum + (row.spent ?? 0), 0);
  }
  report(): [] {
    return [];
  }
  *since(since: number, prefix: string): Iterable<SpentEntry> {
    for (const { entry, at, spent: micros = 0 } of this.rows.toSorted((a, b) => a.at - b.at)) {
      const told = entry.scopes.filter(scope => !scope.startsWith('agent:'));
      const agent = entry.agent === '' ? [] : [`agent:${entry.agent}`];
      const below = prefix.startsWith('path:') ? prefix.slice('path:'.length).split('\n') : [];
      const found = [
        ...[...told, ...agent].filter(scope => scope.startsWith(prefix)),
        ...below.filter(pattern => compilePattern(pattern).matches(entry.path)).map(pattern => `path:${pattern}`),
      ];
      for (const scope of found) if (at >= since) yield { scope, at, micros, operations: 1 };
    }
  }
  sum(scope: string): { micros: number; at: number } | undefined {
    const rows = this.rows.filter(({ entry }) => entry.summed.includes(scope));
    const micros = rows.reduce((sum, { entry, spent }) => sum + (spent ?? entry.micros), 0);
    return rows.length === 0 ? undefined : { micros, at: 0 };
  }
  clear(): void {}
}

interface Held {
  readonly id: number;
  readonly reservation: Reservation;
  readonly scopes: readonly Scope[];
  readonly max: number;
  spent: number;
}

/** What is true, kept the plainest way: every bill with its moment, and what is held. */
class World {
  now = 1_764_000_000_000;
  readonly ledger = new Ledger();
  budget = new Budget(recallFrom(this.ledger, 0));
  held: Held[] = [];
  readonly bills: { scopes: readonly string[]; amount: number; at: number }[] = [];

  take(step: Step): void {
    const chosen = 'which' in step ? this.held[step.which % Math.max(1, this.held.length)] : undefined;
    if (step.kind === 'wait') this.now += step.ms;
    else if (step.kind === 'crash') this.crash();
    else if (step.kind === 'reserve') this.reserve(step.scopes, step.max);
    else if (chosen === undefined) return;
    else if (step.kind === 'spend') {
      // A plugin that heeds the meter: it stops where the reservation ends.
      const amount = Math.min(step.amount, chosen.max - chosen.spent);
      if (!chosen.reservation.spend(amount)) throw new Error('within the reservation, and refused');
      chosen.spent += amount;
    } else this.settle(chosen, step.kind === 'settle' && step.twice);
  }

  private reserve(asked: readonly Scope[], max: number): void {
    const before = asked.map(each => this.budget.used(each, this.now));
    try {
      const reservation = this.budget.reserve(asked, max, this.now, X);
      const pays = (layer: Layer): boolean => asked.some(each => each.layer === layer);
      const path = pays('subtree') ? '/aos/mnt/x' : '/aos/x';
      const agent = pays('agent') ? 'a' : '';
      const entry = { at: this.now, micros: max, path, uid: 0, agent, model: '', mount: '', runs: [] };
      const id = this.ledger.reserve({
        ...entry,
        scopes: asked.map(keyOf),
        summed: asked.filter(isSummed).map(keyOf),
      });
      this.held.push({ id, reservation, scopes: asked, max, spent: 0 });
    } catch (error) {
      if (!(error instanceof AosError) || (error.kind !== 'budget' && error.kind !== 'velocity')) throw error;
      const after = asked.map(each => this.budget.used(each, this.now));
      if (after.some((used, i) => used !== before[i])) throw new Error('it was refused, and something was taken');
      if (!asked.some(each => this.lacks(each, max))) throw new Error(`refused without a reason: ${error.message}`);
    }
  }

  /** Whether a layer has no room, generously: a window may count a 60th of its time more. */
  private lacks(each: Scope, max: number): boolean {
    const { layer, limit } = each;
    if (layer === 'velocity') return true;
    const key = keyOf(each);
    return this.spent(key, limit.per + limit.per / 60) + this.reserved(key) + max > limit.usd;
  }

  private settle(one: Held, twice: boolean): void {
    this.held = this.held.filter(each => each !== one);
    this.ledger.settle(one.id, one.spent, this.now);
    this.budget.settle(one.reservation, this.now);
    if (twice) this.budget.settle(one.reservation, this.now);
    this.bill(one.scopes, one.spent);
  }

  /** A killed daemon, and the next one on its ledger: what was held counts in full, from then on. */
  private crash(): void {
    for (const one of this.held) this.bill(one.scopes, one.max);
    this.held = [];
    this.budget = new Budget(recallFrom(this.ledger, 0));
    const { budget, ledger, now } = this;
    restoreWindows({ budget, budgets: BUDGETS, ledger, now, booted: 0, reset: 0 });
  }

  private bill(paid: readonly Scope[], amount: number): void {
    this.bills.push({ scopes: paid.map(keyOf), amount, at: this.now });
  }

  /** Really spent in a scope within the last `per`; 0: ever. */
  spent(key: string, per: number): number {
    return this.bills
      .filter(bill => bill.scopes.includes(key) && (per === 0 || bill.at + per > this.now))
      .reduce((sum, bill) => sum + bill.amount, 0);
  }

  reserved(key: string): number {
    return this.held.filter(one => one.scopes.some(each => keyOf(each) === key)).reduce((sum, one) => sum + one.max, 0);
  }
}

const KEYS = [
  'pid:1:1',
  'pid:2:1',
  'session:1',
  'session:2',
  'uid:1000',
  'uid:0',
  'agent:a',
  'subtree:/aos/mnt/**',
  'lease:1',
  'run:1',
  'run:2',
  'run:3',
  'global',
];

function check(world: World): void {
  for (const key of KEYS) {
    const each = scope(key);
    const used = world.budget.used(each, world.now);
    const really = world.spent(key, each.limit.per) + world.reserved(key);
    if (used > each.limit.usd) throw new Error(`${key} holds ${used}, more than its ${each.limit.usd}`);
    if (used < really) throw new Error(`${key} counts ${used}, and ${really} was spent or held`);
  }
}

test('however reservations, bills, time and crashes interleave, no layer is exceeded and nothing is forgotten', t => {
  const property = fc.property(fc.array(step, { minLength: 1, maxLength: 80, size: 'max' }), steps => {
    const world = new World();
    for (const each of steps) {
      world.take(each);
      check(world);
    }
  });
  t.notThrows(() => fc.assert(property, { numRuns: RUNS }));
});

test('after a crash the ledger holds at least what was really spent', t => {
  const property = fc.property(fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }), steps => {
    const world = new World();
    for (const each of steps) world.take(each);
    const really =
      world.bills.reduce((sum, bill) => sum + bill.amount, 0) + world.held.reduce((sum, one) => sum + one.spent, 0);
    world.take({ kind: 'crash' });
    return world.ledger.total() >= really;
  });
  t.notThrows(() => fc.assert(property, { numRuns: RUNS }));
});

test('callers who race for one limit get exactly what fits', t => {
  const property = fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 10 }), (callers, price) => {
    const budget = new Budget();
    const limit = scope('uid:1', { usd: 100, per: 0 });
    let served = 0;
    for (let i = 0; i < callers; i++) {
      try {
        budget.reserve([limit], price, 0, X);
        served++;
      } catch {
        // No room.
      }
    }
    return served === Math.min(callers, Math.floor(100 / price));
  });
  t.notThrows(() => fc.assert(property, { numRuns: RUNS }));
});

for (const price of [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60]) {
  test(`a price of ${price} is no amount, and a bill neither`, t => {
    const budget = new Budget();
    const all = [scope('global')];
    t.throws(() => budget.reserve(all, price, 0, X), { instanceOf: AosError, message: /is no amount/ });
    const held = budget.reserve(all, 10, 0, X);
    t.throws(() => held.spend(price), { instanceOf: AosError, message: /is no amount/ });
    t.is(held.spent, 0);
  });
}

test('of several layers that refuse, the one that lasts longest is named; a limit of 0 is off, but not for a run', t => {
  const budget = new Budget();
  const pid = scope('pid:1:1');
  const session = scope('session:1', { usd: 30, per: 0 });
  budget.settle(spent(budget.reserve([pid, session], 30, 0, X), 30), 0);
  t.throws(() => budget.reserve([pid, session], 1, 0, X), { message: /the session budget of \$0\.00003 has/ });
  const off = scope('uid:1', { usd: 0, per: 0 });
  t.notThrows(() => budget.reserve([off], 1_000_000, 0, X));
  const nothing = scope('run:9', { usd: 0, per: 0 });
  t.throws(() => budget.reserve([nothing], 1, 0, X), { message: /the run budget of \$0\.00 / });
});

function spent(reservation: Reservation, amount: number): Reservation {
  reservation.spend(amount);
  return reservation;
}
