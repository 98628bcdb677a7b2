import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { startDaemon } from '../support/daemon.ts';
import { needs } from '../support/need.ts';

test.serial("aos sh runs a script in the tree, and its exit code is the script's", async t => {
  const daemon = await startDaemon(t, { fuse: false });
  const ran = await daemon.aos('sh', '-c', 'ls agents; echo bad >&2; exit 7');
  t.is(ran.stdout, 'coder\nresearcher\nsummarizer\n');
  t.is(ran.stderr, 'bad\n');
  t.is(ran.code, 7);
  const typed = await daemon.sh("printf 'cd memory\\npwd\\n' | aos sh");
  t.is(typed.stdout, '/aos/memory\n');
  const json = await daemon.aos('sh', '--json', '-c', 'echo out; echo err >&2; false');
  t.deepEqual(JSON.parse(json.stdout), { stdout: 'out\n', stderr: 'err\n', exit_code: 1 });
  t.is(json.code, 1);
});

test.serial('it reads what is piped to it, where something reads, and waits for nothing otherwise', async t => {
  const daemon = await startDaemon(t, { fuse: false });
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) & 255));
  const file = join(daemon.home, 'bytes');
  writeFileSync(file, bytes);
  t.is(
    (await daemon.sh(`aos sh -c 'cat > /aos/memory/x' < ${file} && aos sh -c 'cat memory/x' | cmp - ${file}`)).code,
    0,
  );
  t.is((await daemon.sh("echo piped | aos sh -c 'tr a-z A-Z'")).stdout, 'PIPED\n');
  // Open for writing too, so that it never ends.
  const open = await daemon.sh("mkfifo pipe && aos sh -c 'echo here' <> pipe");
  t.is(open.stdout, 'here\n');
});

test.serial('a message written there is run', async t => {
  const daemon = await startDaemon(t, { fuse: false, mock: [{ match: '', text: 'done' }] });
  t.is((await daemon.aos('sh', '-c', 'echo "do it" > /aos/agents/researcher/inbox')).code, 0);
  await daemon.aos('wait', 'researcher');
  t.is(
    (await daemon.aos('sh', '-c', 'cat agents/researcher/output; ls conversations/by-agent/researcher | wc -l')).stdout,
    'done\n1\n',
  );
});

test.serial('as an agent it sees what the agent may see, and no more', async t => {
  const daemon = await startDaemon(t, { fuse: false });
  const mine = await daemon.aos('sh', '-c', 'ls /aos');
  const theirs = await daemon.aos(
    'sh',
    '--as',
    'researcher',
    '-c',
    'ls /aos; cat etc/agents.d/coder.yaml; echo $AOS_AGENT',
  );
  t.true(mine.stdout.includes('etc\n'));
  t.false(theirs.stdout.includes('etc\n'));
  t.regex(theirs.stdout, /researcher\n$/);
  t.is(theirs.stderr, 'cat: etc/agents.d/coder.yaml: No such file or directory\n');
  const nobody = await daemon.aos('sh', '--as', 'nobody', '-c', 'ls');
  t.is(nobody.code, 1);
  t.regex(nobody.stderr, /there is no such agent/);
});

test.serial('Ctrl-C ends it at once, and the daemon goes on', async t => {
  const daemon = await startDaemon(t, { fuse: false });
  const ended = await daemon.sh("timeout -s INT 1 aos sh -c 'echo begun; while true; do :; done'", {
    deadline: 10_000,
  });
  t.is(ended.stdout, 'begun\n');
  t.is((await daemon.aos('sh', '-c', 'echo on')).stdout, 'on\n');
});

needs(test.serial, { command: 'script' })('on a terminal it keeps directory and variables until exit', async t => {
  const daemon = await startDaemon(t, { fuse: false });
  const input = 'cd memory\nx=17\nfor i in 1 2; do\necho "$x $i"\ndone\npwd\nexit 3\n';
  const { code, stdout } = await daemon.sh('script -qec "aos sh" /dev/null', { input });
  t.regex(stdout, /17 1\r?\n17 2\r?\n/);
  t.regex(stdout, /aos:\/aos\$ /);
  t.regex(stdout, /^\/aos\/memory\r?$/m);
  t.is(code, 3);
});
