/** Which turns there are, by session, agent and tag. In memory; filled from the directories and kept by events. */

import type { Millis } from '../plugin-sdk/index.ts';
import type { Meta } from './turn.ts';

export const VIEWS = ['sessions', 'by-agent', 'by-tag', 'active'] as const;
export type View = (typeof VIEWS)[number];

/** A turn as a view shows it: the target is `YYYY/MM/DD/<id>`. */
export interface Shown {
  readonly turn: string;
  readonly at: Millis;
}

/** Turns by id, and when the newest was added. */
export interface Group {
  readonly turns: Map<string, Shown>;
  at: Millis;
}

const NAME_CHARS_MAX = 120;

export class Catalogue {
  private readonly groups: Readonly<Record<Exclude<View, 'active'>, Map<string, Group>>> = {
    sessions: new Map(),
    'by-agent': new Map(),
    'by-tag': new Map(),
  };
  newest: Millis = 0;
  readonly active: Group = { turns: new Map(), at: 0 };

  /** Adds a turn, or learns how it goes on. */
  put(turn: string, meta: Meta): void {
    const { id, session, agent, outcome, tags = [] } = meta;
    const shown = { turn, at: Date.parse(meta.started) || 0 };
    this.show('by-agent', agent, id, shown);
    this.show('sessions', session, id, shown);
    for (const tag of tags) this.show('by-tag', tag, id, shown);
    if (outcome === 'running') this.active.turns.set(id, shown);
    else this.active.turns.delete(id);
    this.newest = Math.max(this.newest, shown.at);
    this.active.at = this.newest;
  }

  names(view: Exclude<View, 'active'>): Iterable<string> {
    return this.groups[view].keys();
  }

  group(view: Exclude<View, 'active'>, name: string): Group | undefined {
    return this.groups[view].get(name);
  }

  private show(view: Exclude<View, 'active'>, key: string, id: string, shown: Shown): void {
    const name = nameFor(key);
    let group = this.groups[view].get(name);
    if (group === undefined) {
      group = { turns: new Map(), at: 0 };
      this.groups[view].set(name, group);
    }
    group.turns.set(id, shown);
    group.at = Math.max(group.at, shown.at);
  }
}

/** What a view calls a session, an agent or a tag: a name that any file system takes. */
function nameFor(key: string): string {
  const name = key.replaceAll(/[^\p{L}\p{N}._@+-]/gu, '-').slice(0, NAME_CHARS_MAX);
  return name === '' || name === '.' || name === '..' ? '-' : name;
}
