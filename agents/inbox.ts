/** From a message to a run: checked here, accepted and run by /aos/procs. */

import { AosError, type Caller, caught, type Maybe, type Op, type PluginApi, then } from '../plugin-sdk/index.ts';
import type { Agent } from './agent.ts';
import { consented, solvent } from './consent.ts';
import { type Ask, inboxOf, prepared, type Receipt, withContext } from './invitation.ts';
import { checkMessage, type Message, parseMessage, parseMessageSoFar } from './message.ts';
import type { Model } from './model.ts';
import type { Definition } from './registry.ts';
import type { AgentConfig } from './source.ts';

/** Refuses at open what would be refused whatever is written: a daemon that stops, a full queue, a definition that was never valid. */
export function acceptMessage(definition: Definition, agent: Agent, { uid }: Caller, stopping: boolean): void {
  const { queue } = configOf(definition);
  if (stopping) {
    throw new AosError('not_running', {
      component: 'agents',
      path: inboxOf(agent),
      why: 'the daemon is stopping and takes no more messages',
      remedy: 'send it again after the next aos-mount',
    });
  }
  if (agent.depth + agent.held(uid) >= queue.depth) {
    throw new AosError('queue_full', {
      component: 'agents',
      path: inboxOf(agent),
      why: `${agent.depth} messages wait already, and you are writing ${agent.held(uid)}`,
      remedy: 'try again when some are done, or raise queue.depth of the agent',
    });
  }
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
  const asked = parseMessage(text, inboxOf(agent));
  const message = withContext(agent, op.caller, asked);
  const send = (): Maybe<readonly Receipt[]> =>
    prepared(api, config, agent, op, message, (model, ask) =>
      then(meant(api, config, agent, op, message, model, ask), () => ask.spawn()),
    );
  const sent = message === asked ? send() : taking(agent, op.caller, send);
  return then(sent, receipts => {
    for (const { pid, deduplicated } of receipts) {
      if (deduplicated) agent.say(`not run again: the message of uid ${op.caller.uid} is that of ${pid}`);
    }
    // Whoever asks again is given what it was given before.
    const given = receipts.map(({ deduplicated: _, ...receipt }) => receipt);
    return message.branches === 1 ? given[0] : given;
  });
}

/** Takes what was put down for the next run before another message of the user can, and puts it back where there is no run. */
function taking(agent: Agent, { uid }: Caller, send: () => Maybe<readonly Receipt[]>): Maybe<readonly Receipt[]> {
  const { record } = agent;
  const context = record.context(uid);
  record.setContext(uid, null);
  const putBack = (): void => {
    if (record.context(uid) === null) record.setContext(uid, context);
  };
  const accepted = (receipts: readonly Receipt[]): readonly Receipt[] => {
    if (receipts.some(({ deduplicated }) => deduplicated)) putBack();
    return receipts;
  };
  return caught(
    () => then(send(), accepted),
    thrown => {
      putBack();
      throw mendable(agent, context, thrown);
    },
  );
}

/** The same error, with what to do about a context that the message does not name itself. */
function mendable(agent: Agent, context: string | null, thrown: unknown): unknown {
  if (!(thrown instanceof AosError) || thrown.path !== context) return thrown;
  const { kind, component, path, why } = thrown;
  const remedy = `take it back: echo > /aos/agents/${agent.name}/context`;
  return new AosError(kind, { component, path, why, remedy, cause: thrown });
}

/**
 * Refuses what nothing is left to pay for or may not be spent unasked, what has no room, and a context that cannot be gone on
 * from; nothing of a message that came before, which is not run again.
 */
function meant(
  api: PluginApi,
  config: AgentConfig,
  agent: Agent,
  { path, caller }: Op,
  message: Message,
  model: Model,
  ask: Ask,
): Maybe<void> {
  return then(ask.known(), known => {
    if (known) return undefined;
    solvent(api, path, model, caller, agent.name);
    roomFor(agent, config, caller, message);
    if (message.context === undefined) return consented(path, model, message, ask.estimate);
    return then(ask.estimate(), estimate => consented(path, model, message, () => estimate));
  });
}

/** The queue takes all branches or none, beside the messages that the same user is writing. */
function roomFor(agent: Agent, { queue }: AgentConfig, { uid }: Caller, { branches }: Message): void {
  if (branches === 1) return;
  const waiting = agent.depth + Math.max(0, agent.held(uid) - 1);
  if (waiting + branches <= queue.depth) return;
  throw new AosError('queue_full', {
    component: 'agents',
    path: inboxOf(agent),
    why: `${waiting} messages wait, and with ${branches} more it would be above the ${queue.depth} that may`,
    remedy: 'try again when some are done, ask for fewer branches, or raise queue.depth of the agent',
  });
}

/** Refuses, of text to which more may come, what nothing more can mend: shells hear of that, and not of what close says. */
export function checkSoFar(api: PluginApi, definition: Definition, agent: Agent, op: Op, text: string): Maybe<void> {
  const asked = parseMessageSoFar(text, inboxOf(agent));
  if (asked === undefined) return undefined;
  const message = withContext(agent, op.caller, asked);
  const config = configOf(definition);
  const check = (): Maybe<void> =>
    prepared(api, config, agent, op, message, (model, ask) => meant(api, config, agent, op, message, model, ask));
  if (message === asked) return check();
  const context = agent.record.context(op.caller.uid);
  return caught(check, thrown => {
    throw mendable(agent, context, thrown);
  });
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
  const message = withContext(agent, op.caller, checkMessage(rest, inboxOf(agent)));
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
