import test from 'ava';
import fc from 'fast-check';
import { DEFAULT_CONFIG } from '../../core/config.ts';
import { Budget, keyOf, type Reservation, type Scope } from '../../core/cost/budget.ts';
import { OverBudget } from '../../core/cost/refusal.ts';
import { recallFrom, refillWindows, restoreMount, restoreWindows } from '../../core/cost/restore.ts';
import { Window } from '../../core/cost/window.ts';
import { parsePath } from '../../core/path.ts';
import type { Budgets, Limit } from '../../core/types.ts';
import { MemoryLedger } from '../support/core.ts';
import { RUNS } from '../support/property.ts';

const MINUTE = 60_000;
const HOUR = 3_600_000;

function spent(held: Reservation, amount: number): Reservation {
  held.spend(amount);
  return held;
}

test('what was spent counts until the millisecond at which the window has passed', t => {
  const window = new Window(MINUTE);
  window.add(5, 1_000);
  window.add(7, 1_001);
  t.is(window.spent(1_000 + MINUTE - 1), 12);
  t.is(window.spent(1_000 + MINUTE), 7);
  t.is(window.spent(1_001 + MINUTE - 1), 7);
  t.is(window.spent(1_001 + MINUTE), 0);
  t.true(window.idle(1_001 + MINUTE, false));
});

test('without a length it counts for as long as it lives', t => {
  const window = new Window(0);
  window.add(5, 0);
  t.is(window.spent(1e15), 5);
  t.is(window.resets(0, 1e15), undefined);
  window.clear();
  t.is(window.spent(1e15), 0);
});

test('it says when there is room again, to the millisecond', t => {
  const window = new Window(MINUTE);
  for (const [amount, at] of [
    [3, 100],
    [4, 200],
    [5, 300],
  ] as const)
    window.add(amount, at);
  t.is(window.resets(12, 300), 300);
  t.is(window.resets(11, 300), 100 + MINUTE);
  t.is(window.resets(9, 300), 100 + MINUTE);
  t.is(window.resets(8, 300), 200 + MINUTE);
  t.is(window.resets(0, 300), 300 + MINUTE);
  t.is(window.resets(-1, 300), undefined);
});

const USER: Scope = { layer: 'uid', id: 1, born: 0, limit: { usd: 1e9, per: MINUTE } };

/** A budget of which one user spends. */
function spending(): { budget: Budget; add(amount: number, at: number): void; spent(at: number): number } {
  const budget = new Budget();
  return {
    budget,
    add(amount, at) {
      const held = budget.reserve([USER], amount, at, { path: '/aos/x' });
      held.spend(amount);
      budget.settle(held, at);
    },
    spent: at => budget.used(USER, at),
  };
}

test('a clock that jumps back an hour keeps what was spent for as long as it had left', t => {
  const { budget, add, spent } = spending();
  const at = 10 * HOUR;
  add(5, at);
  t.is(spent(at + 20_000), 5);
  const back = at + 20_000 - HOUR;
  t.is(spent(back), 5);
  t.is(budget.resets(USER, back), back + 40_000);
  t.is(spent(back + 39_999), 5);
  t.is(spent(back + 40_000), 0);
  add(2, back + 40_000);
  t.is(spent(back + 40_000 + MINUTE - 1), 2);
  t.is(spent(back + 40_000 + MINUTE), 0);
});

test('so it does with many entries, of which some have passed', t => {
  const { add, spent } = spending();
  const at = 10 * HOUR;
  for (let i = 0; i < 10; i++) add(1, at + i * 10_000);
  t.is(spent(at + 90_000), 6);
  const back = at + 90_000 - HOUR;
  t.is(spent(back), 6);
  for (let left = 6; left > 0; left--) {
    const next = back + 10_000 * (7 - left);
    t.is(spent(next - 1), left);
    t.is(spent(next), left - 1);
  }
});

test('when it says there is room again, there is, and not before', t => {
  const step = fc.tuple(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 1_000 }));
  const steps = fc.array(step, { maxLength: 100, size: 'max' });
  const property = fc.property(steps, fc.integer({ min: 0, max: 20_000 }), (all, room) => {
    const window = new Window(MINUTE);
    let now = 1_764_000_000_123;
    for (const [wait, amount] of all) {
      now += wait;
      window.add(amount, now);
    }
    const at = window.resets(room, now);
    if (at === undefined || at === now) return at === now && window.spent(now) <= room;
    return window.spent(at - 1) > room && window.spent(at) <= room;
  });
  t.notThrows(() => fc.assert(property, { numRuns: RUNS }));
});

test('a steady pace below the limit of a second is not taken for more', t => {
  const window = new Window(1_000);
  let most = 0;
  for (let at = 0; at < 10_000; at += 20) {
    most = Math.max(most, window.spent(at));
    window.add(1, at);
  }
  t.true(most <= 51, String(most));
});

test('another length from the configuration takes effect with what is known', t => {
  const window = new Window(MINUTE);
  window.add(5, 0);
  window.add(6, 1_000);
  window.reframe(HOUR, 1_000);
  t.is(window.spent(MINUTE), 11);
  window.reframe(10_000, MINUTE);
  t.is(window.spent(MINUTE), 0);
  window.add(3, MINUTE);
  window.reframe(0, MINUTE);
  t.is(window.spent(HOUR), 3);
  window.reframe(MINUTE, HOUR);
  t.is(window.spent(HOUR + MINUTE - 1), 3);
  t.is(window.spent(HOUR + MINUTE), 0);
});

test('it is never below what was really spent in its time, nor above by more than a 60th of that time', t => {
  const step = fc.tuple(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 1_000 }));
  const property = fc.property(
    fc.constantFrom(1_000, MINUTE, 7 * MINUTE),
    fc.array(step, { maxLength: 300, size: 'max' }),
    (per, steps) => {
      const window = new Window(per);
      const all: [number, number][] = [];
      let now = 1_764_000_000_123;
      return steps.every(([wait, amount]) => {
        now += wait;
        const within = (length: number): number =>
          all.filter(([at]) => at + length > now).reduce((sum, [, each]) => sum + each, 0);
        const counted = window.spent(now);
        const ok = counted >= within(per) && counted <= within(per + Math.ceil(per / 60));
        window.add(amount, now);
        all.push([now, amount]);
        return ok;
      });
    },
  );
  t.notThrows(() => fc.assert(property, { numRuns: RUNS }));
});

test('whatever the clock does, nothing counts for less time than it should', t => {
  const step = fc.tuple(
    fc.oneof(fc.integer({ min: 0, max: 30_000 }), fc.constantFrom(-HOUR, -1, -20_000)),
    fc.integer({ min: 0, max: 9 }),
  );
  const property = fc.property(fc.array(step, { maxLength: 200, size: 'max' }), steps => {
    const { add, spent } = spending();
    /** Amounts with the time that really passed since, by a clock that never jumps. */
    const all: { amount: number; age: number }[] = [];
    let now = 100 * HOUR;
    return steps.every(([wait, amount]) => {
      now += wait;
      for (const each of all) each.age += Math.max(0, wait);
      const counted = spent(now);
      const due = all.reduce((sum, each) => sum + (each.age < MINUTE ? each.amount : 0), 0);
      add(amount, now);
      all.push({ amount, age: 0 });
      return counted >= due;
    });
  });
  t.notThrows(() => fc.assert(property, { numRuns: RUNS }));
});

/** What the windows of a core count that starts at 2000, with what a ledger says was spent at 1000. */
function restored(scope: Scope, since?: { booted: number; reset: number }, at = 1000): number {
  const ledger = new MemoryLedger();
  const key = keyOf(scope);
  ledger.since = (_, prefix) =>
    scope.limit.per === 0 || !key.startsWith(prefix) ? [] : [{ scope: key, at, micros: 700_000, operations: 1 }];
  ledger.sum = () => (scope.limit.per === 0 ? { at, micros: 700_000 } : undefined);
  const budget = new Budget(recallFrom(ledger, since?.booted ?? 0));
  restoreWindows({ budget, budgets: DEFAULT_CONFIG.budgets, ledger, now: 2000, booted: 0, reset: 0, ...since });
  return budget.used(scope, 2000);
}

const SESSION: Scope = { layer: 'session', id: 40, born: 7, limit: DEFAULT_CONFIG.budgets.session };
const EVERYBODY: Scope = { layer: 'global', id: 'global', born: 0, limit: DEFAULT_CONFIG.budgets.global };

test('after the machine started anew, what old process and session ids spent is not counted against new ones', t => {
  t.is(restored(SESSION), 700_000);
  t.is(restored(SESSION, { booted: 1500, reset: 0 }), 0);
  t.is(restored(USER, { booted: 1500, reset: 0 }), 700_000);
});

test('what was spent before the breaker was reset is not counted again after a restart, and by nobody else forgotten', t => {
  t.is(restored(EVERYBODY), 700_000);
  t.is(restored(EVERYBODY, { booted: 0, reset: 1500 }), 0);
  t.is(restored(USER, { booted: 0, reset: 1500 }), 700_000);
});

test('a bill from a moment to come, which a clock that was set back leaves behind, counts from now', t => {
  t.is(restored(USER, undefined, 1e9), 700_000);
});

test('an id that names a later process or session has spent nothing', t => {
  const budget = new Budget();
  const first: Scope = { layer: 'session', id: 9, born: 100, limit: { usd: 50, per: 0 } };
  budget.settle(spent(budget.reserve([first], 50, 0, { path: '/aos/x' }), 50), 0);
  t.throws(() => budget.reserve([first], 1, 0, { path: '/aos/x' }), { message: /session budget/ });
  t.throws(() => budget.reserve([{ ...first, born: 0 }], 1, 0, { path: '/aos/x' }), { message: /session budget/ });
  t.notThrows(() => budget.reserve([{ ...first, born: 200 }], 50, 0, { path: '/aos/x' }));
});

for (const per of [0, MINUTE]) {
  test(`a mount's own limit counts what the mount spent before a restart, with a window of ${per} ms`, t => {
    const ledger = new MemoryLedger();
    const limit = { usd: 1e6, per };
    const mount = { path: parsePath('/aos/mnt/api'), component: 'test', tree: { node: () => undefined }, limit };
    const asked: unknown[] = [];
    ledger.since = (...given) => {
      asked.push(given);
      const spent = { at: 1000, micros: 5, operations: 1 };
      return [
        { ...spent, scope: 'subtree:/aos/mnt/api' },
        { ...spent, scope: 'subtree:/aos/mnt/api2' },
      ];
    };
    ledger.sum = (...given) => {
      asked.push(given);
      return { at: 1000, micros: 5 };
    };
    const budget = new Budget(recallFrom(ledger, 0));
    restoreMount(budget, mount, ledger, 2000);
    restoreMount(budget, mount, ledger, 2000);
    t.is(budget.used({ layer: 'subtree', id: '/aos/mnt/api', born: 0, limit }, 2000), 5, 'and only once');
    t.deepEqual(asked, [per === 0 ? ['subtree:/aos/mnt/api'] : [2001 - MINUTE, 'subtree:/aos/mnt/api', 1000]]);
  });
}

test('a scope that was forgotten and came back is counted, however many others come in between', t => {
  const budget = new Budget();
  const of = (id: number): Scope => ({ layer: 'pid', id, born: 1, limit: { usd: 100, per: MINUTE } });
  const pay = (id: number, at: number): void =>
    budget.settle(spent(budget.reserve([of(id)], 60, at, { path: '/aos/x' }), 60), at);
  pay(1, 0);
  t.is(budget.used(of(1), 0), 60);
  for (let id = 2; id < 100; id++) pay(id, MINUTE);
  pay(1, MINUTE);
  for (let id = 100; id < 6_000; id++) {
    pay(id, MINUTE + 1);
    t.true(budget.knows(of(id)));
  }
  t.is(budget.used(of(1), MINUTE + 1), 60);
  t.throws(() => budget.reserve([of(1)], 60, MINUTE + 1, { path: '/aos/x' }), { message: /pid budget/ });
});

test('a window of another length counts what the ledger says was spent within that length', t => {
  const at = (ago: number, micros: number) => ({ scope: 'uid:1', at: 100 * HOUR - ago, micros, operations: 1 });
  const ledger = new MemoryLedger();
  const spentThen = [at(2 * HOUR, 100), at(90_000, 10), at(1_000, 1)];
  ledger.since = (since, prefix) => (prefix === 'uid' ? spentThen.filter(entry => entry.at >= since) : []);
  const budget = new Budget();
  const now = 100 * HOUR;
  const used = (before: Limit, after: Limit): number => {
    const budgets = (uid: Limit) => ({ ...DEFAULT_CONFIG.budgets, uid });
    const filling = { budget, ledger, now, booted: 0, reset: 0 };
    refillWindows({ ...filling, budgets: budgets(after) }, budgets(before));
    return budget.used({ ...USER, limit: after }, now);
  };
  const usd = 1e9;
  t.is(used({ usd: 0, per: 0 }, { usd, per: MINUTE }), 1, 'what was spent while it was off is as old as it is');
  t.is(used({ usd, per: MINUTE }, { usd, per: 2 * MINUTE }), 11);
  t.is(used({ usd, per: 2 * MINUTE }, { usd, per: 3 * HOUR }), 111);
  t.is(used({ usd, per: 3 * HOUR }, { usd, per: MINUTE }), 1);
});

test('a reload that changes amounts alone looks up nothing, and what is long over does not come back with the clock', t => {
  const now = 100 * HOUR;
  const asked: string[] = [];
  const ledger = new MemoryLedger();
  // Spent at a moment that is still to come since the clock went back.
  ledger.since = (_, prefix) => {
    asked.push(prefix);
    const [scope = ''] = prefix.split('\n');
    return [{ scope: scope === 'agent:' ? 'agent:scout' : scope, at: now + HOUR, micros: 100, operations: 1 }];
  };
  const budgets = (usd: number, subtree: Record<string, Limit> = {}): Budgets => {
    const limit = { usd, per: MINUTE };
    const people = { pid: limit, session: limit, uid: limit, global: limit, velocity: usd };
    return { ...people, agents: { 'sc*': limit }, subtree: { '/aos/mnt/**': limit, ...subtree } };
  };
  const budget = new Budget();
  const filling = { budget, ledger, now, booted: 0, reset: 0 };
  refillWindows({ ...filling, budgets: budgets(2) }, budgets(1));
  t.deepEqual(asked, []);
  const mount: Scope = { layer: 'subtree', id: '/aos/mnt/**', born: 0, limit: { usd: 2, per: MINUTE } };
  t.is(budget.used(mount, now), 0);
  const more = { '/aos/tools': { usd: 1, per: HOUR }, '/aos/models/**': { usd: 1, per: HOUR } };
  refillWindows({ ...filling, budgets: budgets(2, more) }, budgets(2));
  t.deepEqual(asked, ['path:/aos/tools/**\n/aos/models/**'], 'those that are new, in one look');
  t.is(budget.used(mount, now), 0);
  t.is(budget.used({ ...mount, id: '/aos/tools/**', limit: { usd: 1, per: HOUR } }, now), 100);
});

test('sums without a window are not all kept here: what is swept away is recalled from the ledger', t => {
  const sums = new Map<Scope['id'], number>();
  const budget = new Budget(({ id }) => sums.get(id) ?? 0);
  const of = (id: number): Scope => ({ layer: 'run', id, born: 0, limit: { usd: 100, per: 0 } });
  for (let id = 1; id < 1_000; id++) {
    budget.settle(spent(budget.reserve([of(id)], 60, 0, { path: '/aos/x' }), 60), 0);
    sums.set(id, 60);
  }
  t.true(budget.size < 10, String(budget.size));
  t.is(budget.used(of(1), 0), 60);
  t.throws(() => budget.reserve([of(1)], 60, 0, { path: '/aos/x' }), { message: /run budget/ });
});

test("the machine's own limit trips, whatever else refuses for longer", t => {
  const budget = new Budget();
  const global: Scope = { layer: 'global', id: 'global', born: 0, limit: { usd: 100, per: MINUTE } };
  const session: Scope = { layer: 'session', id: 1, born: 0, limit: { usd: 100, per: 0 } };
  budget.settle(spent(budget.reserve([session, global], 100, 0, { path: '/aos/x' }), 100), 0);
  const error = t.throws(() => budget.reserve([session, global], 1, 1, { path: '/aos/x' }), { instanceOf: OverBudget });
  t.true(error?.trips);
});

test("nobody trips the machine's own limit by asking for what another budget refuses as well, or for more than all of it", t => {
  const budget = new Budget();
  const who = { path: '/aos/x' };
  const global: Scope = { layer: 'global', id: 'global', born: 0, limit: { usd: 100, per: MINUTE } };
  const pid: Scope = { layer: 'pid', id: 1, born: 0, limit: { usd: 10, per: 0 } };
  budget.settle(spent(budget.reserve([pid, global], 5, 0, who), 5), 0);
  const refused = (price: number, at: number): OverBudget | undefined =>
    t.throws(() => budget.reserve([pid, global], price, at, who), { instanceOf: OverBudget });
  t.false(refused(96, 1)?.trips, 'more than is left');
  t.false(refused(101, 1)?.trips, 'more than all of it');
  budget.settle(spent(budget.reserve([global], 94, 2, who), 94), 2);
  const alone = t.throws(() => budget.reserve([global], 101, 3, who), { instanceOf: OverBudget });
  t.false(alone?.trips, 'more than all of it, and nobody else against it');
  const error = t.throws(() => budget.reserve([global], 2, 3, who), { instanceOf: OverBudget });
  t.true(error?.trips, 'a remainder below the price of what nobody else refuses');
  t.regex(error?.why ?? '', /it does not reset by itself$/);
  budget.settle(spent(budget.reserve([global], 1, 4, who), 1), 4);
  const reached = refused(20, 5);
  t.regex(reached?.why ?? '', /^the pid budget/);
  t.regex(
    reached?.tripped ?? '',
    /^the global budget of \$0\.0001 in 1m has \$0\.0001 spent, .*it does not reset by itself$/,
  );
});

test('what is spent after an operation is over is refused: it belongs to no operation', t => {
  const budget = new Budget();
  const held = budget.reserve([USER], 10, 0, { path: '/aos/x' });
  t.true(held.spend(4));
  budget.settle(held, 0);
  t.false(held.spend(4));
  t.is(held.spent, 4);
});
