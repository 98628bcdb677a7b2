/** What a message asks for, checked, as /aos/procs is asked for it. */

import {
  AosError,
  type Caller,
  type Maybe,
  microsFromUsd,
  type Op,
  type PluginApi,
  parsePath,
  then,
} from '../plugin-sdk/index.ts';
import type { Agent } from './agent.ts';
import { funded } from './consent.ts';
import { type Estimate, times } from './estimate.ts';
import type { Message } from './message.ts';
import { type Model, resolveModel } from './model.ts';
import { parsePrefs } from './prefs.ts';
import { makeSession } from './record.ts';
import type { AgentConfig } from './source.ts';

const PROCS = parsePath('/aos/procs');

/** Asks /aos/procs about the run that a message would be. */
export interface Ask {
  /** Whether a message with its key came before. */
  known(): Maybe<boolean>;
  estimate(): Maybe<Estimate>;
  /** Gives a receipt for each run. */
  spawn(): Maybe<readonly Receipt[]>;
}

/** What /aos/procs gives for a run that it has taken. */
export interface Receipt {
  readonly pid: number;
  readonly conversation: string;
  readonly session: string;
  /** The message had come before. */
  readonly deduplicated?: true;
}

/** Checks what a message hands over and names, then lets `go` ask. */
export function prepared<T>(
  api: PluginApi,
  config: AgentConfig,
  agent: Agent,
  { caller }: Op,
  message: Message,
  go: (model: Model, ask: Ask) => Maybe<T>,
): Maybe<T> {
  const { context } = message;
  if (message.branches > 1 && context === undefined) {
    throw new AosError('invalid', {
      component: 'agents',
      path: inboxOf(agent),
      why: 'branches go on from a context, and there is none',
      remedy: 'name one as "context", or use: aos fork CONVERSATION --prompt P -n N',
    });
  }
  const paths = context === undefined ? message.attach : [...message.attach, context];
  return then(mayRead(api, caller, paths), () =>
    then(resolveModel(api, message.override.model ?? config.model), model => {
      funded(inboxOf(agent), model, budgetOf(config, message, caller));
      const task = invitation(config, agent, caller, message, model);
      return go(model, {
        known: () => isKnown(api, agent, caller, message),
        estimate: () => {
          const request = { ...task, op: 'estimate', sessions: sessionsOf(agent, message, api.now(), false) };
          // Procs answers this with an estimate and nothing else.
          const one = api.aos.call(api.self, PROCS, request) as Maybe<Estimate & { basis: string }>;
          return then(one, found => times(found, message.branches));
        },
        spawn: () => {
          const request = { ...task, op: 'spawn', sessions: sessionsOf(agent, message, api.now(), true) };
          // And this with its receipts.
          return api.aos.call(api.self, PROCS, request) as Maybe<readonly Receipt[]>;
        },
      });
    }),
  );
}

/** The message with the context that its sender has put down for the agent's next run, where it names none itself. */
export function withContext(agent: Agent, { uid }: Caller, message: Message): Message {
  const context = agent.record.context(uid);
  return message.context !== undefined || context === null ? message : { ...message, context };
}

/** Throws where a run that whoever asks would start could not go on from it. */
export function checkContext({ aos, self }: PluginApi, caller: Caller, context: string): Maybe<void> {
  const ask = (): Maybe<unknown> => aos.call(self, PROCS, { op: 'context', context, caller });
  return then(aos.stat(caller, parsePath(context)), () => then(ask(), () => undefined));
}

function isKnown(api: PluginApi, { name }: Agent, caller: Caller, { idempotency_key: key }: Message): Maybe<boolean> {
  if (key === undefined) return false;
  return then(api.aos.call(api.self, PROCS, { op: 'known', agent: name, key, caller }), known => known === true);
}

/** What /aos/procs needs to know of a run that is asked for, or only thought of. */
function invitation(config: AgentConfig, agent: Agent, caller: Caller, message: Message, model: Model): object {
  const { name, persona, tools, grants, limits, queue } = config;
  const timeoutSec = narrowed(caller, limits.timeout_sec, message.override.timeout_sec);
  return {
    agent: { name, persona, tools, grants, maxTurns: limits.max_turns, depth: queue.depth, parallel: queue.parallel },
    prefs: parsePrefs(agent.record.now.prefs, `/aos/agents/${name}/prefs.yaml`),
    prompt: message.prompt,
    caller,
    model,
    budget: budgetOf(config, message, caller),
    timeoutMs: timeoutSec * 1000,
    context: message.context ?? null,
    attach: message.attach,
    ceiling: message.ceiling ?? null,
    allowUnknownCost: message.allow_unknown_cost,
    idempotencyKey: message.idempotency_key ?? null,
  };
}

/**
 * The session of each run: the agent's own, unless this one message names another or asks for branches. `used`: from now on it is
 * kept.
 */
function sessionsOf(agent: Agent, { session, branches }: Message, now: number, used: boolean): string[] {
  if (branches > 1) {
    const name = makeSession(agent.name, now);
    return Array.from({ length: branches }, (_, branch) => `${name}-${branch + 1}`);
  }
  if (session === undefined) return [used ? agent.record.useSession(now) : agent.record.session(now)];
  return [session === 'new' ? makeSession(agent.name, now) : session];
}

/** What is said to be the most for a message is that for all its branches together. */
function budgetOf(config: AgentConfig, { override, branches }: Message, caller: Caller): number {
  const most = override.max_cost_usd;
  const asked = most === undefined ? undefined : Math.floor(microsFromUsd(most) / branches);
  return narrowed(caller, microsFromUsd(config.limits.max_cost_usd), asked);
}

/** A human's word replaces the agent's limit; that of another agent's run can only lower it. */
function narrowed(caller: Caller, limit: number, asked: number | undefined): number {
  if (asked === undefined) return limit;
  return caller.run === undefined ? asked : Math.min(limit, asked);
}

/** What is handed over must be the sender's to read. */
function mayRead({ aos }: PluginApi, caller: Caller, paths: readonly string[]): Maybe<void> {
  const check = (text: string): Maybe<void> => {
    const path = parsePath(text);
    return then(aos.stat(caller, path), () => {
      if (aos.explain(caller, 'read', path).allowed) return;
      throw new AosError('denied', {
        component: 'agents',
        path,
        why: 'whoever sends a message must be able to read what goes with it',
        remedy: `see: aos explain read ${path}${caller.agent === undefined ? '' : ` --as ${caller.agent}`}`,
      });
    });
  };
  return paths.reduce<Maybe<void>>((before, path) => then(before, () => check(path)), undefined);
}

export function inboxOf(agent: Agent): string {
  return `/aos/agents/${agent.name}/inbox`;
}
