/** A conversation as a user names it: a path below /aos/conversations, an id, or `last`. */

import { AosError } from '../core/errors.ts';
import type { Client } from './client.ts';
import type { Env } from './env.ts';
import { type Fields, fields, isFields, items, number, text } from './shape.ts';
import { treePathOrNone } from './tree.ts';
import type { Context } from './verb.ts';

const CONVERSATIONS = '/aos/conversations';
/** As `aos invoke` prints it. */
const BELOW = /^\d{4}\/\d{2}\/\d{2}\/[^/]+$/;
/** Links to turns: rights belong to the turn's own path. */
const VIEW = /^\/aos\/conversations\/\D/;
/** An agent's, with nothing that leads elsewhere. */
const NAME = /^[^/.][^/]*$/;
/** `HHMMSS-agent-pid`. */
const ID = /^(\d{6})-.*-(\d+)$/;

export const CONVERSATION_HELP = `a path below ${CONVERSATIONS}, an id, or last: the newest that you asked for`;

export interface Turn {
  readonly path: string;
  readonly agent: string;
  readonly session: string;
  readonly outcome: string;
  readonly pid: string;
}

/** Throws `not_found`, and `busy` for one whose run still goes. */
export async function findTurn({ client, env }: Context, typed: string, verb: string): Promise<Turn> {
  const turn = await turnOf(client, typed.replace(/\/+$/, '').replace(/(^|\/)context\.ctx$/, '$1.'), env);
  if (turn === undefined) {
    throw new AosError('not_found', {
      component: verb,
      path: typed,
      why: typed === 'last' ? 'there is no conversation that you asked for' : 'there is no such conversation',
      remedy: `see: aos ls ${CONVERSATIONS}/by-agent`,
    });
  }
  if (turn.outcome !== 'running') return turn;
  throw new AosError('busy', {
    component: verb,
    path: turn.path,
    why: 'its run still goes',
    remedy: `wait for it: aos wait ${turn.pid}; or say it to the run itself: aos write /aos/procs/${turn.pid}/stdin -`,
  });
}

export function contextOf({ path }: Turn): string {
  return `${path}/context.ctx`;
}

async function turnOf(client: Client, typed: string, env: Env): Promise<Turn | undefined> {
  if (typed === 'last') return newest(client);
  if (ID.test(typed)) return byId(client, typed);
  const path = BELOW.test(typed) ? `${CONVERSATIONS}/${typed}` : treePathOrNone(typed, env);
  return path === undefined ? undefined : turnAt(client, path.replace(/\/\.$/, ''));
}

async function byId(client: Client, id: string): Promise<Turn | undefined> {
  for (const agent of await names(client, `${CONVERSATIONS}/by-agent`)) {
    const turn = await turnAt(client, `${CONVERSATIONS}/by-agent/${agent}/${id}`);
    if (turn !== undefined) return turn;
  }
  return undefined;
}

/** The last day's last turn that this user, and no run, has asked for. */
async function newest(client: Client): Promise<Turn | undefined> {
  for await (const day of days(client)) {
    const ids = (await names(client, day)).filter(id => ID.test(id)).sort((a, b) => (keyOf(a) < keyOf(b) ? 1 : -1));
    for (const id of ids) {
      const path = `${day}/${id}`;
      const meta = await metaAt(client, path);
      const own = meta !== undefined && number(meta, 'uid', -1) === process.getuid?.() && number(meta, 'ppid') === 0;
      if (own) return turnFrom(meta, path);
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

async function turnAt(client: Client, path: string): Promise<Turn | undefined> {
  const meta = await metaAt(client, path);
  if (meta === undefined) return undefined;
  const isLink = VIEW.test(path) || !path.startsWith(`${CONVERSATIONS}/`);
  return turnFrom(meta, isLink ? text(meta, 'path') : path);
}

/** Undefined for what is not the meta.json of a turn. */
function turnFrom(meta: Fields, path: string): Turn | undefined {
  const [agent, session] = [text(meta, 'agent'), text(meta, 'session')];
  if (path === '' || !NAME.test(agent) || session === '') return undefined;
  return { path, agent, session, outcome: text(meta, 'outcome'), pid: text(meta, 'pid') };
}

async function metaAt(client: Client, turn: string): Promise<Fields | undefined> {
  try {
    const meta = await client.json({ method: 'GET', path: `${turn}/meta.json` });
    return isFields(meta) ? meta : undefined;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    if (thrown instanceof AosError && (thrown.kind === 'not_found' || thrown.kind === 'not_dir')) return undefined;
    throw thrown;
  }
}
