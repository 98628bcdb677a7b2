/** An agent's say, for whoever acts as it. */

import { AosError } from '../core/errors.ts';
import { checkName, parsePath } from '../core/path.ts';
import type { Aos, Caller, Cancel, GrantSet } from '../core/types.ts';

/** What an agent may do, as the agent's own path says it. Seen only by who may call the agent. */
export async function agentSet(
  aos: Aos,
  caller: Caller,
  agent: string,
  cancel: Cancel,
  component: string,
): Promise<GrantSet> {
  checkName(agent);
  const path = parsePath(`/aos/agents/${agent}`);
  const set = await aos.call(caller, path, { op: 'grants' }, cancel);
  if (typeof set === 'object' && set !== null && 'grants' in set && Array.isArray(set.grants)) {
    // In process a call carries values: this one is a GrantSet or nothing.
    return { name: `agent ${agent}`, grants: set.grants as GrantSet['grants'] };
  }
  throw new AosError('unsupported', { component, path, why: 'it does not say what it may do' });
}

/** No run has it: they are counted from 1. */
const NO_RUN = 0;

/** Whoever acts as an agent, as the agent's run would be: no process of its user's, so their budgets and leases are not its own. */
export function asRun(caller: Caller): Caller {
  const { uid, gid, authority, agent } = caller;
  return {
    uid,
    gid,
    authority,
    door: 'run',
    run: NO_RUN,
    ...(agent !== undefined && { agent }),
    identity: fresh => caller.identity(fresh),
  };
}
