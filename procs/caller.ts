/** Who a run is: its inviter, narrowed by its agent and by any ceiling. */

import type { Authority, Caller, GrantSet, Identity, Purse } from '../plugin-sdk/index.ts';
import type { Plan } from './plan.ts';

/** A run as a caller. The authority is one list for the whole run, so decisions about it can be kept. */
export function runCaller(plan: Plan, pid: number): Caller {
  const { uid, gid, runs } = plan.inviter;
  const identity: Identity = plan.inviter.identity;
  const authority = runAuthority(plan);
  return {
    uid,
    gid,
    door: 'run',
    run: pid,
    runs: [...runs, pid],
    agent: plan.agent.name,
    authority,
    purses: pursesOf(plan, pid),
    identity: () => identity,
  };
}

/**
 * Whoever asked, as a caller: for what is read on its behalf before the run's own agent has a say. An agent that asked stays
 * that agent. The run in `pid` pays.
 */
export function inviterCaller(plan: Plan, pid?: number): Caller {
  const { uid, gid, agent, runs, authority, identity, purses } = plan.inviter;
  const run = pid ?? runs.at(-1);
  const chain = pid === undefined ? { runs, purses } : { runs: [...runs, pid], purses: pursesOf(plan, pid) };
  return {
    uid,
    gid,
    door: 'run',
    authority,
    ...chain,
    ...(agent !== undefined && { agent }),
    ...(run !== undefined && { run }),
    identity: () => identity,
  };
}

/** Whatever the run spends counts against its own budget and those of all that led to it. */
function pursesOf({ inviter, budget }: Plan, pid: number): readonly Purse[] {
  return [...inviter.purses, { run: pid, limit: budget }];
}

function runAuthority(plan: Plan): Authority {
  const sets: GrantSet[] = [...plan.inviter.authority, { name: `agent ${plan.agent.name}`, grants: plan.agent.grants }];
  if (plan.ceiling !== null) sets.push({ name: 'ceiling', grants: plan.ceiling });
  return sets;
}
