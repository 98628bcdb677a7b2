/** From a message to a run: checked here, accepted and run by /aos/procs. */

import { AosError, type Caller, isPromise, type Maybe, type Op, type PluginApi, then } from '../plugin-sdk/index.ts';
import type { Agent } from './agent.ts';
import { consented, solvent } from './consent.ts';
import { type Ask, contextOf, inboxOf, prepared } from './invitation.ts';
import { checkMessage, type Message, parseMessage, parseMessageSoFar } from './message.ts';
import { type Model, resolveModel } from './model.ts';
import type { Definition } from './registry.ts';
import type { AgentConfig } from './source.ts';

/**
 * Refuses at open what would be refused anyway: a daemon that stops, a full queue, a definition that was never valid;
 * and where the agent's model costs something and nothing may be spent, whatever the message will say: what close says may go
 * unread.
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
  if (caller.door === 'kernel') mayCost(api, agent, caller, model);
}

/** As far as the model is known at once and there is one: what else is wrong with it, the message itself is refused for. */
function mayCost(api: PluginApi, agent: Agent, caller: Caller, name: string | undefined): void {
  let model: Maybe<Model>;
  try {
    model = resolveModel(api, name);
  } catch {
    return;
  }
  if (isPromise(model)) model.catch(() => {});
  else solvent(api, inboxOf(agent), model, caller, agent.name);
}

/** Gives the receipt: `{pid, conversation, session}`; of a message with branches a list of them. */
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
  const took = (receipt: unknown): unknown => {
    if (!isRepeated(receipt)) {
      if (message.context === undefined && handed !== null) agent.record.set({ context: null });
      return receipt;
    }
    // Whoever asks again is given what it was given before.
    const { deduplicated: _, ...before } = receipt;
    agent.say(`not run again: the message of uid ${op.caller.uid} is that of ${before.pid}`);
    return before;
  };
  return prepared(api, config, agent, op, message, (model, ask) => {
    return then(meant(api, agent, op, message, model, ask), () => {
      roomFor(agent, config, message.branches);
      if (message.branches === 1) return then(ask.spawn(0), took);
      return eachBranch(message.branches, branch => then(ask.spawn(branch), took));
    });
  });
}

/** Refuses what may not be spent unasked, and a context that cannot be gone on from. */
function meant(
  api: PluginApi,
  agent: Agent,
  { path, caller }: Op,
  message: Message,
  model: Model,
  ask: Ask,
): Maybe<void> {
  solvent(api, path, model, caller, agent.name);
  if (contextOf(agent, message) === null) return consented(path, model, message, ask.estimate);
  return then(ask.estimate(), estimate => consented(path, model, message, () => estimate));
}

/** All branches or none: the queue takes them together. */
function roomFor(agent: Agent, { queue }: AgentConfig, branches: number): void {
  if (branches === 1 || agent.depth + branches <= queue.depth) return;
  throw new AosError('queue_full', {
    component: 'agents',
    path: inboxOf(agent),
    why: `${agent.depth} messages wait, and with ${branches} more it would be above the ${queue.depth} that may`,
    remedy: 'try again when some are done, ask for fewer branches, or raise queue.depth of the agent',
  });
}

function eachBranch(count: number, go: (branch: number) => Maybe<unknown>): Maybe<unknown[]> {
  const branches = Array.from({ length: count }, (_, branch) => branch);
  return branches.reduce<Maybe<unknown[]>>(
    (before, branch) => then(before, receipts => then(go(branch), receipt => [...receipts, receipt])),
    [],
  );
}

/** Refuses at once, of lines to which more may come, what no further line can mend: shells hear of that, and not of what close says. */
export function checkSoFar(api: PluginApi, definition: Definition, agent: Agent, op: Op, text: string): void {
  const message = parseMessageSoFar(text, inboxOf(agent));
  if (message === undefined) return;
  const known = prepared(api, configOf(definition), agent, op, message, (model, ask) => {
    return meant(api, agent, op, message, model, ask);
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
  return prepared(api, configOf(definition), agent, op, message, (_model, ask) => ask.estimate());
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
