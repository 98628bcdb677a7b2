import test from 'ava';
import fc from 'fast-check';
import type { LedgerState } from '../../core/types.ts';
import { Spent } from '../../system/spend.ts';
import { RUNS } from '../support/property.ts';
import { makeWorld, START, who } from './world.ts';

interface Bill {
  readonly at: number;
  readonly micros: number;
}

/** A ledger of these bills; `asked` is from when on it was added up. */
function ledgerOf(bills: readonly Bill[], asked: number[] = []): LedgerState {
  const total = (since: number): number => {
    asked.push(since);
    return bills.filter(({ at }) => at >= since).reduce((sum, { micros }) => sum + micros, 0);
  };
  // Nothing else is asked of it.
  return { total } as LedgerState;
}

test('what was spent is the sum of the ledger, whenever it is asked for and a bill comes', t => {
  const step = fc.record({ wait: fc.integer({ min: 0, max: 200_000 }), micros: fc.integer({ min: 0, max: 1000 }) });
  const property = fc.property(fc.array(fc.tuple(step, fc.boolean())), steps => {
    const bills: Bill[] = [];
    const spent = new Spent(ledgerOf(bills));
    let now = START;
    let sum = 0;
    for (const [{ wait, micros }, asked] of steps) {
      now += wait;
      bills.push({ at: now, micros });
      sum += micros;
      if (asked && spent.total(now) !== sum) return false;
    }
    return spent.total(now) === sum;
  });
  fc.assert(property, { numRuns: RUNS });
  t.pass();
});

test('the past of the ledger is added up once, and again after a clock jumped back', t => {
  const bills: Bill[] = [{ at: START - 1e9, micros: 1 }];
  const asked: number[] = [];
  const spent = new Spent(ledgerOf(bills, asked));
  spent.total(START);
  asked.length = 0;
  for (let minute = 0; minute < 60; minute++) t.is(spent.total(START + minute * 60_000), 1);
  t.true(Math.min(...asked) >= START - 60_000);
  const hourBack = START - 3_600_000;
  bills.push({ at: hourBack, micros: 2 });
  t.is(spent.total(hourBack), 3);
});

test('spend and metrics say what the ledger says, after a restart too', async t => {
  const world = await makeWorld(t);
  await world.call(who(), '/aos/system/unlock', { path: '/aos/mnt/paid', duration_ms: 3_600_000 });
  for (let i = 0; i < 3; i++) {
    await world.read(who(), `/aos/mnt/paid/${i}`);
    world.now += 120_000;
    const said = await world.read(who(), '/aos/system/spend');
    t.is(said, `0.0${i + 1}\n`);
    t.regex(await world.read(who(), '/aos/system/metrics'), new RegExp(`aos_spent_usd_total 0\\.0${i + 1}\n`));
    t.is((await world.call(who(), '/aos/system/spend', { by: 'mount' })).total_usd, Number(said));
  }
  await world.restart();
  t.is(await world.read(who(), '/aos/system/spend'), '0.03\n');
});
