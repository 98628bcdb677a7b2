/** /aos/agents as files. */

import {
  AosError,
  type Args,
  asAosError,
  caught,
  dir,
  type GrantSet,
  link,
  log,
  type Maybe,
  type Millis,
  message,
  type Op,
  type PluginApi,
  printUsd,
  type Route,
  type Tree,
  then,
  tree,
  usdFromMicros,
  value,
} from '../plugin-sdk/index.ts';
import type { Agent } from './agent.ts';
import { askInbox, checkSoFar, commitMessage } from './inbox.ts';
import { checkContext } from './invitation.ts';
import { listAgents, statusOf, unknown } from './listing.ts';
import { contextPath, SESSION } from './message.ts';
import { parsePrefs, parsePrefsSoFar } from './prefs.ts';
import { makeSession } from './record.ts';
import type { Definition, Registry } from './registry.ts';

interface ByName {
  readonly name: string;
}

const NAMES = [
  'config.yaml',
  'prefs.yaml',
  'status',
  'cost',
  'inbox',
  'inbox.depth',
  'output',
  'stream',
  'session',
  'context',
  'log',
];

/** What has to show the definition as it is at this moment. The rest may be some milliseconds behind. */
const EXACT = new Set(['config.yaml', 'inbox', '.error']);

export function agentsTree(
  api: PluginApi,
  registry: Registry,
  agentOf: (name: string) => Agent,
  /** Refuses early what a message would be refused for. */
  accept: (definition: Definition, agent: Agent, op: Op) => void,
): Tree {
  const definition = (args: Args<ByName>): Definition =>
    registry.find(args.name, false) ?? unknown(api, registry, args.name, args);
  const text = (
    read: (agent: Agent, args: Args<ByName>) => string,
    at: (agent: Agent) => Millis,
    write?: (agent: Agent, args: Args<ByName>, body: string) => unknown,
    check?: (args: Args<ByName>, body: string) => Maybe<void>,
  ): Route<ByName> =>
    value({
      read: args => `${read(agentOf(args.name), args)}\n`,
      attr: args => ({ mtime: at(agentOf(args.name)), mode: write === undefined ? 0o444 : 0o644 }),
      ...(check && { check }),
      ...(write && { write: (args: Args<ByName>, body: string) => write(agentOf(args.name), args, body) }),
    });
  const error = (args: Args<ByName>): AosError | undefined => definition(args).error;

  const routes = tree({
    '/': dir(() => registry.names().map(name => ({ name, kind: 'dir' as const })), {
      call: (op, request) => {
        if (!asks(request, 'list')) throw unknownRequest(op, 'list');
        op.told = false;
        return listAgents(api, registry, agentOf, op.caller);
      },
    }),
    '/:name': dir(args => contents(agentOf(args.name), definition(args)), {
      call: (args, request) =>
        asks(request, 'grants') ? grantSet(definition(args)) : wait(agentOf(args.name), args, request),
    }),
    '/:name/config.yaml': value({
      read: args => definition(args).text,
      attr: args => ({ mtime: definition(args).mtime, mode: 0o444 }),
    }),
    '/:name/prefs.yaml': value({
      read: args => withNewline(agentOf(args.name).record.now.prefs),
      attr: args => ({ mtime: agentOf(args.name).record.now.prefsAt, mode: 0o644 }),
      check: (args, body) => parsePrefsSoFar(body, args.path),
      write: (args, body) => {
        parsePrefs(body, args.path);
        agentOf(args.name).record.set({ prefs: body, prefsAt: api.now() });
      },
    }),
    '/:name/.error': value({
      exists: args => error(args) !== undefined,
      read: args => withNewline(error(args)?.message ?? ''),
      attr: args => ({ mtime: definition(args).mtime, mode: 0o444 }),
    }),
    '/:name/status': text(
      (agent, args) => statusOf(agent, definition(args)),
      agent => agent.statusAt,
    ),
    '/:name/cost': text(
      agent => printUsd(agent.record.cost(agent.record.session(api.now()))),
      agent => agent.statusAt,
    ),
    '/:name/inbox': message({
      accept: args => accept(definition(args), agentOf(args.name), args),
      hold: args => {
        const agent = agentOf(args.name);
        accept(definition(args), agent, args);
        return agent.hold(args.caller.uid);
      },
      check: (args, body) =>
        told(agentOf(args.name), args, () => checkSoFar(api, definition(args), agentOf(args.name), args, body)),
      commit: (args, body) => commit(api, definition(args), agentOf(args.name), args, body),
      call: (args, request) => askInbox(api, definition(args), agentOf(args.name), args, request),
    }),
    '/:name/inbox.depth': text(
      agent => String(agent.depth),
      agent => agent.statusAt,
    ),
    '/:name/output': value({
      read: args => withNewline(agentOf(args.name).record.now.output),
      attr: args => ({ mtime: agentOf(args.name).record.now.outputAt, mode: 0o444 }),
    }),
    '/:name/stream': log(args => agentOf(args.name).stream.reader()),
    '/:name/log': log(args => agentOf(args.name).log),
    '/:name/session': text(
      agent => agent.record.session(api.now()),
      agent => agent.record.now.sessionAt,
      (agent, args, body) => switchSession(agent, args, body.trim(), api.now()),
      (args, body) => checkSession(args, body.trim()),
    ),
    '/:name/context': text(
      (agent, { caller }) => agent.record.context(caller.uid) ?? '',
      agent => agent.statusAt,
      (agent, args, body) => setContext(api, agent, args, body.trim()),
      (args, body) => mayGoOn(api, args, body.trim()),
    ),
    '/:name/current': link(args => {
      const { current } = agentOf(args.name).record.now;
      return current === null ? undefined : `../../conversations/${current}`;
    }),
  });
  return {
    node(rest, op) {
      if (rest !== '') {
        const slash = rest.indexOf('/');
        const name = slash === -1 ? rest : rest.slice(0, slash);
        const exact = slash !== -1 && EXACT.has(rest.slice(slash + 1));
        if (registry.find(name, exact) === undefined) unknown(api, registry, name, op);
      }
      return routes.node(rest, op);
    },
  };
}

/** Shells ignore what close says, so a message that is refused there is also told of in the agent's log. */
function commit(api: PluginApi, definition: Definition, agent: Agent, op: Op, body: string): Maybe<unknown> {
  return told(agent, op, () => commitMessage(api, definition, agent, op, body));
}

function told<T>(agent: Agent, op: Op, act: () => Maybe<T>): Maybe<T> {
  return caught(act, thrown => {
    agent.say(`refused a message of uid ${op.caller.uid}: ${asAosError(thrown, 'agents', op.path).message}`);
    throw thrown;
  });
}

function contents(agent: Agent, { error }: Definition): string[] {
  const names = [...NAMES];
  if (agent.record.now.current !== null) names.push('current');
  if (error !== undefined) names.push('.error');
  return names;
}

function withNewline(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

/** Answers when the agent is idle, with what its last run came to. */
function wait(agent: Agent, op: Op, request: unknown): unknown {
  if (!asks(request, 'wait')) throw unknownRequest(op, 'wait');
  op.told = false;
  return then(agent.whenIdle(op.signal), () => {
    const { last } = agent;
    if (last === undefined) return { agent: agent.name, status: agent.status };
    return {
      agent: agent.name,
      status: agent.status,
      pid: last.run.pid,
      conversation: last.run.conversation,
      output: last.end.output,
      exit_code: last.end.code,
      cost_usd: last.run.unpriced ? null : usdFromMicros(last.end.cost),
      reason: last.end.reason,
    };
  });
}

/** What an agent adds to its inviter's authority: for `explain --as` and for a shell that acts as the agent. */
function grantSet(definition: Definition): GrantSet {
  const { config } = definition;
  if (config === undefined) {
    throw definition.error ?? new AosError('invalid', { component: 'agents', why: 'its definition was never valid' });
  }
  return { name: `agent ${config.name}`, grants: config.grants };
}

function asks(request: unknown, op: string): boolean {
  return typeof request === 'object' && request !== null && 'op' in request && request.op === op;
}

function unknownRequest(op: Op, known: string): AosError {
  return new AosError('invalid', {
    component: 'agents',
    path: op.path,
    why: 'not a request it knows',
    remedy: `ask {"op":"${known}"}`,
  });
}

function checkSession(op: Op, asked: string): void {
  if (SESSION.test(asked)) return;
  throw new AosError('invalid', {
    component: 'agents',
    path: op.path,
    why: `${JSON.stringify(asked.slice(0, 60))} is not a session id: letters, digits, ".", "_" and "-"`,
    remedy: 'write "new", or an id from /aos/conversations/sessions',
  });
}

function switchSession(agent: Agent, op: Op, asked: string, now: Millis): void {
  checkSession(op, asked);
  agent.record.set({ session: asked === 'new' ? makeSession(agent.name, now) : asked, sessionAt: now });
}

/** An empty text takes a context back that was set. */
function setContext(api: PluginApi, agent: Agent, op: Op, asked: string): unknown {
  return then(mayGoOn(api, op, asked), () => agent.record.setContext(op.caller.uid, asked === '' ? null : asked));
}

/** Throws for what is no `.ctx` path, or one that whoever writes it could not go on from. */
function mayGoOn(api: PluginApi, op: Op, asked: string): Maybe<void> {
  if (asked === '') return undefined;
  const checked = contextPath().safeParse(asked);
  if (!checked.success) {
    throw new AosError('invalid', {
      component: 'agents',
      path: op.path,
      why: checked.error.issues[0]?.message ?? 'not the path of a .ctx file',
      remedy: 'write the path of a context.ctx below /aos/conversations',
    });
  }
  return checkContext(api, op.caller, asked);
}
