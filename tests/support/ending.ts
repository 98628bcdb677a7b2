/** What has to be undone, undone with the test, or when AVA ends the file by a signal and no teardown runs. */

import type { ExecutionContext } from 'ava';

/** Whatever offers to call something when it ends: a test, mostly. */
export type Teardown = Pick<ExecutionContext, 'teardown'>;

const open = new Set<() => void>();

/** Calls `undo` once, when the test ends or the process does; what was set up last is undone first. */
export function atEnd(t: Teardown, undo: () => void): void {
  if (open.size === 0) {
    process.on('exit', undoAll);
    process.on('SIGTERM', onSignal);
  }
  open.add(undo);
  t.teardown(() => {
    open.delete(undo);
    if (open.size === 0) {
      process.off('exit', undoAll);
      process.off('SIGTERM', onSignal);
    }
    undo();
  });
}

function undoAll(): void {
  for (const undo of [...open].reverse()) {
    try {
      undo();
    } catch (error) {
      process.stderr.write(`tests: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
  open.clear();
}

function onSignal(): void {
  undoAll();
  process.kill(process.pid, 'SIGKILL');
}
