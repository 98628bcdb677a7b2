/** The daemon that is measured: the built one, with a home of its own and no model to look for. */

import { type Daemon, type DaemonOptions, startDaemon } from '../tests/support/daemon.ts';
import type { Teardown } from '../tests/support/dirs.ts';
import { pin } from './measure.ts';

/** A daemon that answers from a mock, so that nothing depends on what else runs on the machine. */
export function daemon(t: Teardown, options: DaemonOptions = {}): Promise<Daemon> {
  return startDaemon(t, { mock: [{ match: '.*', text: 'A short answer.' }], ...options });
}

export async function pinnedDaemon(t: Teardown, options: DaemonOptions = {}): Promise<Daemon> {
  const started = await daemon(t, options);
  await pin(started.pid);
  return started;
}
