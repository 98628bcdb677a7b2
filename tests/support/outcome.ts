/** Counts what AVA reports, line by line, so that nothing it says is hidden or counted as something else. */

export interface Outcome {
  passed: number;
  failed: number;
  skipped: number;
}

/** AVA indents its own lines by two, the logs of tests by more. Terminals without Unicode get the plainer marks. */
const PASSED = /^ {2}[✔√] /;
const FAILED = /^ {2}(?:[✘×] |Uncaught exception in |Unhandled rejection in )/;
const SKIPPED = /^ {2}- \[(?:skip|todo)\] /;

/**
 * `report` is what AVA's default reporter printed, without colours; `ok` whether AVA exited with 0. A run that failed
 * without naming a test (a crash, a file that does not parse) counts as one failure.
 */
export function countOutcome(report: string, ok: boolean): Outcome {
  const outcome: Outcome = { passed: 0, failed: 0, skipped: 0 };
  for (const line of report.split('\n')) {
    if (PASSED.test(line)) outcome.passed++;
    else if (FAILED.test(line)) outcome.failed++;
    else if (SKIPPED.test(line)) outcome.skipped++;
  }
  if (!ok && outcome.failed === 0) outcome.failed = 1;
  return outcome;
}

/** The last line of a run. */
export function outcomeLine({ passed, failed, skipped }: Outcome): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
