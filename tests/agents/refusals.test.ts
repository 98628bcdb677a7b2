/** What can be refused early is, with the reason that is true; and what has passed is forgotten. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { DEFAULT_CONFIG } from '../../core/config.ts';
import { AosError } from '../../core/errors.ts';
import { parsePath } from '../../core/path.ts';
import type { Caller } from '../../core/types.ts';
import { makeHome, record, type Script, saying, storeOf, type World, worldFor } from '../procs/world.ts';

const PRICED = { real: { mock: [{ text: 'x' }], pricing: { input_per_1m: 1, output_per_1m: 1 } } };
const WRITING = { read: false, write: true, append: false, truncate: true };

function world(t: ExecutionContext, script: Partial<Script> = {}, home?: string): Promise<World> {
  return worldFor(t, { model: saying('hello'), ...script }, home);
}

function define(w: World, name: string, text: string): void {
  writeFileSync(join(w.home, 'etc/agents.d', `${name}.yaml`), text, { mode: 0o600 });
}

async function refused(t: ExecutionContext, act: () => Promise<unknown>): Promise<AosError> {
  return t.throwsAsync(act, { instanceOf: AosError });
}

/** Writes to an inbox and closes it without a word to anybody: what `echo >` hears through the mount. */
async function echo(w: World, agent: string): Promise<void> {
  const caller: Caller = { ...w.as(5), door: 'kernel' };
  const handle = await w.core.aos.open(caller, parsePath(`/aos/agents/${agent}/inbox`), WRITING);
  try {
    await handle.write(0, Buffer.from('x'));
  } finally {
    handle.close();
  }
}

test('while the breaker is tripped a message is refused by write, unless its model costs nothing', async t => {
  const w = await world(t, PRICED);
  define(w, 'paid', 'tools: []\n');
  define(w, 'local', 'tools: []\nmodel: offline/search\n');
  define(w, 'unknown', 'tools: []\nmodel: offline/nothing\n');
  await echo(w, 'paid');
  w.core.vfs.policy.breaker.trip({ at: Date.now(), path: '/aos/models/mock/default', why: 'a test' });
  const error = await refused(t, () => echo(w, 'paid'));
  t.like(error, { kind: 'budget', errno: 'EDQUOT', exitCode: 64 });
  t.regex(error.message, /breaker of the global budget is tripped, and mock\/default costs money.*aos breaker reset/);
  await t.notThrowsAsync(() => echo(w, 'local'));
  t.is((await refused(t, () => echo(w, 'unknown'))).errno, 'ENOENT');

  // Whoever hears what a write says is told of the message as it is.
  const sent = await refused(t, () => w.send('paid', 'x'));
  t.is(sent.errno, 'EDQUOT');
  t.is(w.events.length, 0);
  const elsewhere = JSON.stringify({ prompt: 'x', override: { model: 'offline/search' } });
  t.is((await w.wait(await w.send('paid', elsewhere))).exit_code, 0);
  t.is((await w.wait(await w.send('local', 'x'))).exit_code, 0);
  const estimated = record(await w.call('/aos/agents/paid/inbox', { dry_run: true, prompt: 'x' }));
  t.is(typeof estimated.estimate_usd, 'number');

  w.core.policy.breaker.reset();
  await echo(w, 'paid');
  t.is((await w.wait(await w.send('paid', 'x'))).exit_code, 0);
});

for (const layer of ['uid', 'agent', 'subtree', 'global'] as const) {
  test(`while the ${layer} budget has not a token's worth left, a message is refused by write, as the gate would say`, async t => {
    // A token costs 5 micro-dollars, and an answer of 99 leaves 4.
    const only = { usd: 499, per: 60_000 };
    const { budgets: usual } = DEFAULT_CONFIG;
    const budgets = {
      uid: { ...usual, uid: only },
      agent: { ...usual, agents: { paid: only } },
      subtree: { ...usual, subtree: { '/aos/models/**': only } },
      global: { ...usual, global: only },
    }[layer];
    const mock = [{ text: 'x', usage: { input: 0, output: 100 } }];
    const pricing = { input_per_1m: 0, output_per_1m: 5 };
    const w = await world(t, { real: { mock, pricing, config: { budgets } } });
    define(w, 'paid', 'tools: []\nlimits: {max_cost_usd: 0.0005}\n');
    define(w, 'local', 'tools: []\nmodel: offline/search\n');
    const keyed = JSON.stringify({ prompt: 'x', idempotency_key: 'k' });
    const pid = await w.send('paid', keyed, w.as(5));
    t.is((await w.wait(pid)).cost_usd, 0.000495);
    t.is(await w.send('paid', keyed, w.as(5)), pid, 'what came before is not run again, and so not refused');
    const opened = await refused(t, () => echo(w, 'paid'));
    const sent = await refused(t, () => w.send('paid', 'x', w.as(5)));
    // The machine's own limit trips the breaker, which then says so first.
    for (const error of layer === 'global' ? [opened] : [opened, sent]) {
      t.like(error, { kind: 'budget', errno: 'EDQUOT', exitCode: 64 });
      const says = `the ${layer} budget of \\$0\\.000499 in 1m has \\$0\\.000495 spent.*one token.*${layer === 'global' ? 'aos breaker' : 'resets in'}`;
      t.regex(error.message, new RegExp(says));
    }
    await t.notThrowsAsync(() => echo(w, 'local'));
    if (layer !== 'uid') return;
    // It is this user's money that is spent.
    t.is((await w.wait(await w.send('paid', 'x', w.as(6)))).cost_usd, 0.000495);
  });
}

test('a budget of nothing is refused where the model costs something, and enough where it does not', async t => {
  const w = await world(t, PRICED);
  define(w, 'thrifty', 'tools: []\nlimits: {max_cost_usd: 0}\n');
  define(w, 'quick', 'tools: []\n');
  const nothing = { prompt: 'x', override: { max_cost_usd: 0 } };
  for (const act of [
    () => w.send('quick', JSON.stringify(nothing)),
    () => w.send('thrifty', 'x'),
    () => w.call('/aos/agents/quick/inbox', { dry_run: true, ...nothing }),
    () => w.call('/aos/agents/thrifty/inbox', { dry_run: true, prompt: 'x' }),
  ]) {
    const error = await refused(t, act);
    t.like(error, { errno: 'EINVAL', exitCode: 2 });
    t.regex(error.message, /a budget of \$0\.00 pays for no call on mock\/default, which costs money; give a budget/);
  }
  t.is(w.events.length, 0);
  const free = { ...nothing, override: { ...nothing.override, model: 'offline/search' } };
  t.like(await w.wait(await w.send('quick', JSON.stringify(free))), { exit_code: 0, cost_usd: 0 });
  const more = JSON.stringify({ prompt: 'x', override: { max_cost_usd: 0.1 } });
  t.is((await w.wait(await w.send('thrifty', more))).exit_code, 0, "a human's word replaces the limit");
});

test('a full disk is said to be one, and once there is room the agent is as it was', async t => {
  const home = makeHome();
  const w = await world(t, {}, home);
  define(w, 'poet', 'persona: You rhyme.\n');
  const { keys } = await storeOf(w);
  const { set } = keys;
  keys.set = () => {
    throw new AosError('no_space', { component: 'store', why: 'there is no space left', remedy: 'free some' });
  };
  const error = await refused(t, () => w.send('poet', 'Moon?'));
  t.like(error, { errno: 'ENOSPC', exitCode: 1, component: 'store' });
  t.is(await w.read('/aos/agents/poet/status'), 'idle\n');
  await refused(t, () => w.read('/aos/agents/poet/.error'));

  keys.set = set;
  t.is((await w.wait(await w.send('poet', 'Moon?'))).output, 'hello');
  // What could not be kept then is kept now.
  define(w, 'poet', 'persona: You rhyme.\nnonsense: true\n');
  w.crash();
  const again = await world(t, {}, home);
  t.is((await again.wait(await again.send('poet', 'Moon?'))).output, 'hello');
  t.regex(await again.read('/aos/agents/poet/.error'), /nonsense/);
});
