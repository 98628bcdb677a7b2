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
  /** Null, as the user is, of turns that a version before 0.3 kept. */
  readonly sha256: string | null;
  /** Of whoever asked. */
  readonly uid: number | null;
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
 * it, or no run has recorded what was given, it keeps what it has.
 */
export function moveSession({ state }: Pick<Api, 'state'>, run: Run, { turns }: Earlier): void {
  const { agent, session, uid } = run.info;
  if (recall(state, agent, session).some(turn => turn.uid !== uid)) return;
  if (!turns.every(({ link }) => isRun(state, link.turn))) return;
  const kept = turns.map(({ link }) => ({ conversation: link.turn, sha256: link.sha256, uid }));
  keep(state, agent, session, kept);
}

/** Keeps the turn for the next one of its session and agent. */
export function remember(api: Api, run: Run): Maybe<void> {
  const { agent, session, conversation, uid } = run.info;
  const path = parsePath(contextPath(conversation));
  return then(api.aos.read(api.self, path), bytes => {
    const text = Buffer.from(bytes).toString();
    if (!run.hasSaid(text)) throw unrecorded(path);
    const before = recall(api.state, agent, session);
    keep(api.state, agent, session, [...before, { conversation, sha256: sha256(text), uid }]);
  });
}

function unrecorded(path: string): AosError {
  const why = 'it does not hold what the run said';
  return new AosError('io', {
    component: 'procs',
    path,
    why,
    remedy: 'see the log for what kept it from being written',
  });
}

export function messagesOf(turns: readonly Turn[]): Message[] {
  return turns.flatMap(({ prompt, output }): Message[] => {
    const asked: Message = { role: 'user', text: clip(prompt) };
    const answered: Message = { role: 'assistant', text: clip(output), toolCalls: [] };
    // Of a turn that was stopped before it said anything. Services refuse an empty message.
    return [asked, answered].filter(({ text }) => text !== '');
  });
}

/** The last of them that the reader may see and that are what they were, oldest first. Nobody is told of the others. */
function visible(api: Api, reader: Caller, kept: readonly Kept[]): Maybe<readonly Turn[]> {
  return kept.reduceRight<Maybe<readonly Turn[]>>(
    (after, turn) =>
      then(after, turns => {
        if (turns.length >= LIMITS.history_turns_max || !maySee(api, reader, turn)) return turns;
        return then(
          caught(() => readTurn(api, reader, turn.conversation), none),
          found => (found !== undefined && isSame(found, turn) ? [found, ...turns] : turns),
        );
      }),
    [],
  );
}

function maySee({ aos }: Api, reader: Caller, { conversation }: Kept): boolean {
  return aos.explain(reader, 'read', parsePath(contextPath(conversation))).allowed;
}

function none(thrown: unknown): undefined {
  if (!(thrown instanceof AosError)) throw thrown;
}

function isSame({ link }: Turn, { sha256 }: Kept): boolean {
  return sha256 === null || link.sha256 === sha256;
}

function recall(state: PluginApi['state'], agent: string, session: string): Kept[] {
  const turns = parsed(state.keys.get(spaceOf(agent), session) ?? '[]');
  return Array.isArray(turns) ? turns.flatMap(keptOf) : [];
}

/** Whether the process table has a run that this is the turn of. */
function isRun(state: PluginApi['state'], turn: string): boolean {
  const pid = Number(/-(\d+)$/.exec(turn)?.[1]);
  return state.runs.get(pid)?.conversation === turn;
}

function keptOf(value: unknown): Kept[] {
  if (typeof value !== 'object' || value === null) return [];
  const [conversation, sha256, uid] = ['conversation', 'sha256', 'uid'].map(key => Reflect.get(value, key));
  if (typeof conversation !== 'string') return [];
  return [
    { conversation, sha256: typeof sha256 === 'string' ? sha256 : null, uid: typeof uid === 'number' ? uid : null },
  ];
}

function keep(state: PluginApi['state'], agent: string, session: string, turns: readonly Kept[]): void {
  const left = new Map<number | null, number>();
  // The last ones of each user: nobody's are pushed out by another's.
  const last = turns.toReversed().filter(({ uid }) => {
    const count = (left.get(uid) ?? 0) + 1;
    left.set(uid, count);
    return count <= LIMITS.history_turns_max;
  });
  state.keys.set(spaceOf(agent), session, JSON.stringify(last.reverse()));
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
