/** Whatever was acknowledged outlives the daemon, however it ends. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fuseTest } from '../support/need.ts';
import { holds, ok, over, shareDaemon, turns } from './shared.ts';

const daemon = shareDaemon({
  config: { backends: { mock: { pricing: { input_per_1m: 1, output_per_1m: 10 } } } },
  mock: [
    { match: '^hold', delay_ms: 60_000, text: 'never said' },
    { match: '^begin', text: 'The first words.', tool_calls: [{ name: 'list', args: { path: '/aos/memory' } }] },
    { match: '^begin', delay_ms: 60_000, text: 'never said' },
    { match: '^dear', text: 'word '.repeat(50), usage: { input: 1000, output: 500 } },
    { text: 'done' },
  ],
});

/** Kills the daemon and starts it again, as often as a test likes. */
async function crash(): Promise<void> {
  await daemon().kill('SIGKILL');
  await daemon().start();
}

fuseTest('a message is run if the daemon is killed after its close, whenever that is', async t => {
  t.timeout(60_000);
  const prompts: string[] = [];
  for (let i = 0; i < 10; i++) {
    // Odd ones wait behind a run, even ones may have begun. The shell kills some loops after the close returned.
    const blocked = i % 2 === 1;
    if (blocked) await ok(daemon(), `echo "hold ${i}" > "$AOS_MOUNT"/agents/researcher/inbox`);
    const prompt = `message ${i}`;
    await ok(
      daemon(),
      `echo "${prompt}" > "$AOS_MOUNT"/agents/researcher/inbox || exit 1
       n=0; while [ $n -lt ${i * 700} ]; do n=$((n+1)); done; kill -9 ${daemon().pid}`,
    );
    await crash();
    prompts.push(prompt);
  }
  const found = await over(daemon(), prompts);
  t.deepEqual(
    found.map(turn => turn.prompt),
    prompts,
    'each is recorded once',
  );
  for (const [i, turn] of found.entries()) {
    if (i % 2 === 1) t.is(turn.outcome, 'completed', turn.prompt);
    else t.true(['completed', 'interrupted'].includes(turn.outcome), `${turn.prompt}: ${turn.outcome}`);
  }
});

fuseTest('messages that wait are run after a restart, once each and in order', async t => {
  const prompts = ['first', 'second', 'third', 'fourth', 'fifth'].map(word => `${word} in the queue`);
  await ok(
    daemon(),
    `cd "$AOS_MOUNT"/agents/summarizer; echo hold queue > inbox
     ${prompts.map(prompt => `echo "${prompt}" > inbox`).join(' && ')}; cat inbox.depth >&2; test "$(cat inbox.depth)" = 5`,
  );
  await crash();
  await over(daemon(), prompts);
  await ok(daemon(), 'aos wait summarizer');
  await crash();
  const found = (await turns(daemon())).filter(turn => prompts.includes(turn.prompt));
  t.deepEqual(
    found.map(turn => [turn.prompt, turn.outcome]),
    prompts.map(prompt => [prompt, 'completed']),
  );
  const times = found.map(turn => turn.started);
  t.deepEqual(times, times.toSorted());
});

fuseTest('a killed run is interrupted, and its transcript goes as far as it got', async t => {
  await ok(daemon(), 'echo begin > "$AOS_MOUNT"/agents/coder/inbox');
  await holds(daemon(), 'agents/coder/current/transcript.jsonl', /"tool_result"/);
  t.is((await ok(daemon(), 'cat "$AOS_MOUNT"/agents/coder/status')).trim(), 'running');
  await crash();
  t.is((await ok(daemon(), 'cat "$AOS_MOUNT"/agents/coder/status')).trim(), 'idle');

  const [turn] = await over(daemon(), ['begin']);
  t.is(turn?.outcome, 'interrupted');
  const lines = (await ok(daemon(), 'cat "$AOS_MOUNT"/agents/coder/current/transcript.jsonl')).trimEnd().split('\n');
  const events = lines.map(line => JSON.parse(line));
  t.is(
    events
      .filter(event => event.type === 'text')
      .map(event => event.text)
      .join(''),
    'The first words.',
  );
  const types = events.map(event => event.type);
  t.true(types.includes('tool_call') && types.includes('tool_result'));
  t.deepEqual([types.at(-1), events.at(-1).code], ['exit', 130]);
  const markdown = await ok(daemon(), 'cat "$AOS_MOUNT"/agents/coder/current/transcript.md');
  t.regex(markdown, /The first words\./);
  t.regex(markdown, /interrupted/);
  t.is(await ok(daemon(), 'ls "$AOS_MOUNT"/conversations/active'), '');

  const waited = await daemon().aos('wait', String(turn?.pid));
  t.is(waited.code, 130);
  t.regex(waited.stdout, /The first words\./);
});

fuseTest('money that was spent stays spent', async t => {
  const spend = async () => {
    const [file, verb] = (await ok(daemon(), 'cat "$AOS_MOUNT"/system/spend; aos cost --json | jq .total_usd')).split(
      '\n',
    );
    t.is(Number(file), Number(verb));
    return Number(file);
  };
  const seen = [await spend()];
  await ok(daemon(), 'aos invoke researcher dear --wait >/dev/null');
  seen.push(await spend());
  t.true((seen.at(-1) ?? 0) > (seen.at(-2) ?? 0), 'a paid run costs something');
  await crash();
  seen.push(await spend());
  // In the middle of a paid run, with a reservation open.
  await ok(daemon(), 'echo begin dearly > "$AOS_MOUNT"/agents/researcher/inbox');
  await holds(daemon(), 'agents/researcher/current/transcript.jsonl', /"tool_result"/);
  seen.push(await spend());
  await crash();
  seen.push(await spend());
  t.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  );
  const [turn] = await over(daemon(), ['begin dearly']);
  t.true((turn?.cost_usd ?? 0) > 0, 'what the interrupted run cost is in its record');
});

fuseTest('an idempotency key holds over a restart', async t => {
  const send = async () => {
    const sent = await ok(daemon(), 'aos invoke researcher "only once" --idempotency-key night-7 --json');
    return JSON.parse(sent);
  };
  const first = await send();
  await ok(daemon(), 'aos wait researcher');
  await crash();
  t.deepEqual(await send(), first);
  await ok(
    daemon(),
    `echo '{"prompt":"only once","idempotency_key":"night-7"}' > "$AOS_MOUNT"/agents/researcher/inbox; aos wait researcher`,
  );
  t.is((await turns(daemon())).filter(turn => turn.prompt === 'only once').length, 1);
});

fuseTest('the audit log is whole after all that', t => {
  const text = readFileSync(join(daemon().home, 'audit/audit.jsonl'), 'utf8');
  t.true(text.endsWith('\n'));
  let previous: unknown = '0'.repeat(64);
  for (const line of text.trimEnd().split('\n')) {
    const record = JSON.parse(line);
    t.is(record.previous, previous);
    previous = record.hash;
  }
});
