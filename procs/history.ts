/** The earlier turns of a session: what the model is told was said before. */

import {
  AosError,
  type Caller,
  isPromise,
  LIMITS,
  type Message,
  type PluginApi,
  parsePath,
} from '../plugin-sdk/index.ts';
import { inviterCaller } from './caller.ts';
import type { Plan } from './plan.ts';
import type { Run } from './run.ts';

/** Characters kept of one prompt or answer. */
const TEXT_CHARS_MAX = 32_768;

interface Turn {
  /** `YYYY/MM/DD/<id>`. */
  readonly conversation: string;
  readonly prompt: string;
  readonly output: string;
}

type Keys = Pick<PluginApi, 'state'>;

/** Keeps the turn for the next one of its session and agent. */
export function remember({ state }: Keys, run: Run, output: string): void {
  const { agent, session, conversation, prompt } = run.info;
  const turns = [...recall(state, agent, session), { conversation, prompt: clip(prompt), output: clip(output) }];
  state.keys.set(spaceOf(agent), session, JSON.stringify(turns.slice(-LIMITS.history_turns_max)));
}

/** Earlier turns of the session as messages, oldest first. A turn that whoever asked may not see is left out. */
export function history(api: Pick<PluginApi, 'state' | 'aos'>, plan: Plan, session: string): Message[] {
  const inviter = inviterCaller(plan);
  const visible = recall(api.state, plan.agent.name, session).filter(turn => {
    const path = parsePath(`/aos/conversations/${turn.conversation}`);
    return api.aos.explain(inviter, 'read', path).allowed;
  });
  return visible.flatMap(({ prompt, output }) => exchange(prompt, output));
}

/** The turn that a `.ctx` file belongs to, as messages. Throws where it cannot be read. */
export async function restored(api: Pick<PluginApi, 'aos'>, inviter: Caller, context: string): Promise<Message[]> {
  const dir = context.slice(0, context.lastIndexOf('/'));
  const text = async (name: string): Promise<string> => {
    const bytes = api.aos.read(inviter, parsePath(`${dir}/${name}`));
    return Buffer.from(isPromise(bytes) ? await bytes : bytes).toString();
  };
  try {
    const meta: unknown = JSON.parse(await text('meta.json'));
    const output = spoken(await text('transcript.jsonl'));
    return exchange(stringAt(meta, 'prompt'), output);
  } catch (cause) {
    if (cause instanceof AosError && cause.kind !== 'not_found') throw cause;
    throw new AosError('invalid', {
      component: 'procs',
      path: context,
      why: 'it belongs to no recorded turn',
      remedy: 'name the context.ctx of a directory below /aos/conversations',
      cause,
    });
  }
}

/** What the trace of a turn says was answered: the text since its last tool result, if any came then. */
export function spoken(transcript: string): string {
  let text = '';
  let fresh = true;
  for (const line of transcript.split('\n')) {
    const event = parsed(line);
    const type = stringAt(event, 'type');
    if (type === 'tool_result') fresh = true;
    if (type !== 'text') continue;
    text = fresh ? stringAt(event, 'text').replace(/^\n/, '') : text + stringAt(event, 'text');
    fresh = false;
  }
  return text;
}

function exchange(prompt: string, output: string): Message[] {
  return [
    { role: 'user', text: prompt },
    { role: 'assistant', text: output, toolCalls: [] },
  ];
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

function clip(text: string): string {
  return text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX)}\n[cut]` : text;
}

/** A line that a crash cut short is no event. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function stringAt(value: unknown, key: string): string {
  if (typeof value !== 'object' || value === null) return '';
  const found: unknown = Reflect.get(value, key);
  return typeof found === 'string' ? found : '';
}
