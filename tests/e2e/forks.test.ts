/** aos resume and aos fork through a real daemon: conversations that go on, and that branch. */

import { fuseTest } from '../support/need.ts';
import { ok, shareDaemon, turns } from './shared.ts';

const daemon = shareDaemon({
  mock: [
    { match: '^stay', delay_ms: 60_000, text: 'never said' },
    { match: '^fail', error: { status: 400, message: 'no' } },
    { text: 'Said.', usage: { input: 100, output: 10 } },
  ],
  config: 'backends: {mock: {pricing: {input_per_1m: 3, output_per_1m: 15}}}\n',
});

const sh = (script: string) => ok(daemon(), `cd "$AOS_MOUNT" || exit 1\n${script}`);
const spent = () => sh('cat system/spend | head -1; wc -l < system/audit.jsonl');

/** The prompts of a turn's chain, as its own files say. */
async function chainOf(conversation: string): Promise<string[]> {
  const list = await sh(
    `cd conversations; for turn in $(jq -r '.chain[].turn' ${conversation}/context.ctx) ${conversation}; do jq -r .prompt $turn/meta.json; done`,
  );
  return list.trim().split('\n');
}

fuseTest('resume goes on with the last conversation in its session, by path, by id and as last', async t => {
  await sh('aos invoke researcher one --wait && aos resume last two --wait');
  const id = (await turns(daemon())).at(-1)?.id ?? '';
  await sh(`aos resume ${id} three --wait`);
  const third = (await turns(daemon())).at(-1);
  await sh(`aos resume conversations/sessions/${third?.session}/${third?.id} four --wait`);
  const all = await turns(daemon());
  t.deepEqual(
    all.map(turn => turn.prompt),
    ['one', 'two', 'three', 'four'],
  );
  t.is(new Set(all.map(turn => turn.session)).size, 1);
  t.deepEqual(await chainOf(all.at(-1)?.path.slice('/aos/conversations/'.length) ?? ''), [
    'one',
    'two',
    'three',
    'four',
  ]);
});

fuseTest('fork branches into sessions of their own and says where they come from', async t => {
  const from = (await turns(daemon())).at(-1);
  const one = JSON.parse(await sh('aos fork last --prompt branch --wait --json'));
  t.like(one, { output: 'Said.', exit_code: 0 });
  t.deepEqual(Object.keys(one).slice(0, 5), ['pid', 'conversation', 'output', 'exit_code', 'cost_usd']);
  t.is(await sh(`jq -r .lineage.forked_from conversations/${one.conversation}/meta.json`), `${from?.path}\n`);
  const several = JSON.parse(await sh(`aos fork ${from?.path} --prompt twice -n 2 --json`)) as {
    pid: number;
    conversation: string;
  }[];
  t.is(several.length, 2);
  for (const { pid, conversation } of several) {
    await sh(`aos wait ${pid}`);
    t.deepEqual(await chainOf(conversation), ['one', 'two', 'three', 'four', 'twice']);
  }
  const text = await sh(`aos fork ${from?.path} --prompt shown -n 2 --wait`);
  t.regex(text, /^==> \d+ \S+ <==\nSaid\.\n\n==> \d+ \S+ <==\nSaid\.\n$/);
  t.is(new Set((await turns(daemon())).map(turn => turn.session)).size, 6);
});

fuseTest('--dry-run of both says what it would cost, and spends and starts nothing', async t => {
  const before = [await spent(), (await turns(daemon())).length];
  const one = await sh('aos resume last more --dry-run');
  t.regex(one, /^Estimated cost: \$0\.\d+ \(range: 0\.\d+-0\.\d+\)\n$/);
  const both = JSON.parse(await sh('aos fork last --prompt more -n 2 --dry-run --json'));
  t.deepEqual(Object.keys(both), ['estimate_usd', 'low_usd', 'high_usd', 'basis']);
  const { estimate_usd } = JSON.parse(await sh('aos fork last --prompt more --dry-run --json'));
  t.is(both.estimate_usd, 2 * estimate_usd);
  t.deepEqual([await spent(), (await turns(daemon())).length], before);
});

fuseTest('branches that together cost more than $0.10 have to be meant', async t => {
  const before = (await turns(daemon())).length;
  const refused = await daemon().sh('aos fork last --prompt more -n 100');
  t.like(refused, { code: 1, stdout: '' });
  t.regex(refused.stderr, /Estimated cost: \$0\.\d+ \(range: .*\), above \$0\.10.*--budget=USD.*--force/s);
  t.is((await turns(daemon())).length, before);
});

fuseTest('branches are made by files, too', async t => {
  const from = (await turns(daemon())).at(-1);
  const body = JSON.stringify({ prompt: 'by file', context: `${from?.path}/context.ctx`, branches: 3 });
  await sh(`echo '${body}' > agents/researcher/inbox; aos wait researcher`);
  const made = (await turns(daemon())).filter(turn => turn.prompt === 'by file');
  t.is(new Set(made.map(turn => turn.session)).size, 3);
  t.true(made.every(turn => turn.outcome === 'completed'));
});

fuseTest('what still goes, was answered, or is not there is refused with what to do', async t => {
  const answered = await daemon().sh('aos resume last < /dev/null');
  t.is(answered.code, 2);
  t.regex(answered.stderr, /the prompt is empty; say what to ask/);
  const pid = (await sh('aos invoke researcher stay | cut -d" " -f1')).trim();
  await sh(`until [ -e procs/${pid}/started ] && [ "$(cat procs/${pid}/status)" = running ]; do :; done`);
  const going = await daemon().sh('aos resume last more; aos fork last --prompt more');
  t.regex(going.stderr, /its run still goes; wait for it: aos wait \d+.*\n.*its run still goes/);
  await sh(`aos kill ${pid}; aos wait ${pid} || :`);
  t.is(await sh('aos resume last --wait'), 'Said.\n', 'what was stopped goes on without a prompt');
  for (const [typed, said] of [
    ['nowhere', /no such conversation.*aos ls/],
    ['000000-researcher-09999', /no such conversation/],
    ['2020/01/01/000000-researcher-00001', /no such conversation/],
    ['/aos/memory', /no such conversation/],
  ] as const) {
    const { code, stderr } = await daemon().sh(`aos resume ${typed} more`);
    t.is(code, 1, typed);
    t.regex(stderr, said, typed);
  }
  for (const bad of [
    '',
    '--prompt ""',
    '--prompt x -n 0',
    '--prompt x -n 1.5',
    '--prompt x -n 101',
    '--prompt x -n many',
  ]) {
    t.is((await daemon().sh(`aos fork last ${bad} < /dev/null`)).code, 2, bad);
  }
});

fuseTest('a failed branch gives its exit code, and the others are shown', async t => {
  const { code, stdout, stderr } = await daemon().sh('aos fork last --prompt fail -n 2 --wait');
  t.is(code, 98);
  t.is(stdout.match(/==>/g)?.length, 2);
  t.is(stderr.match(/ended: /g)?.length, 2);
});
