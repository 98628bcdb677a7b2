/** /aos/agents: who can be asked, and how it goes with them. */

import { definePlugin, type Op, parsePath } from '../plugin-sdk/index.ts';
import { Agent } from './agent.ts';
import { acceptMessage } from './inbox.ts';
import { writeReadyMade } from './ready.ts';
import { type Definition, Registry } from './registry.ts';
import { agentsTree } from './tree.ts';

export const agentsPlugin = definePlugin({
  name: 'agents',
  setup(api) {
    const dir = api.dir('etc/agents.d');
    writeReadyMade(api, dir);
    const agents = new Map<string, Agent>();
    const agentOf = (name: string): Agent => {
      let agent = agents.get(name);
      if (agent === undefined) {
        agent = new Agent(name, api);
        agents.set(name, agent);
      }
      return agent;
    };
    const registry = new Registry(dir, api, definition => note(agentOf(definition.name), definition));
    let stopping = false;
    api.tap.stop(() => {
      stopping = true;
    });
    const accept = (definition: Definition, agent: Agent, { caller }: Op): void =>
      acceptMessage(definition, agent, caller, stopping);
    api.mount({ path: parsePath('/aos/agents'), tree: agentsTree(api, registry, agentOf, accept) });
    api.tap.run(event => agentOf(event.run.agent).hear(event));
  },
});

/** Says in the agent's log what became of its definition. */
function note(agent: Agent, { config, error }: Definition): void {
  if (error === undefined) agent.say('its definition was read');
  else agent.say(`${error.message}${config === undefined ? '' : '; the last good one stays in effect'}`);
}
