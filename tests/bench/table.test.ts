import test from 'ava';
import { median } from '../../bench/measure.ts';
import { judge, printTable, type Row } from '../../bench/table.ts';

const row = (more: Partial<Row>): Row => ({ measure: 'm', unit: 'µs', ours: 12, goal: { kind: 'none' }, ...more });

test('a goal is met at its bound and missed beyond it', t => {
  const atMost = { against: 'C', reference: 8, goal: { kind: 'at most', ratio: 1.5 } } as const;
  t.true(judge(row({ ...atMost, ours: 12 })).ok);
  t.false(judge(row({ ...atMost, ours: 12.1 })).ok);
  const faster = { against: 'native', reference: 36, goal: { kind: 'faster by', ratio: 2 } } as const;
  t.true(judge(row({ ...faster, ours: 18 })).ok);
  t.false(judge(row({ ...faster, ours: 19 })).ok);
  t.false(judge(row({ ours: 401, goal: { kind: 'below', value: 400 } })).ok);
});

test('what was not measured is neither met nor missed, and says why', t => {
  const judged = judge(
    row({ ours: undefined, against: 'C', goal: { kind: 'at most', ratio: 1.5 }, missing: 'gcc is not installed' }),
  );
  t.is(judged.ok, undefined);
  t.is(judge(row({ against: 'C', reference: undefined, goal: { kind: 'at most', ratio: 1.5 } })).ok, undefined);
  t.regex(printTable([judged]), /gcc is not installed/);
});

test('the table has a line for each row, with its ratio and its goal', t => {
  const rows = [
    row({ measure: 'pread', against: 'C', reference: 10, goal: { kind: 'at most', ratio: 1.5 } }),
    row({ measure: 'start', unit: 'ms', ours: 800, goal: { kind: 'below', value: 400 } }),
  ].map(judge);
  const [head, , pread, start] = printTable(rows).split('\n');
  t.regex(head ?? '', /^measure +ours +reference +ratio +goal +ok\?$/);
  t.regex(pread ?? '', /^pread +12.0 µs +10.0 µs C +1.20x +<= 1.5x +ok$/);
  t.regex(start ?? '', /^start +800 ms +<= 400 ms +NO$/);
});

test('a median stands in the middle', t => {
  t.is(median([9, 1, 5]), 5);
  t.is(median([4, 1, 2, 9]), 3);
});
