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
  estimate(): Maybe<Estimate>;
  spawn(branch: number): Maybe<unknown>;
}

/** Checks what a message hands over and names, then lets `go` ask. */
export function prepared(
  api: PluginApi,
  config: AgentConfig,
  agent: Agent,
  { caller }: Op,
  message: Message,
  go: (model: Model, ask: Ask) => Maybe<unknown>,
): Maybe<unknown> {
  const context = contextOf(agent, message);
  if (message.branches > 1 && context === null) {
    throw new AosError('invalid', {
      component: 'agents',
      path: inboxOf(agent),
      why: 'branches go on from a context, and there is none',
      remedy: 'name one as "context", or use: aos fork CONVERSATION --prompt P -n N',
    });
  }
  const paths = context === null ? message.attach : [...message.attach, context];
  return then(mayRead(api, caller, paths), () =>
    then(resolveModel(api, message.override.model ?? config.model), model => {
      funded(inboxOf(agent), model, budgetOf(config, message, caller));
      const task = invitation(config, agent, caller, message, model, context);
      const sessions = sessionsFor(agent, message, api.now());
      return go(model, {
        estimate: () => {
          const request = { ...task, op: 'estimate', session: sessions(0, false), idempotencyKey: null };
          // Procs answers this with an estimate and nothing else.
          const one = api.aos.call(api.self, PROCS, request) as Maybe<Estimate & { basis: string }>;
          return then(one, found => times(found, message.branches));
        },
        spawn: branch => {
          const [session, idempotencyKey] = [sessions(branch, true), keyOf(message, branch)];
          return api.aos.call(api.self, PROCS, { ...task, op: 'spawn', session, idempotencyKey });
        },
      });
    }),
  );
}

export function contextOf(agent: Agent, message: Message): string | null {
  return message.context ?? agent.record.now.context;
}

/** What /aos/procs needs to know of a run that is asked for, or only thought of. */
function invitation(
  config: AgentConfig,
  agent: Agent,
  caller: Caller,
  message: Message,
  model: Model,
  context: string | null,
): object {
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
    context,
    attach: message.attach,
    ceiling: message.ceiling ?? null,
    allowUnknownCost: message.allow_unknown_cost,
  };
}

/**
 * The session of each branch: the agent's own, unless this one message names another or asks for several. `used`: from now on
 * it is kept.
 */
function sessionsFor(
  agent: Agent,
  { session, branches }: Message,
  now: number,
): (branch: number, used: boolean) => string {
  if (branches > 1) {
    const name = makeSession(agent.name, now);
    return branch => `${name}-${branch + 1}`;
  }
  if (session === undefined) return (_, used) => (used ? agent.record.useSession(now) : agent.record.session(now));
  const name = session === 'new' ? makeSession(agent.name, now) : session;
  return () => name;
}

function keyOf({ idempotency_key: key, branches }: Message, branch: number): string | null {
  if (key === undefined) return null;
  return branches === 1 ? key : `${key}#${branch + 1}`;
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
        remedy: `see: aos explain read ${path}`,
      });
    });
  };
  return paths.reduce<Maybe<void>>((before, path) => then(before, () => check(path)), undefined);
}

export function inboxOf(agent: Agent): string {
  return `/aos/agents/${agent.name}/inbox`;
}
