import test from 'ava';
import fc from 'fast-check';
import { DEFAULT_CONFIG } from '../../core/config.ts';
import { Budget } from '../../core/cost/budget.ts';
import { restoreWindows } from '../../core/cost/scopes.ts';
import { Window } from '../../core/cost/window.ts';
import { MemoryLedger } from '../support/core.ts';
import { RUNS } from '../support/property.ts';

const MINUTE = 60_000;
const HOUR = 3_600_000;

test('what was spent counts until the millisecond at which the window has passed', t => {
  const window = new Window(MINUTE);
  window.add(5, 1_000);
  window.add(7, 1_001);
  t.is(window.spent(1_000 + MINUTE - 1), 12);
  t.is(window.spent(1_000 + MINUTE), 7);
  t.is(window.spent(1_001 + MINUTE - 1), 7);
  t.is(window.spent(1_001 + MINUTE), 0);
  t.true(window.idle(1_001 + MINUTE));
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

test('a clock that jumps back an hour keeps what was spent for as long as it had left', t => {
  const window = new Window(MINUTE);
  const at = 10 * HOUR;
  window.add(5, at);
  t.is(window.spent(at + 20_000), 5);
  const back = at + 20_000 - HOUR;
  t.is(window.spent(back), 5);
  t.is(window.spent(back + 39_999), 5);
  t.is(window.spent(back + 40_000), 0);
  window.add(2, back + 40_000);
  t.is(window.spent(back + 40_000 + MINUTE - 1), 2);
  t.is(window.spent(back + 40_000 + MINUTE), 0);
});

test('so it does with many entries, of which some have passed', t => {
  const window = new Window(MINUTE);
  const at = 10 * HOUR;
  for (let i = 0; i < 10; i++) window.add(1, at + i * 10_000);
  t.is(window.spent(at + 90_000), 6);
  const back = at + 90_000 - HOUR;
  t.is(window.spent(back), 6);
  for (let left = 6; left > 0; left--) {
    const next = back + 10_000 * (7 - left);
    t.is(window.spent(next - 1), left);
    t.is(window.spent(next), left - 1);
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
  window.reframe(HOUR);
  t.is(window.spent(MINUTE), 11);
  window.reframe(10_000);
  t.is(window.spent(MINUTE), 0);
  window.add(3, MINUTE);
  window.reframe(0);
  t.is(window.spent(HOUR), 3);
  window.reframe(MINUTE);
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
    const window = new Window(MINUTE);
    /** Amounts with the time that really passed since, by a clock that never jumps. */
    const all: { amount: number; age: number }[] = [];
    let now = 100 * HOUR;
    return steps.every(([wait, amount]) => {
      now += wait;
      for (const each of all) each.age += Math.max(0, wait);
      const counted = window.spent(now);
      const due = all.reduce((sum, each) => sum + (each.age < MINUTE ? each.amount : 0), 0);
      window.add(amount, now);
      all.push({ amount, age: 0 });
      return counted >= due;
    });
  });
  t.notThrows(() => fc.assert(property, { numRuns: RUNS }));
});

test('after the machine started anew, what old process and session ids spent is not counted against new ones', t => {
  const ledger = new MemoryLedger();
  const spent = { path: '/aos/mnt/x', uid: 1, agent: '', model: '', mount: '/aos/mnt/x', runs: [], micros: 700_000 };
  ledger.since = () => [{ ...spent, at: 1000, scopes: ['session:40', 'uid:1'] }];
  const after = (booted: number, key: string, layer: 'session' | 'uid') => {
    const budget = new Budget();
    restoreWindows(budget, DEFAULT_CONFIG.budgets, ledger, 2000, booted);
    return budget.used({ key, layer, limit: DEFAULT_CONFIG.budgets[layer] }, 2000);
  };
  t.is(after(0, 'session:40', 'session'), 700_000);
  t.is(after(1500, 'session:40', 'session'), 0);
  t.is(after(1500, 'uid:1', 'uid'), 700_000);
});
