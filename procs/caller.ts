/** Who a run is: its inviter, narrowed by its agent and by any ceiling. */

import type { Authority, Caller, GrantSet, Identity } from '../plugin-sdk/index.ts';
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
    identity: () => identity,
  };
}

/** Whoever asked, as a caller: for what is read on its behalf before the agent has a say. */
export function inviterCaller(plan: Plan): Caller {
  const { uid, gid, runs, authority, identity } = plan.inviter;
  const run = runs.at(-1);
  return { uid, gid, door: 'run', authority, runs, ...(run !== undefined && { run }), identity: () => identity };
}

function runAuthority(plan: Plan): Authority {
  const sets: GrantSet[] = [...plan.inviter.authority, { name: `agent ${plan.agent.name}`, grants: plan.agent.grants }];
  if (plan.ceiling !== null) sets.push({ name: 'ceiling', grants: plan.ceiling });
  return sets;
}
