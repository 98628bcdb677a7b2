/** A day with the mount: the tools that people have, on the files that are there. */

import test from 'ava';
import { fuseTest, needs } from '../support/need.ts';
import { holds, ok, over, shareDaemon } from './shared.ts';

const daemon = shareDaemon({
  mock: [
    { match: '^stay', delay_ms: 60_000, text: 'never said' },
    { match: '^look', text: 'Looking. ', tool_calls: [{ name: 'list', args: { path: '/aos/memory' } }] },
    { text: 'Tides follow the moon.' },
  ],
});

const sh = (script: string) => ok(daemon(), `cd "$AOS_MOUNT" || exit 1\n${script}`);

/** A test for programs that a machine may lack. */
const withTools = (...command: string[]) => needs(test.serial, { fuse: true, command });

fuseTest('a message, its answer, and where it is kept', async t => {
  await sh('echo "What about tides?" > agents/researcher/inbox; aos wait researcher');
  t.is(await sh('cat agents/researcher/status agents/researcher/output'), 'idle\nTides follow the moon.\n');
  t.is(await sh('cat agents/researcher/stream'), 'Tides follow the moon.\n');
  t.regex(await sh('cat agents/researcher/cost agents/researcher/session'), /^0(\.00)?\nresearcher-\S+\n$/);
  const turn = (await sh('cd -P agents/researcher/current && pwd -P')).trim();
  t.regex(turn, /\/conversations\/\d{4}\/\d\d\/\d\d\/[^/]+$/);
  t.is(
    await sh(`cd "${turn}"; jq -r .prompt meta.json; jq -s -r '.[-1].type' transcript.jsonl`),
    'What about tides?\nexit\n',
  );
  t.regex(await sh('cat conversations/by-agent/researcher/*/transcript.md'), /Tides follow the moon/);
  const session = (await sh('cat agents/researcher/session')).trim();
  t.is(await sh(`ls conversations/sessions/${session} | wc -l`), '1\n');
});

fuseTest('what is searched is found, once', async t => {
  const turn = (await sh('cd -P agents/researcher/current && pwd -P')).trim();
  const named = [`${turn}/summary.md`, `${turn}/transcript.md`].map(path => path.replace(daemon().mount, '.'));
  t.is(await sh('grep -rl "follow the moon" . --include="*.md" 2>/dev/null | sort'), `${named.join('\n')}\n`);
  t.is(await sh(`find conversations -name summary.md -exec cat {} \\;`), 'Tides follow the moon.\n');
  t.is(
    await sh('find conversations -name "*.json*" -type f -print0 | xargs -0 -n1 -P4 jq -c . > /dev/null && echo ok'),
    'ok\n',
  );
  t.is(await sh(`wc -c < "${turn}/transcript.md"`), await sh(`cat "${turn}/transcript.md" | wc -c`));
  t.regex(await sh('find . -maxdepth 1 -name README.md -size +0 -exec head -1 {} +'), /^# \/aos\n$/);
});

withTools('rg', 'jq')('ripgrep finds conversations and memory, and nothing that changes by itself', async t => {
  await sh('echo "the moon is far" > memory/moon.md');
  const found = (await sh('rg -l "moon" . | sort')).trimEnd().split('\n');
  t.true(found.includes('./memory/moon.md'));
  t.true(found.some(path => path.endsWith('/transcript.md')));
  t.true(found.every(path => path.startsWith('./memory/') || path.startsWith('./conversations/')));
  t.regex(await sh('cd conversations; rg -l moon .'), /transcript\.md/);
});

fuseTest('sizes, space and times are those of the files', async t => {
  await sh('head -c 100000 /dev/zero > memory/big');
  t.is(await sh('stat -c %s memory/big; du --apparent-size -B1 memory/big | cut -f1'), '100000\n100000\n');
  const [used, size] = (await sh('du -B1 memory/big | cut -f1; df -B1 --output=size memory | tail -1'))
    .split('\n')
    .map(Number);
  t.true((used ?? 0) >= 100_000);
  t.true((size ?? 0) > 100_000, 'memory has the size of its disk');
  await sh('truncate -s 10 memory/big; touch -d "2001-02-03 04:05:06 UTC" memory/big; chmod 640 memory/big');
  t.is(await sh('stat -c "%s %Y %a" memory/big'), '10 981173106 640\n');
  await sh('truncate -s 5000 memory/big; rm memory/big');
});

fuseTest('memory is an ordinary directory', async t => {
  await sh(`mkdir -p memory/a/b && cd memory/a && echo one > f && echo two >> f && cp f g && mv g b/g && ln f hard && ln -s b/g soft
            sed -i s/one/ONE/ f && mv f "b/a name with spaces é" && mkdir empty && rmdir empty`);
  t.is(
    await sh('cd memory/a; cat hard soft "b/a name with spaces é"; stat -c %h hard; readlink soft'),
    'one\ntwo\none\ntwo\nONE\ntwo\n1\nb/g\n',
  );
  t.is(await sh('cd memory/a; find . | sort'), '.\n./b\n./b/a name with spaces é\n./b/g\n./hard\n./soft\n');
  await sh('cp -a memory/a memory/copy && diff -r memory/a memory/copy && rm -r memory/a memory/copy');
  t.is(await sh('ls memory | grep -c "^a$\\|copy" || true'), '0\n');
});

withTools('vim.tiny')('vim edits a file in memory', async t => {
  await sh(
    `printf 'first\\nsecond\\n' > memory/draft; vim.tiny -u NONE -es -c '%s/first/changed/' -c wq memory/draft < /dev/null`,
  );
  t.is(await sh('cat memory/draft; ls -A memory | grep draft'), 'changed\nsecond\ndraft\n');
});

withTools('git')('conversations are a git repository for whoever wants one', async t => {
  const git = 'git -c user.name=a -c user.email=a@b -c core.fsync=none';
  await sh(`cd conversations && git init -q && git add . && ${git} commit -qm first`);
  t.is(await sh('cd conversations; git status --porcelain; git log --oneline | wc -l'), '1\n');
  t.regex(await sh('cd conversations; git ls-files'), /transcript\.jsonl/);
  await sh('echo "and the sea?" > agents/researcher/inbox; aos wait researcher');
  t.regex(await sh('cd conversations; git status --porcelain'), /^\?\? \d{4}\//m);
  await sh(`cd conversations && git add . && ${git} commit -qm second && git fsck 2>/dev/null && rm -rf .git`);
});

withTools('rsync')('what is copied away is what is on the disk', async t => {
  const away = '"$AOS_HOME"/away';
  await sh(
    `rsync -a --exclude=by-agent --exclude=by-tag --exclude=sessions --exclude=active conversations/ ${away}/ && diff -r ${away} "$AOS_HOME"/conversations`,
  );
  await sh(
    `tar -C conversations -cf - $(ls conversations | grep '^20') | tar -C ${away} -xf - && diff -r ${away} "$AOS_HOME"/conversations`,
  );
  await sh(`cp -a conversations/20* ${away}/ && diff -r ${away} "$AOS_HOME"/conversations; rm -r ${away}`);
  t.pass();
});

fuseTest('finished turns stay as they are', async t => {
  const { code, stderr } = await daemon().sh(
    'cd "$AOS_MOUNT"/agents/researcher/current; echo x >> transcript.md; rm -f meta.json; mv summary.md other; touch new; exit 1',
  );
  t.is(code, 1);
  t.is(stderr.trimEnd().split('\n').length, 4, stderr);
});

fuseTest('a new definition is an agent at once', async t => {
  await sh(`printf 'persona: You are brief.\\ntools: []\\n' > etc/agents.d/helper.yaml
            echo hello > agents/helper/inbox && aos wait helper`);
  t.is(
    await sh('cat agents/helper/output; ls agents; grep -c "You are brief" agents/helper/config.yaml'),
    'Tides follow the moon.\ncoder\nhelper\nresearcher\nsummarizer\n1\n',
  );
  t.regex(await sh('ls man; cat man/helper'), /helper/);
  await sh('rm etc/agents.d/helper.yaml');
  t.is(await sh('ls agents | grep -c helper || true'), '0\n');
});

fuseTest('a session carries what was said, and a new one does not', async t => {
  const tokens = async (prompt: string) => {
    await sh(`echo "${prompt}" > agents/summarizer/inbox; aos wait summarizer`);
    const [turn] = await over(daemon(), [prompt]);
    return turn?.tokens.input ?? 0;
  };
  const long = `a long story ${'and so on '.repeat(800)}`.trim();
  await tokens(long);
  const first = (await sh('cat agents/summarizer/session')).trim();
  const carried = await tokens('what was it about');
  await sh('echo new > agents/summarizer/session');
  const second = (await sh('cat agents/summarizer/session')).trim();
  t.not(second, first);
  const fresh = await tokens('what was what about');
  t.true(carried - fresh > long.length / 5, `${carried} tokens with the story, ${fresh} without`);
  await sh(`echo ${first} > agents/summarizer/session`);
  t.true((await tokens('and again')) > carried);
  t.is(await sh(`ls conversations/sessions/${first} conversations/sessions/${second} | grep -c summarizer-0`), '4\n');
});

fuseTest('ctl pauses, resumes, stops and kills', async t => {
  await sh('echo "stay a while" > agents/coder/inbox');
  await holds(daemon(), 'agents/coder/status', 'running');
  const pid = JSON.parse(await sh('aos ps --json')).at(-1).pid;
  await sh(`echo pause > procs/${pid}/ctl`);
  t.is(await sh(`cat procs/${pid}/status agents/coder/status`), 'paused\npaused\n');
  await sh(`echo resume > procs/${pid}/ctl`);
  t.is(await sh(`cat procs/${pid}/status agents/coder/status`), 'running\nrunning\n');
  await sh(`echo stop > procs/${pid}/ctl; aos wait coder`);
  t.like(JSON.parse(await sh(`cat procs/${pid}/exit`)), { code: 130, reason: 'stopped' });
  await sh('echo "stay again" > agents/coder/inbox; aos kill $(aos ps --json | jq ".[-1].pid"); aos wait coder');
  const [turn] = await over(daemon(), ['stay again']);
  t.true(['killed', 'stopped'].includes(turn?.outcome ?? ''));
  t.is(await sh('cat agents/coder/status'), 'idle\n');
});

fuseTest('what scripts rely on has its shape', async t => {
  const json = async (script: string) => JSON.parse(await sh(script));
  const shape = (value: object) => Object.fromEntries(Object.entries(value).map(([key, of]) => [key, typeof of]));
  t.like(shape(await json('aos status --json')), {
    pid: 'number',
    version: 'string',
    home: 'string',
    mount: 'string',
    driver: 'string',
    uptime_sec: 'number',
    model: 'string',
    runs: 'number',
  });
  t.like(shape(await json('aos invoke coder hello --json')), { pid: 'number', conversation: 'string' });
  t.like(shape(await json('aos invoke coder hello --wait --json')), {
    pid: 'number',
    conversation: 'string',
    output: 'string',
    exit_code: 'number',
    cost_usd: 'number',
  });
  const row = {
    pid: 'number',
    ppid: 'number',
    agent: 'string',
    model: 'string',
    status: 'string',
    started: 'string',
    cost_usd: 'number',
    conversation: 'string',
  };
  for (const run of await json('aos ps -a --json')) t.like(shape(run), row);
  t.like(shape(await json('aos invoke coder hello --dry-run --json')), {
    estimate_usd: 'number',
    low_usd: 'number',
    high_usd: 'number',
    basis: 'string',
  });
  const cost = await json('aos cost --by model --json');
  t.is(typeof cost.total_usd, 'number');
  t.true(Array.isArray(cost.by));
  const failed = await daemon().aos('cat', '/aos/agents/nobody/status', '--json');
  t.is(failed.code, 1);
  t.deepEqual(Object.keys(JSON.parse(failed.stdout).error).sort(), [
    'component',
    'errno',
    'kind',
    'path',
    'remedy',
    'why',
  ]);
});

fuseTest('an idempotency key runs a message once', async t => {
  const send = `echo '{"prompt":"just once","idempotency_key":"k1"}' > agents/coder/inbox`;
  await sh(`${send}; ${send}; aos invoke coder "just once" --idempotency-key k1; aos wait coder; ${send}`);
  t.is((await over(daemon(), ['just once'])).length, 1);
});

fuseTest('aos does without the mount what the mount does', async t => {
  const aos = (command: string) => ok(daemon(), `cd /; ${command}`);
  t.is(await aos('aos ls /aos'), await sh('ls'));
  t.is(await aos('aos cat /aos/README.md'), await sh('cat README.md'));
  t.is(
    await aos('aos cat /aos/agents/researcher/current/transcript.md'),
    await sh('cat agents/researcher/current/transcript.md'),
  );
  await aos('aos write /aos/memory/note --value "by the socket"; echo more | aos write /aos/memory/note --append -');
  t.is(await sh('cat memory/note'), 'by the socket\nmore\n');
  t.regex(await aos('aos ls -l /aos/memory'), /^-rw\S+ +1 +\d+ +\d+ +19 .* note$/m);
  t.regex(await aos('aos stat /aos/memory/note'), /kind: +file[\s\S]*size: +19/);
  t.is(JSON.parse(await aos('aos stat /aos/memory/note --json')).size, 19);
  t.is(await aos(`aos cat "$AOS_MOUNT/memory/note"`), 'by the socket\nmore\n');
  await aos('aos rm /aos/memory/note');
  t.is((await daemon().aos('cat', '/aos/memory/note')).code, 1);
  t.is(await sh('ls memory | grep -c "^note$" || true'), '0\n');
  await aos('aos write /aos/agents/coder/inbox --value "by the socket"; aos wait coder');
  t.is((await over(daemon(), ['by the socket'])).length, 1);
  for (const script of ['echo x > agents/coder/status', 'cat agents/coder/inbox', 'ls agents/nobody', 'rm README.md']) {
    t.not((await daemon().sh(`cd "$AOS_MOUNT" && ${script}`)).code, 0, script);
  }
});
