/** What was said before: the earlier turns of a session, or of the context that was given. */

import {
  AosError,
  type Caller,
  caught,
  LIMITS,
  type Maybe,
  type Message,
  type PluginApi,
  parsePath,
  sha256,
  then,
} from '../plugin-sdk/index.ts';
import { contextPath, readTurn, type Turn, turnsOf } from './context.ts';
import type { Plan } from './plan.ts';
import type { Run } from './run.ts';

/** Characters of one prompt or answer that a model is told again. */
const TEXT_CHARS_MAX = 32_768;

/** What a run goes on from. */
export interface Earlier {
  /** Oldest first. */
  readonly turns: readonly Turn[];
  /** The turn whose context was given to a run of another session: this one branches off there. */
  readonly forkedFrom: string | null;
}

/** A turn of a session, as it is kept. */
interface Kept {
  readonly conversation: string;
  readonly sha256: string;
  /** Of whoever asked. */
  readonly uid: number;
}

type Api = Pick<PluginApi, 'aos' | 'self' | 'state'>;

/** `inviter` is whoever asked: it is told nothing that it may not read. */
export function earlierTurns(api: Api, plan: Plan, session: string, inviter: Caller): Maybe<Earlier> {
  if (plan.context === null) {
    const kept = recall(api.state, plan.agent.name, session);
    return then(visible(api, inviter, kept), turns => ({ turns, forkedFrom: null }));
  }
  return then(turnsOf(api, inviter, plan.context), turns => {
    const last = turns.at(-1);
    return { turns, forkedFrom: last === undefined || last.session === session ? null : last.link.turn };
  });
}

/**
 * From now on the session goes on from these turns, whatever becomes of the run that was given them. Where others have spoken in
 * it, it keeps what it has.
 */
export function moveSession({ state }: Pick<Api, 'state'>, run: Run, { turns }: Earlier): void {
  const { agent, session, uid } = run.info;
  if (recall(state, agent, session).some(turn => turn.uid !== uid)) return;
  const kept = turns.map(({ link }) => ({ conversation: link.turn, sha256: link.sha256, uid }));
  keep(state, agent, session, kept);
}

/** Keeps the turn for the next one of its session and agent. */
export function remember(api: Api, run: Run): Maybe<void> {
  const { agent, session, conversation, uid } = run.info;
  const path = parsePath(contextPath(conversation));
  return then(api.aos.read(api.self, path), bytes => {
    const before = recall(api.state, agent, session);
    keep(api.state, agent, session, [...before, { conversation, sha256: sha256(bytes), uid }]);
  });
}

export function messagesOf(turns: readonly Turn[]): Message[] {
  return turns.flatMap(({ prompt, output }): Message[] => {
    const asked: Message = { role: 'user', text: clip(prompt) };
    // Of a turn that was stopped before it said anything. Services refuse an empty answer.
    return output === '' ? [asked] : [asked, { role: 'assistant', text: clip(output), toolCalls: [] }];
  });
}

/** A turn that the reader may not see, or that is no longer what it was, is left out. */
function visible(api: Api, reader: Caller, kept: readonly Kept[]): Maybe<readonly Turn[]> {
  return kept.reduce<Maybe<readonly Turn[]>>(
    (before, turn) =>
      then(before, turns =>
        then(
          caught(() => readTurn(api, reader, turn.conversation), none),
          found => (found?.link.sha256 === turn.sha256 ? [...turns, found] : turns),
        ),
      ),
    [],
  );
}

function none(thrown: unknown): undefined {
  if (!(thrown instanceof AosError)) throw thrown;
}

function recall(state: PluginApi['state'], agent: string, session: string): Kept[] {
  const turns = parsed(state.keys.get(spaceOf(agent), session) ?? '[]');
  return Array.isArray(turns) ? turns.filter(isKept) : [];
}

function isKept(value: unknown): value is Kept {
  if (typeof value !== 'object' || value === null) return false;
  const text = ['conversation', 'sha256'].every(key => typeof Reflect.get(value, key) === 'string');
  return text && typeof Reflect.get(value, 'uid') === 'number';
}

function keep(state: PluginApi['state'], agent: string, session: string, turns: readonly Kept[]): void {
  state.keys.set(spaceOf(agent), session, JSON.stringify(turns.slice(-LIMITS.history_turns_max)));
}

function spaceOf(agent: string): string {
  return `procs.history/${agent}`;
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
