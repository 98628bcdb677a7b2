/** From a message to a run: checked here, accepted and run by /aos/procs. */

import {
  AosError,
  type Caller,
  isPromise,
  type Maybe,
  microsFromUsd,
  type Op,
  type PluginApi,
  parsePath,
  then,
} from '../plugin-sdk/index.ts';
import type { Agent } from './agent.ts';
import { consented, flowing, funded, isTripped } from './consent.ts';
import type { Estimate } from './estimate.ts';
import { checkMessage, type Message, parseMessage, parseMessageSoFar } from './message.ts';
import { type Model, resolveModel } from './model.ts';
import { parsePrefs } from './prefs.ts';
import { makeSession } from './record.ts';
import type { Definition } from './registry.ts';
import type { AgentConfig } from './source.ts';

const PROCS = parsePath('/aos/procs');

/**
 * Refuses at open what would be refused anyway: a daemon that stops, a full queue, a definition that was never valid;
 * and while the machine's breaker is tripped, whatever the message will say, where the agent's model costs something and what
 * close says may go unread.
 */
export function acceptMessage(
  api: PluginApi,
  definition: Definition,
  agent: Agent,
  { caller }: Op,
  stopping: boolean,
): void {
  const { queue, model } = configOf(definition);
  if (stopping) {
    throw new AosError('not_running', {
      component: 'agents',
      path: inboxOf(agent),
      why: 'the daemon is stopping and takes no more messages',
      remedy: 'send it again after the next aos-mount',
    });
  }
  if (agent.depth + agent.held >= queue.depth) {
    throw new AosError('queue_full', {
      component: 'agents',
      path: inboxOf(agent),
      why: `${agent.depth} messages wait already`,
      remedy: 'try again when some are done, or raise queue.depth of the agent',
    });
  }
  if (caller.door === 'kernel' && isTripped(api)) mayCost(api, agent, model);
}

/** As far as the model is known at once and there is one: what else is wrong with it, the message itself is refused for. */
function mayCost(api: PluginApi, agent: Agent, name: string | undefined): void {
  let model: Maybe<Model>;
  try {
    model = resolveModel(api, name);
  } catch {
    return;
  }
  if (isPromise(model)) model.catch(() => {});
  else flowing(api, inboxOf(agent), model);
}

/** Gives the receipt: `{pid, conversation, session}`. */
export function commitMessage(
  api: PluginApi,
  definition: Definition,
  agent: Agent,
  op: Op,
  text: string,
): Maybe<unknown> {
  const config = configOf(definition);
  const message = parseMessage(text, inboxOf(agent));
  const handed = contextOf(agent, message);
  return prepared(api, config, agent, op, message, (model, ask) => {
    flowing(api, op.path, model);
    // Procs answers this with an estimate and nothing else.
    const meant = consented(op.path, model, message, () => ask('estimate') as Maybe<Estimate>);
    return then(meant, () =>
      then(ask('spawn'), receipt => {
        if (!isRepeated(receipt)) {
          if (message.context === undefined && handed !== null) agent.record.set({ context: null });
          return receipt;
        }
        // Whoever asks again is given what it was given before.
        const { deduplicated: _, ...before } = receipt;
        agent.say(`not run again: the message of uid ${op.caller.uid} is that of ${before.pid}`);
        return before;
      }),
    );
  });
}

/** Refuses at once, of lines to which more may come, what no further line can mend: shells hear of that, and not of what close says. */
export function checkSoFar(api: PluginApi, definition: Definition, agent: Agent, op: Op, text: string): void {
  const message = parseMessageSoFar(text, inboxOf(agent));
  if (message === undefined) return;
  const known = prepared(api, configOf(definition), agent, op, message, (model, ask) => {
    flowing(api, op.path, model);
    return consented(op.path, model, message, () => ask('estimate') as Maybe<Estimate>);
  });
  // What is not known at once is for close to say.
  if (isPromise(known)) known.catch(() => {});
}

/** The receipt of a message whose key had come before. */
function isRepeated(receipt: unknown): receipt is { readonly pid: number; readonly deduplicated: true } {
  return typeof receipt === 'object' && receipt !== null && 'deduplicated' in receipt && 'pid' in receipt;
}

/** A request to the inbox in process: an estimate, for a message that is not sent. */
export function askInbox(
  api: PluginApi,
  definition: Definition,
  agent: Agent,
  op: Op,
  request: unknown,
): Maybe<unknown> {
  if (typeof request !== 'object' || request === null || !('dry_run' in request) || request.dry_run !== true) {
    throw new AosError('invalid', {
      component: 'agents',
      path: inboxOf(agent),
      why: 'a call here only estimates',
      remedy: 'add "dry_run": true, or write the message instead',
    });
  }
  op.told = false;
  const { dry_run: _dry, ...rest } = request;
  const message = checkMessage(rest, inboxOf(agent));
  return prepared(api, configOf(definition), agent, op, message, (_model, ask) => ask('estimate'));
}

/** Checks what a message hands over and names, then lets `go` ask /aos/procs about the run that it would be. */
function prepared(
  api: PluginApi,
  config: AgentConfig,
  agent: Agent,
  { caller }: Op,
  message: Message,
  go: (model: Model, ask: (what: 'spawn' | 'estimate') => Maybe<unknown>) => Maybe<unknown>,
): Maybe<unknown> {
  const context = contextOf(agent, message);
  const paths = context === null ? message.attach : [...message.attach, context];
  return then(mayRead(api, caller, paths), () =>
    then(resolveModel(api, message.override.model ?? config.model), model => {
      funded(inboxOf(agent), model, budgetOf(config, message, caller));
      return go(model, what => {
        const session = sessionFor(agent, message.session, api.now(), what === 'spawn');
        const task = invitation(config, agent, caller, message, model, context);
        return api.aos.call(api.self, PROCS, { op: what, session, ...task });
      });
    }),
  );
}

function contextOf(agent: Agent, message: Message): string | null {
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
    idempotencyKey: message.idempotency_key ?? null,
  };
}

/** The agent's own session, unless this one message names another. `used`: from now on it is kept. */
function sessionFor(agent: Agent, asked: string | undefined, now: number, used: boolean): string {
  if (asked === undefined) return used ? agent.record.useSession(now) : agent.record.session(now);
  return asked === 'new' ? makeSession(agent.name, now) : asked;
}

function budgetOf(config: AgentConfig, message: Message, caller: Caller): number {
  return microsFromUsd(narrowed(caller, config.limits.max_cost_usd, message.override.max_cost_usd));
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

/** The definition in effect. Throws where there never was a valid one. */
export function configOf({ config, error, name }: Definition): AgentConfig {
  if (config !== undefined) return config;
  // It could not be read, which says nothing against it.
  if (error !== undefined && error.kind !== 'invalid') throw error;
  throw new AosError('invalid', {
    component: 'agents',
    path: `/aos/agents/${name}/inbox`,
    why: `the agent takes no messages, because its definition is not valid: ${error?.why ?? 'it is missing'}`,
    remedy: `correct ${error?.path ?? 'it'}`,
    cause: error,
  });
}

function inboxOf(agent: Agent): string {
  return `/aos/agents/${agent.name}/inbox`;
}
