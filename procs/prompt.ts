/** What the model is told first. Stable from turn to turn, so that a provider's prompt cache hits. */

import { AosError, isPromise, LIMITS, type Message, type PluginApi, parsePath } from '../plugin-sdk/index.ts';
import { inviterCaller } from './caller.ts';
import { history, restored } from './history.ts';
import type { Plan } from './plan.ts';
import type { Run } from './run.ts';

const TREE = `You run inside Agent OS, where everything is a path under /aos:
/aos/memory is shared notes, plain files; /aos/memory/agents/<name> is each agent's own.
/aos/conversations/YYYY/MM/DD/<id> holds every earlier turn: meta.json, transcript.md, summary.md.
/aos/agents lists the agents; /aos/README.md says how the tree is used.
What you may not see does not exist for you. Say so when something could not be read; never invent the content of a path.`;

/** The messages of the first request: system prompt, the context or session so far, the prompt with what is attached. */
export async function opening(api: Pick<PluginApi, 'aos' | 'state'>, run: Run): Promise<Message[]> {
  const { plan } = run;
  const before = plan.context === null ? history(api, run) : await restored(api, plan, plan.context);
  const attached = await attachments(api, plan);
  return [
    { role: 'system', text: systemPrompt(plan) },
    ...before,
    { role: 'user', text: [plan.prompt, ...attached].join('\n\n') },
  ];
}

function systemPrompt(plan: Plan): string {
  const { agent, prefs } = plan;
  const style = Object.entries(prefs).map(([key, value]) => `- ${key.replaceAll('_', ' ')}: ${value}`);
  const tools =
    agent.tools.length === 0
      ? 'You have no tools: answer from what you are given.'
      : `Tools: ${agent.tools.join(', ')}.`;
  const parts = [agent.persona.trim(), `You are the agent "${agent.name}".`, TREE, tools];
  if (style.length > 0) parts.push(`How answers are wanted:\n${style.join('\n')}`);
  return parts.filter(part => part !== '').join('\n\n');
}

/** Each attached path with its text, read with the right of whoever asked. */
async function attachments({ aos }: Pick<PluginApi, 'aos'>, plan: Plan): Promise<string[]> {
  const inviter = inviterCaller(plan);
  const texts: string[] = [];
  let room: number = LIMITS.value_bytes_max;
  for (const path of plan.attach) {
    const answer = aos.read(inviter, parsePath(path));
    const bytes = isPromise(answer) ? await answer : answer;
    room -= bytes.length;
    if (room < 0) throw tooMuch(path);
    texts.push(`Attached ${path}:\n\n${Buffer.from(bytes).toString()}`);
  }
  return texts;
}

function tooMuch(path: string): AosError {
  return new AosError('too_large', {
    component: 'procs',
    path,
    why: `what is attached holds at most ${LIMITS.value_bytes_max} bytes in all`,
    remedy: 'attach less, or let the agent read the path',
  });
}
