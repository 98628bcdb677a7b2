/**
 * Who may do what: every state of policy, every verb, every door. What is refused the plugin never hears of, and costs nothing;
 * what is done is paid for once.
 */

import test, { type ExecutionContext } from 'ava';
import { VERBS } from '../../core/capabilities/grant.ts';
import type { Verb } from '../../core/types.ts';
import { fuseTest } from '../support/need.ts';
import { BEFORE, type DoorOf, HOUR, PRICE, type State, TARGET, UID, World } from './table-world.ts';

/** A cell is what all doors say, or kernel/socket/shell where they differ. */
const TABLE = `
                      stat    list    read    write   create  remove  call
no grant              ENOENT  ENOENT  ENOENT  ENOENT  ENOENT  ENOENT  ENOENT
stat only             ok      EACCES  EACCES  EACCES  EACCES  EACCES  EACCES
list only             ok      ok      EACCES  EACCES  EACCES  EACCES  EACCES
read only             ok      EACCES  ok      EACCES  EACCES  EACCES  EACCES
write only            ok      EACCES  EACCES  ok      EACCES  EACCES  EACCES
create only           ok      EACCES  EACCES  EACCES  ok      EACCES  EACCES
remove only           ok      EACCES  EACCES  EACCES  EACCES  ok      EACCES
call only             ok      EACCES  EACCES  EACCES  EACCES  EACCES  ok
every verb            ok      ok      ok      ok      ok      ok      ok
under a ceiling       ok      ok      ok      EACCES  EACCES  EACCES  EACCES
not yet expired       ok      ok      ok      ok      ok      ok      ok
expired               ENOENT  ENOENT  ENOENT  ENOENT  ENOENT  ENOENT  ENOENT
revoked               ENOENT  ENOENT  ENOENT  ENOENT  ENOENT  ENOENT  ENOENT
revoked but list      ok      ok      EACCES  EACCES  EACCES  EACCES  EACCES
locked                ok      EACCES  EACCES  EACCES  EACCES  EACCES  EACCES
leased                ok      ok      ok      ok      ok      ok      ok
lease of another      ok      EACCES  EACCES  EACCES  EACCES  EACCES  EACCES
lease ended           ok      EACCES  EACCES  EACCES  EACCES  EACCES  EACCES
lease expired         ok      EACCES  EACCES  EACCES  EACCES  EACCES  EACCES
leased, list only     ok      ok      EACCES  EACCES  EACCES  EACCES  EACCES
over pid              ok      EDQUOT  EDQUOT  EDQUOT  EDQUOT  EDQUOT  EDQUOT
over session          ok      EDQUOT  EDQUOT  EDQUOT  EDQUOT  EDQUOT  EDQUOT
over uid              ok      EDQUOT  EDQUOT  EDQUOT  EDQUOT  EDQUOT  EDQUOT
over subtree          ok      EDQUOT  EDQUOT  EDQUOT  EDQUOT  EDQUOT  EDQUOT
over mount            ok      EDQUOT  EDQUOT  EDQUOT  EDQUOT  EDQUOT  EDQUOT
over lease            ok      EDQUOT  EDQUOT  EDQUOT  EDQUOT  EDQUOT  EDQUOT
over pid, with lease  ok      ok      ok      ok      ok      ok      ok
over run              ok      -/-/EDQUOT  -/-/EDQUOT  -/-/EDQUOT  -/-/EDQUOT  -/-/EDQUOT  -/-/EDQUOT
over global           ok      EDQUOT  EDQUOT  EDQUOT  EDQUOT  EDQUOT  EDQUOT
tripped before        ok      EDQUOT  EDQUOT  EDQUOT  EDQUOT  EDQUOT  EDQUOT
over velocity         ok      EAGAIN  EAGAIN  EAGAIN  EAGAIN  EAGAIN  EAGAIN
just within all       ok      ok      ok      ok      ok      ok      ok
`;

const ON = '/aos/mnt/x/**';
const only = (...verbs: Verb[]) => [{ verbs, path: ON }];
const one = { usd: PRICE / 1e6, per: '60s' };
const soon = (world: World) => new Date(world.clock + 60_000).toISOString();
/** What was paid before is all that happens. */
const spent = () => {};

const STATES: Readonly<Record<string, State | ((world: World) => State)>> = {
  'no grant': { grants: [{ verbs: ['all'], path: '/aos/memory/**' }] },
  'stat only': { grants: only('stat') },
  'list only': { grants: only('list') },
  'read only': { grants: only('read') },
  'write only': { grants: only('write') },
  'create only': { grants: only('create') },
  'remove only': { grants: only('remove') },
  'call only': { grants: only('call') },
  'every verb': { grants: only(...VERBS) },
  'under a ceiling': { ceilings: { [ON]: ['list', 'read'] } },
  'not yet expired': world => ({ grants: [{ verbs: ['all'], path: ON, until: soon(world) }], change: spent }),
  expired: world => ({
    grants: [{ verbs: ['all'], path: ON, until: soon(world) }],
    change: () => {
      world.clock += 60_000;
    },
  }),
  revoked: { change: world => world.configure({ grants: [] }) },
  'revoked but list': { change: world => world.configure({ grants: only('list') }) },
  locked: { locked: true },
  leased: { locked: true, prepare: world => world.lease() },
  'lease of another': { locked: true, prepare: world => world.lease({ uid: UID + 1 }) },
  'lease ended': { locked: true, prepare: world => world.lease(), change: world => world.endLeases() },
  'lease expired': {
    locked: true,
    prepare: world => world.lease(),
    change: world => {
      world.clock += HOUR / 2;
    },
  },
  'leased, list only': { locked: true, grants: only('list'), prepare: world => world.lease() },
  'over pid': { budgets: { pid: one }, change: spent },
  'over session': { budgets: { session: one }, change: spent },
  'over uid': { budgets: { uid: one }, change: spent },
  'over subtree': { budgets: { subtree: { '/aos/mnt/*/**': one } }, change: spent },
  'over mount': { limit: { usd: PRICE, per: 60_000 }, change: spent },
  'over lease': { locked: true, prepare: world => world.lease({ budget: PRICE }), change: spent },
  'over pid, with lease': {
    locked: true,
    budgets: { pid: one, session: one, uid: one },
    prepare: world => world.lease({ budget: 2 * PRICE }),
    change: spent,
  },
  'over run': { purse: PRICE, change: spent },
  'over global': { budgets: { global: one }, change: spent },
  'tripped before': {
    budgets: { global: one },
    change: world => {
      world.core.vfs.policy.breaker.trip({ at: world.clock, path: BEFORE, why: 'it was spent' });
      world.clock += HOUR;
    },
  },
  'over velocity': { budgets: { velocity: 1 }, change: spent },
  'just within all': {
    // A write is two operations that could cost, the opening and the commit at close; one of them does.
    budgets: { pid: one, session: one, uid: one, global: one, velocity: 2, subtree: { [ON]: one } },
    limit: { usd: PRICE, per: 60_000 },
  },
};

let world: World;
const steps: (() => Promise<void> | void)[] = [];

test.before('the doors are opened', async () => {
  world = await World.open({ teardown: step => void steps.unshift(step) });
});
test.after.always('the doors are closed', async () => {
  for (const step of steps.splice(0)) await step();
});

for (const { name, cells } of rowsOf(TABLE)) {
  test.serial(name, async t => {
    for (const [column, verb] of VERBS.entries()) {
      const [kernel = '', socket = kernel, shell = kernel] = (cells[column] ?? '').split('/');
      await cell(t, name, 'kernel', verb, kernel);
      await cell(t, name, 'socket', verb, socket);
      await cell(t, name, 'shell', verb, shell);
    }
  });
}

async function cell(t: ExecutionContext, row: string, door: DoorOf, verb: Verb, expected: string): Promise<void> {
  world.reset();
  const state = stateOf(row);
  const through = world.through(door, state);
  if (through === undefined || expected === '-') return;
  await world.enter(through, state);
  const before = world.core.ledger.total();
  world.heard.length = 0;
  const where = `${row}, ${verb}, ${door}`;
  t.is(await through(verb, TARGET[verb]), expected, where);
  t.is(world.heard.includes(verb), expected === 'ok', `${where}: the plugin heard ${world.heard.join(' ')}`);
  const cost = expected === 'ok' && verb !== 'stat' ? PRICE : 0;
  t.is(world.core.ledger.total() - before, cost, `${where}: paid`);
}

function stateOf(row: string): State {
  const state = STATES[row];
  if (state === undefined) throw new Error(`no state belongs to the row: ${row}`);
  return typeof state === 'function' ? state(world) : state;
}

/** What becomes of a file that was opened while it could be. */
const HELD: readonly (readonly [string, string])[] = [
  ['not yet expired', 'ok'],
  ['expired', 'ENOENT'],
  ['revoked', 'ENOENT'],
  ['revoked but list', 'EACCES'],
  ['leased', 'ok'],
  ['lease ended', 'EACCES'],
  ['lease expired', 'EACCES'],
];

for (const [row, expected] of HELD) {
  fuseTest(`a file that is open already, ${row}: ${expected}`, async t => {
    const kernel = world.kernel ?? (() => Promise.resolve('no mount'));
    world.reset();
    const { change, ...state } = stateOf(row);
    await world.enter(kernel, state);
    t.is(await kernel('hold', TARGET.read), 'ok');
    t.is(await kernel('again', TARGET.read), 'ok');
    change?.(world);
    t.is(await kernel('again', TARGET.read), expected);
  });
}

fuseTest('the cells of the kernel door are among those that were asked', t => {
  t.not(world.kernel, undefined);
});

test('each state has its row', t => {
  t.deepEqual(
    rowsOf(TABLE)
      .map(({ name }) => name)
      .sort(),
    Object.keys(STATES).sort(),
  );
});

function rowsOf(table: string): { name: string; cells: string[] }[] {
  return table
    .split('\n')
    .slice(2)
    .filter(line => line !== '')
    .map(line => ({ name: line.slice(0, 22).trim(), cells: line.slice(22).trim().split(/ +/) }));
}
