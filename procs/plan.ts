/** What a run needs to start, as data: it is stored with the accepted message and read back after a restart. */

import {
  AosError,
  type Caller,
  type GrantSet,
  type Infer,
  LIMITS,
  type RunRow,
  schema,
  VERBS,
  zod,
} from '../plugin-sdk/index.ts';

const grantSchema = schema(z =>
  z.object({
    verbs: z.array(z.enum(VERBS)),
    path: z.string(),
    until: z.number().exactOptional(),
  }),
);

const setSchema = schema(z =>
  z.object({ name: z.string(), grants: z.array(grantSchema()), onlyThere: z.boolean().exactOptional() }),
);

const modelSchema = schema(z =>
  z.object({
    /** `provider/model`. */
    name: z.string(),
    /** Where it is called. */
    path: z.string(),
    local: z.boolean(),
    /** USD for a million tokens; null where unknown. */
    inputPrice: z.number().nullable(),
    outputPrice: z.number().nullable(),
    /** Tokens that are asked for, and paid for in advance, where a request names no limit. */
    outputTokens: z.number().positive(),
  }),
);

const agentSchema = schema(z =>
  z.object({
    name: z.string(),
    persona: z.string(),
    tools: z.array(z.string()),
    grants: z.array(grantSchema()),
    maxTurns: z.number().int().positive(),
    /** Messages that may wait, and runs at a time. */
    depth: z.number().int().positive(),
    parallel: z.number().int().positive(),
  }),
);

const taskSchema = schema(z =>
  z.strictObject({
    agent: agentSchema(),
    /** Style keys of the agent's preferences. */
    prefs: z.record(z.string(), z.string()),
    prompt: z.string().min(1),
    model: modelSchema(),
    /** Micro-dollars. Every run has one: what it has cost is counted there, also after a crash. */
    budget: z.number().int().nonnegative(),
    timeoutMs: z.number().positive(),
    /** A `.ctx` file of an earlier turn to go on from. */
    context: z.string().nullable(),
    /** Paths of the tree whose text is handed over with the prompt. */
    attach: z.array(z.string()),
    ceiling: z.array(grantSchema()).nullable(),
    /** Models may be asked whose price is not known. */
    allowUnknownCost: z.boolean().default(false),
  }),
);

/** Stands in for the process that asked, which may be gone when the run starts. */
const inviterSchema = schema(z =>
  z.object({
    uid: z.number(),
    gid: z.number(),
    /** Where it was a run, or somebody who acts as an agent: that agent's leases and budget are the ones that count. */
    agent: z.string().exactOptional(),
    authority: z.array(setSchema()),
    runs: z.array(z.number()),
    /** Budgets of the runs that led here, in micro-dollars. */
    purses: z.array(z.object({ run: z.number(), limit: z.number() })).default([]),
    identity: z.object({
      pid: z.number(),
      startTime: z.number(),
      sid: z.number(),
      leaderStart: z.number().exactOptional(),
      tty: z.number(),
      comm: z.string(),
    }),
  }),
);

const planSchema = schema(z => z.object({ v: z.literal(1), ...taskSchema().shape, inviter: inviterSchema() }));

export type Plan = Infer<typeof planSchema>;

const invitationSchema = schema(z =>
  taskSchema().extend({
    /** One for each run that the message asks for. */
    sessions: z.array(z.string().min(1)).min(1),
    idempotencyKey: z.string().min(1).nullable(),
    caller: z.custom<Caller>(isCaller, 'not a caller'),
  }),
);

const spawnSchema = schema(z => invitationSchema().extend({ op: z.literal('spawn') }));

export type SpawnRequest = Infer<typeof spawnSchema>;

const estimateSchema = schema(z => invitationSchema().extend({ op: z.literal('estimate') }));

export type EstimateRequest = Infer<typeof estimateSchema>;

const contextSchema = schema(z =>
  z.strictObject({ op: z.literal('context'), context: z.string(), caller: z.custom<Caller>(isCaller, 'not a caller') }),
);

const knownSchema = schema(z =>
  z.strictObject({
    op: z.literal('known'),
    agent: z.string(),
    key: z.string(),
    caller: z.custom<Caller>(isCaller, 'not a caller'),
  }),
);

const requestSchema = schema(z =>
  z.discriminatedUnion('op', [
    spawnSchema(),
    estimateSchema(),
    contextSchema(),
    knownSchema(),
    z.strictObject({ op: z.literal('list'), all: z.boolean().optional() }),
  ]),
);

/** A request to /aos/procs. Throws `invalid`. */
export function parseRequest(request: unknown): Infer<typeof requestSchema> {
  const parsed = requestSchema().safeParse(request);
  if (parsed.success) return parsed.data;
  throw new AosError('invalid', {
    component: 'procs',
    path: '/aos/procs',
    why: `not a request it knows: ${zod().prettifyError(parsed.error).replaceAll('\n', ' ')}`,
    remedy: 'ask {"op":"list"}, or write to an inbox to start a run',
  });
}

/** The plan of a spawn request. Throws `not_permitted` where agents call agents too deeply. */
export function planOf(request: SpawnRequest | EstimateRequest): Plan {
  const { op: _op, sessions: _sessions, idempotencyKey: _key, caller, ...task } = request;
  const runs = caller.runs ?? [];
  if (runs.length >= LIMITS.run_depth_max) {
    throw new AosError('not_permitted', {
      component: 'procs',
      path: `/aos/agents/${task.agent.name}/inbox`,
      why: `agents may call agents ${LIMITS.run_depth_max} deep and this would be one more`,
      remedy: 'answer without calling another agent',
    });
  }
  const { uid, gid, agent, authority } = caller;
  const { pid, startTime, sid, leaderStart, tty, comm } = caller.identity();
  return {
    v: 1,
    ...task,
    inviter: {
      uid,
      gid,
      ...(agent !== undefined && { agent }),
      authority: authority.map(copySet),
      runs: [...runs],
      purses: [...(caller.purses ?? [])],
      identity: { pid, startTime, sid, ...(leaderStart !== undefined && { leaderStart }), tty, comm },
    },
  };
}

/** The plan stored with a run. Throws `invalid` where it is of another version or damaged. */
export function readPlan(row: RunRow): Plan {
  try {
    return planSchema().parse(JSON.parse(row.body));
  } catch (cause) {
    throw new AosError('invalid', {
      component: 'procs',
      path: `/aos/procs/${row.pid}`,
      why: 'what was stored for this run cannot be read',
      remedy: 'send the message again',
      cause,
    });
  }
}

function copySet({ name, grants, onlyThere }: GrantSet): Infer<typeof setSchema> {
  const copied = grants.map(grant => ({ ...grant, verbs: [...grant.verbs] }));
  return { name, grants: copied, ...(onlyThere !== undefined && { onlyThere }) };
}

function isCaller(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    'identity' in value &&
    typeof value.identity === 'function' &&
    'authority' in value &&
    Array.isArray(value.authority) &&
    'uid' in value &&
    typeof value.uid === 'number'
  );
}
