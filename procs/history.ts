/** The earlier turns of a session: what the model is told was said before. */

import { LIMITS, type Message, type PluginApi, parsePath } from '../plugin-sdk/index.ts';
import { inviterCaller } from './caller.ts';
import type { Plan } from './plan.ts';
import type { Run } from './run.ts';

/** Characters kept of one prompt or answer. */
const TEXT_CHARS_MAX = 32_768;

export interface Turn {
  /** `YYYY/MM/DD/<id>`. */
  readonly conversation: string;
  readonly prompt: string;
  readonly output: string;
}

/** What a run goes on from. */
export interface Earlier {
  /** Oldest first. */
  readonly turns: readonly Turn[];
  /** The turn whose context was given to a run of another session: this one branches off there. */
  readonly forkedFrom: string | null;
}

type Keys = Pick<PluginApi, 'state'>;

/** Keeps the turn for the next one of its session and agent: a context that was given is what the session holds from now on. */
export function remember({ state }: Keys, run: Run, output: string): void {
  const { agent, session, conversation, prompt } = run.info;
  const before = run.plan.context === null ? recall(state, agent, session) : run.before.map(clipped);
  const turns = [...before, clipped({ conversation, prompt, output })];
  state.keys.set(spaceOf(agent), session, JSON.stringify(turns.slice(-LIMITS.history_turns_max)));
}

/** Earlier turns of the session. A turn that whoever asked may not see is left out. */
export function history(api: Pick<PluginApi, 'state' | 'aos'>, plan: Plan, session: string): Earlier {
  const inviter = inviterCaller(plan);
  const turns = recall(api.state, plan.agent.name, session).filter(turn => {
    const path = parsePath(`/aos/conversations/${turn.conversation}`);
    return api.aos.explain(inviter, 'read', path).allowed;
  });
  return { turns, forkedFrom: null };
}

export function messagesOf(turns: readonly Turn[]): Message[] {
  return turns.flatMap(({ prompt, output }): Message[] => {
    const asked: Message = { role: 'user', text: prompt };
    // Of a turn that was stopped before it said anything. Services refuse an empty answer.
    return output === '' ? [asked] : [asked, { role: 'assistant', text: output, toolCalls: [] }];
  });
}

function recall(state: PluginApi['state'], agent: string, session: string): Turn[] {
  const turns = parsed(state.keys.get(spaceOf(agent), session) ?? '[]');
  if (!Array.isArray(turns)) return [];
  return turns.map((turn: unknown) => ({
    conversation: stringAt(turn, 'conversation'),
    prompt: stringAt(turn, 'prompt'),
    output: stringAt(turn, 'output'),
  }));
}

function spaceOf(agent: string): string {
  return `procs.history/${agent}`;
}

function clipped({ conversation, prompt, output }: Turn): Turn {
  return { conversation, prompt: clip(prompt), output: clip(output) };
}

function clip(text: string): string {
  return text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX)}\n[cut]` : text;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function stringAt(value: unknown, key: string): string {
  if (typeof value !== 'object' || value === null) return '';
  const found: unknown = Reflect.get(value, key);
  return typeof found === 'string' ? found : '';
}
