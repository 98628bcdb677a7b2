/** What the model is told first. Stable from turn to turn, so that a provider's prompt cache hits. */

import {
  AosError,
  type Caller,
  LIMITS,
  type Maybe,
  type Message,
  type PluginApi,
  parsePath,
  then,
} from '../plugin-sdk/index.ts';
import { type Earlier, earlierTurns, messagesOf } from './history.ts';
import type { Plan } from './plan.ts';

const TREE = `You run inside Agent OS, where everything is a path under /aos:
/aos/memory is shared notes, plain files; /aos/memory/agents/<name> is each agent's own.
/aos/conversations/YYYY/MM/DD/<id> holds every earlier turn: meta.json, transcript.md, summary.md.
/aos/agents lists the agents; /aos/README.md says how the tree is used.
What you may not see does not exist for you. Say so when something could not be read; never invent the content of a path.`;

export interface Opening {
  /** The first request: system prompt, the context or session so far, the prompt with what is attached. */
  readonly messages: Message[];
  readonly earlier: Earlier;
}

/** `inviter` is whoever asked: what is handed over is read with its right. */
export function opening(
  api: Pick<PluginApi, 'aos' | 'self' | 'state'>,
  plan: Plan,
  session: string,
  inviter: Caller,
): Maybe<Opening> {
  return then(earlierTurns(api, plan, session, inviter), earlier =>
    then(attachments(api, plan, inviter), attached => ({ messages: firstMessages(plan, earlier, attached), earlier })),
  );
}

/** `attached`: each as the model is shown it. */
export function firstMessages(plan: Plan, { turns }: Earlier, attached: readonly string[]): Message[] {
  return [
    { role: 'system', text: systemPrompt(plan) },
    ...messagesOf(turns),
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
function attachments({ aos }: Pick<PluginApi, 'aos'>, { attach }: Plan, inviter: Caller): Maybe<string[]> {
  let room: number = LIMITS.value_bytes_max;
  const add = (texts: string[], path: string): Maybe<string[]> =>
    then(aos.stat(inviter, parsePath(path)), ({ size }) => {
      // Of what has no size beforehand it is known once it was read.
      if (size > room) throw tooMuch(path);
      return then(aos.read(inviter, parsePath(path)), bytes => {
        room -= bytes.length;
        if (room < 0) throw tooMuch(path);
        return [...texts, `Attached ${path}:\n\n${Buffer.from(bytes).toString()}`];
      });
    });
  return attach.reduce<Maybe<string[]>>((before, path) => then(before, texts => add(texts, path)), []);
}

function tooMuch(path: string): AosError {
  return new AosError('too_large', {
    component: 'procs',
    path,
    why: `what is attached holds at most ${LIMITS.value_bytes_max} bytes in all`,
    remedy: 'attach less, or let the agent read the path',
  });
}
