/** A conversation as a user names it: a path below /aos/conversations, an id, or `last`. */

import { AosError } from '../core/errors.ts';
import type { Client } from './client.ts';
import { type Fields, fields, isFields, items, number, text } from './shape.ts';
import { treePath } from './tree.ts';
import type { Context } from './verb.ts';

const CONVERSATIONS = '/aos/conversations';
/** As `aos invoke` prints it. */
const BELOW = /^\d{4}\/\d{2}\/\d{2}\/[^/]+\/?$/;
/** `HHMMSS-agent-pid`. */
const ID = /^(\d{6})-.*-(\d+)$/;

export const CONVERSATION_HELP = `a path below ${CONVERSATIONS}, an id, or last: the newest that you asked for`;

export interface Turn {
  readonly path: string;
  readonly agent: string;
  readonly session: string;
  readonly outcome: string;
}

/** Throws `not_found`, and `busy` for one whose run still goes. */
export async function findTurn({ client, env }: Context, typed: string, verb: string): Promise<Turn> {
  const meta = await metaOf(client, typed, () => treePath(typed, env));
  if (meta === undefined) {
    throw new AosError('not_found', {
      component: verb,
      path: typed,
      why: typed === 'last' ? 'there is no conversation that you asked for' : 'there is no such conversation',
      remedy: `see: aos ls ${CONVERSATIONS}/by-agent`,
    });
  }
  const turn = { path: text(meta, 'path'), agent: text(meta, 'agent'), session: text(meta, 'session') };
  const outcome = text(meta, 'outcome');
  if (outcome !== 'running') return { ...turn, outcome };
  const pid = text(meta, 'pid');
  throw new AosError('busy', {
    component: verb,
    path: turn.path,
    why: 'its run still goes',
    remedy: `wait for it: aos wait ${pid}; or say it to the run itself: aos write /aos/procs/${pid}/stdin -`,
  });
}

export function contextOf({ path }: Turn): string {
  return `${path}/context.ctx`;
}

async function metaOf(client: Client, typed: string, asPath: () => string): Promise<Fields | undefined> {
  if (typed === 'last') return newest(client);
  if (BELOW.test(typed)) return metaAt(client, `${CONVERSATIONS}/${typed}`);
  if (!typed.includes('/')) return byId(client, typed);
  return metaAt(client, asPath().replace(/\/context\.ctx$/, ''));
}

async function byId(client: Client, id: string): Promise<Fields | undefined> {
  if (!ID.test(id)) return undefined;
  for (const agent of await names(client, `${CONVERSATIONS}/by-agent`)) {
    const meta = await metaAt(client, `${CONVERSATIONS}/by-agent/${agent}/${id}`);
    if (meta !== undefined) return meta;
  }
  return undefined;
}

/** The last day's last turn that this user, and no run, has asked for. */
async function newest(client: Client): Promise<Fields | undefined> {
  for await (const day of days(client)) {
    const ids = (await names(client, day)).filter(id => ID.test(id)).sort((a, b) => (keyOf(a) < keyOf(b) ? 1 : -1));
    for (const id of ids) {
      const meta = await metaAt(client, `${day}/${id}`);
      if (meta !== undefined && number(meta, 'uid', -1) === process.getuid?.() && number(meta, 'ppid') === 0)
        return meta;
    }
  }
  return undefined;
}

/** The newest first. */
async function* days(client: Client): AsyncGenerator<string> {
  for (const year of await numbers(client, CONVERSATIONS)) {
    for (const month of await numbers(client, year)) yield* await numbers(client, month);
  }
}

async function numbers(client: Client, dir: string): Promise<string[]> {
  const found = (await names(client, dir)).filter(name => /^\d+$/.test(name));
  return found.sort((a, b) => Number(b) - Number(a)).map(name => `${dir}/${name}`);
}

/** Of one second the run with the higher pid came later. */
function keyOf(id: string): string {
  const [, time = '', pid = ''] = ID.exec(id) ?? [];
  return `${time}${pid.padStart(15, '0')}`;
}

async function names(client: Client, path: string): Promise<string[]> {
  const entries = await client.json({ method: 'GET', path, query: { list: '1' } });
  return items(entries).map(entry => text(fields(entry), 'name'));
}

async function metaAt(client: Client, turn: string): Promise<Fields | undefined> {
  try {
    const meta = await client.json({ method: 'GET', path: `${turn.replace(/\/+$/, '')}/meta.json` });
    return isFields(meta) ? meta : undefined;
  } catch (thrown) {
    if (thrown instanceof AosError && (thrown.kind === 'not_found' || thrown.kind === 'not_dir')) return undefined;
    throw thrown;
  }
}
