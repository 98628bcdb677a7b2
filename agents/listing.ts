/** The agents there are, as far as a caller may know of them. */

import { AosError, type Caller, type Op, type PluginApi, parsePath, usdFromMicros } from '../plugin-sdk/index.ts';
import type { Agent } from './agent.ts';
import { nearest } from './nearest.ts';
import type { Definition, Registry } from './registry.ts';

export function statusOf(agent: Agent, { config }: Definition): string {
  const { status } = agent;
  return status === 'idle' && config === undefined ? 'error' : status;
}

/** Those that the directory shows to the caller, as data. */
export function listAgents(
  api: PluginApi,
  registry: Registry,
  agentOf: (name: string) => Agent,
  caller: Caller,
): object[] {
  const shown = registry.all().filter(({ name }) => isVisible(api, caller, name));
  return shown.map(definition => {
    const { config, error, name } = definition;
    const agent = agentOf(name);
    return {
      name,
      status: statusOf(agent, definition),
      description: config?.description ?? '',
      model: config?.model ?? 'default',
      waiting: agent.depth,
      cost_usd: usdFromMicros(agent.record.cost(agent.record.session(api.now()))),
      ...(error !== undefined && { error: error.message }),
    };
  });
}

/** There is no such agent. Names the nearest that the caller may see. */
export function unknown(api: PluginApi, registry: Registry, name: string, { caller }: Op): never {
  const meant = nearest(
    name,
    registry.names().filter(other => isVisible(api, caller, other)),
  );
  throw new AosError('not_found', {
    component: 'agents',
    path: `/aos/agents/${name}`,
    why: 'there is no such agent',
    remedy:
      meant === undefined
        ? 'see /aos/agents, or define it in /aos/etc/agents.d'
        : `did you mean ${meant}? Else see /aos/agents`,
  });
}

/** Whether the directory of all agents shows it to the caller. */
function isVisible({ aos }: PluginApi, caller: Caller, name: string): boolean {
  return aos.explain(caller, 'stat', parsePath(`/aos/agents/${name}`)).allowed;
}
