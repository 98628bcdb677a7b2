/** What an agent keeps over a restart. */

import { randomBytes } from 'node:crypto';
import { type Infer, type Micros, type Millis, type PluginApi, schema } from '../plugin-sdk/index.ts';

const SPACE = 'agents';

const keptSchema = schema(z =>
  z.object({
    session: z.string().nullable(),
    sessionAt: z.number(),
    output: z.string(),
    outputAt: z.number(),
    /** `YYYY/MM/DD/<id>` of the current or last run. */
    current: z.string().nullable(),
    /** By user, for that user's next run only. */
    contexts: z.record(z.string(), z.string()).default({}),
    /** As it was written. */
    prefs: z.string(),
    prefsAt: z.number(),
  }),
);

type Kept = Infer<typeof keptSchema>;
type Keys = PluginApi['state']['keys'];

export class AgentRecord {
  private readonly keys: Keys;
  private readonly name: string;
  private kept: Kept;
  /** Made up when first asked for, stored when first used. */
  private newSession: string | undefined;
  /** What runs have cost that are not over. */
  private readonly going = new Map<number, { readonly session: string; readonly micros: Micros }>();
  /** What the runs that are over have cost, of the session that was asked for last: added up once. */
  private ended: { readonly session: string; readonly micros: Micros } | undefined;

  constructor(keys: Keys, name: string, now: Millis) {
    this.keys = keys;
    this.name = name;
    this.kept = load(keys, name) ?? {
      session: null,
      sessionAt: now,
      output: '',
      outputAt: now,
      current: null,
      contexts: {},
      prefs: '',
      prefsAt: now,
    };
  }

  get now(): Readonly<Kept> {
    return this.kept;
  }

  set(change: Partial<Kept>): void {
    const next = { ...this.kept, ...change };
    this.keys.set(SPACE, this.name, JSON.stringify(next));
    this.kept = next;
  }

  /** What a user has put down for the next run; null where nothing. */
  context(uid: number): string | null {
    return this.kept.contexts[String(uid)] ?? null;
  }

  setContext(uid: number, context: string | null): void {
    const { [String(uid)]: _, ...others } = this.kept.contexts;
    this.set({ contexts: context === null ? others : { ...others, [String(uid)]: context } });
  }

  session(at: Millis): string {
    if (this.kept.session !== null) return this.kept.session;
    this.newSession ??= makeSession(this.name, at);
    return this.newSession;
  }

  /** The session, kept from now on. */
  useSession(at: Millis): string {
    const session = this.session(at);
    if (this.kept.session === null) this.set({ session, sessionAt: at });
    return session;
  }

  /** What the runs of a session have cost. */
  cost(session: string): Micros {
    let sum = this.endedIn(session);
    for (const run of this.going.values()) if (run.session === session) sum += run.micros;
    return sum;
  }

  /** What one run has cost so far; `final` makes it last. It never goes down. */
  setCost(session: string, pid: number, micros: Micros, final: boolean): void {
    const most = Math.max(micros, this.going.get(pid)?.micros ?? 0);
    // Also where it cannot be stored: then it counts until the next start.
    this.going.set(pid, { session, micros: most });
    if (!final) return;
    const space = this.costSpace(session);
    const before = Number(this.keys.get(space, String(pid)) ?? 0);
    const more = Math.max(0, most - before);
    if (more > 0) this.keys.set(space, String(pid), String(most));
    this.going.delete(pid);
    if (this.ended?.session === session) this.ended = { session, micros: this.ended.micros + more };
  }

  private endedIn(session: string): Micros {
    if (this.ended?.session !== session) {
      const rows = this.keys.list(this.costSpace(session));
      this.ended = { session, micros: rows.reduce((sum, { value }) => sum + Number(value), 0) };
    }
    return this.ended.micros;
  }

  private costSpace(session: string): string {
    return `agents.cost/${this.name}/${session}`;
  }
}

/** `<agent>-YYYYMMDD-HHMMSS-xxxx`. */
export function makeSession(agent: string, at: Millis): string {
  const stamp = new Date(at).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  return `${agent}-${stamp}-${randomBytes(2).toString('hex')}`;
}

/** Undefined where nothing was kept, or what was kept is of another version. */
function load(keys: Keys, name: string): Kept | undefined {
  const text = keys.get(SPACE, name);
  if (text === undefined) return undefined;
  try {
    return keptSchema().parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
