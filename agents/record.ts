/** What an agent keeps over a restart. */

import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Micros, Millis, PluginApi } from '../plugin-sdk/index.ts';

const SPACE = 'agents';

const schema = z.object({
  session: z.string().nullable(),
  sessionAt: z.number(),
  output: z.string(),
  outputAt: z.number(),
  /** `YYYY/MM/DD/<id>` of the current or last run. */
  current: z.string().nullable(),
  /** For the next run only. */
  context: z.string().nullable(),
  /** As it was written. */
  prefs: z.string(),
  prefsAt: z.number(),
});

type Kept = z.infer<typeof schema>;
type Keys = PluginApi['state']['keys'];

export class Record {
  private readonly keys: Keys;
  private readonly name: string;
  private kept: Kept;
  /** Made up when first asked for, stored when first used. */
  private newSession: string | undefined;
  private readonly costs = new Map<string, Map<number, Micros>>();

  constructor(keys: Keys, name: string, now: Millis) {
    this.keys = keys;
    this.name = name;
    this.kept = load(keys, name) ?? {
      session: null,
      sessionAt: now,
      output: '',
      outputAt: now,
      current: null,
      context: null,
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
    let sum = 0;
    for (const micros of this.costsOf(session).values()) sum += micros;
    return sum;
  }

  /** What one run has cost so far; `final` makes it last. It never goes down. */
  setCost(session: string, pid: number, micros: Micros, final: boolean): void {
    const costs = this.costsOf(session);
    if (micros > (costs.get(pid) ?? 0)) costs.set(pid, micros);
    const cost = costs.get(pid) ?? 0;
    if (final && cost > 0) this.keys.set(this.costSpace(session), String(pid), String(cost));
  }

  private costsOf(session: string): Map<number, Micros> {
    let costs = this.costs.get(session);
    if (costs === undefined) {
      const rows = this.keys.list(this.costSpace(session));
      costs = new Map(rows.map(({ key, value }) => [Number(key), Number(value)]));
      this.costs.set(session, costs);
    }
    return costs;
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
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
