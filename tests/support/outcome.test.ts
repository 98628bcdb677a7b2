import test from 'ava';
import { countOutcome, outcomeLine } from './outcome.ts';

const REPORT = `
    ✔ indented: the log of a test
  ✔ core › path › a path is parsed
  ✔ [expected fail] core › path › known
  - [skip] fuse › mounts (skipped: /dev/fuse cannot be opened)
  - [todo] later
  ✘ [fail]: core › path › refuses ..
  ✘ tests/x.test.ts exited with a non-zero exit code: 1
  Uncaught exception in tests/x.test.ts
    ─
    1 test failed
`;

test('each line of the report is counted as what it is', t => {
  t.deepEqual(countOutcome(REPORT, false), { passed: 2, failed: 3, skipped: 2 });
});

test('a run that fails without naming a test is a failure', t => {
  t.is(outcomeLine(countOutcome('', false)), '0 passed, 1 failed, 0 skipped');
  t.is(outcomeLine(countOutcome('', true)), '0 passed, 0 failed, 0 skipped');
});
