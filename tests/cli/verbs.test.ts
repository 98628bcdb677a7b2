import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { command, type Result } from '../support/command.ts';
import { tmpDir } from '../support/dirs.ts';
import { until } from '../support/until.ts';
import { environment, ROOT, startShell } from './aos.ts';

const ok = (stdout: string): Partial<Result> => ({ code: 0, stdout, stderr: '' });

test('cat, write, ls, stat and rm do what their namesakes do', async t => {
  const { aos, sh } = await startShell(t);
  t.like(await aos('cat', '/aos/probe/value'), ok('hello\n'));
  t.like(await aos('cat', '/aos/probe/value', '/aos/probe/value'), ok('hello\nhello\n'));
  t.like(await aos('write', '/aos/memory/a', '--value', 'one'), ok(''));
  t.like(await sh('echo two | aos write /aos/memory/a - --append'), ok(''));
  t.like(await aos('cat', '/aos/memory/a'), ok('one\ntwo\n'));
  t.like(await sh('printf x > f; aos write /aos/memory/.b --file f; aos cat /aos/memory/.b'), ok('x'));
  t.like(await aos('ls', '/aos/memory'), ok('a\n'));
  t.like(await aos('ls', '-a', '/aos/memory'), ok('.b\na\n'));
  t.regex((await aos('ls', '-l', '/aos/memory/a')).stdout, /^-rw-r--r-- +1 .* 8 .*\/aos\/memory\/a\n$/);
  t.regex((await aos('ls', '-l', '/aos/probe')).stdout, /^lrwxrwxrwx .* link -> value$/m);
  t.deepEqual(JSON.parse((await aos('ls', '/aos/memory', '--json')).stdout)[1], { name: 'a', kind: 'file' });
  t.regex((await aos('stat', '/aos/probe')).stdout, /^kind: +dir\nmode: +0\d{3} dr/m);
  t.like(JSON.parse((await aos('stat', '/aos/probe/value', '--json')).stdout), { kind: 'value', size: 6 });
  t.like(await aos('rm', '/aos/memory/a', '/aos/memory/.b'), ok(''));
  t.like(await aos('rm', '/aos/memory/a'), { code: 1, stdout: '' });
  t.like(await aos('rm', '-f', '/aos/memory/a'), ok(''));
  t.like(await aos('ls', '/aos/memory'), ok(''));
});

test('rm takes a directory only when it is told to', async t => {
  const { aos, subject } = await startShell(t);
  for (const path of ['/aos/memory/d', '/aos/memory/d/e']) await subject.client.ask({ method: 'MKCOL', path });
  await subject.client.ask({ method: 'PUT', path: '/aos/memory/d/e/f', body: Buffer.from('x') });
  t.is((await aos('rm', '/aos/memory/d')).code, 1);
  t.regex((await aos('rm', '-d', '/aos/memory/d')).stderr, /not empty/);
  t.is((await aos('rm', '-r', '/aos/memory/d')).code, 0);
  t.is((await aos('ls', '/aos/memory')).stdout, '');
});

test('paths below the mount and from within it mean the tree; others are refused', async t => {
  const { sh, aos } = await startShell(t);
  t.like(await sh('aos cat $AOS_MOUNT/probe/value'), ok('hello\n'));
  t.like(
    await sh('mkdir -p $AOS_MOUNT/probe && cd $AOS_MOUNT/probe && aos cat value ../probe/value'),
    ok('hello\nhello\n'),
  );
  t.like(await aos('cat', '/etc/passwd'), { code: 2, stdout: '' });
  for (const path of ['/aos/../etc', '/aos//x', `/aos/${'n'.repeat(256)}`, '/aos/a\nb']) {
    const { code, stderr } = await aos('cat', path);
    t.is(code, 2, path);
    t.is(stderr.trim().split('\n').length, 1, stderr);
  }
});

test('a mistake in the command line is one sentence with what was probably meant', async t => {
  const { aos } = await startShell(t);
  const said = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await aos(...args);
    t.is(code, 2, args.join(' '));
    t.is(stdout, '');
    t.is(stderr.trim().split('\n').length, 1, stderr);
    return stderr;
  };
  t.regex(await said('stauts'), /no verb "stauts".*aos status/);
  t.regex(await said('invokee', 'x'), /aos invoke/);
  t.regex(await said('qqqqqq'), /aos --help/);
  t.regex(await said('ps', '--jsno'), /--jsno.*--json/);
  t.regex(await said('invoke', 'echo', 'hi', '--budgt', '1'), /did you mean --budget/);
  t.regex(await said('invoke', 'echo', 'hi', '--budgt=0.50USD'), /'--budgt=0.50USD'; did you mean --budget\?/);
  t.notRegex(await said('ps', '--frobnicate=1'), /did you mean/);
  t.regex(await said('unlock', '/aos/probe', '-d', '1m', '--scope=process'), /session, uid or agent:NAME; .*aos run/);
  t.regex(await said('invoke', 'echo', 'hi', '--budget', 'lots'), /--budget takes a number/);
  t.regex(await said('cat'), /path/);
  t.regex(await said('ps', 'x'), /too many arguments/);
  t.regex(await said('kill', 'echo'), /not the number of a run/);
  t.regex(await said('cost', '--by', 'moon'), /agent or model/);
  t.regex(await said('explain', 'eat', '/aos'), /not one of stat/);
  const { stdout, stderr, code } = await aos('stauts', '--json');
  t.like(JSON.parse(stdout), { error: { kind: 'usage', errno: 'EINVAL', component: 'aos' } });
  t.like({ stderr, code }, { stderr: '', code: 2 });
});

test('every verb explains itself', async t => {
  const { aos } = await startShell(t);
  const { stdout, code } = await aos('--help');
  t.is(code, 0);
  const verbs = [...stdout.matchAll(/^ {2}aos ([a-z]+)/gm)].map(found => found[1] ?? '');
  t.true(verbs.length >= 17, verbs.join(' '));
  for (const verb of verbs) {
    const help = await aos(verb, '--help');
    t.like(help, { code: 0, stderr: '' }, verb);
    t.regex(help.stdout, new RegExp(`^Usage: aos ${verb}`));
    t.regex(help.stdout, /--json/);
    t.is((await aos('help', verb)).stdout.trim(), help.stdout.trim());
  }
  t.is((await aos()).code, 2);
  t.regex((await aos('--version')).stdout, /^\d+\.\d+\.\d+\n$/);
});

test('ps, status, cost, search, explain and why print for people and for scripts', async t => {
  const { aos } = await startShell(t);
  const parsed = async (...args: string[]): Promise<unknown> => JSON.parse((await aos(...args, '--json')).stdout);
  const ps = await parsed('ps');
  t.like(ps, [{ pid: 7, ppid: 0, agent: 'echo', model: 'mock/default', status: 'running', cost_usd: 0.25 }]);
  t.regex((await aos('ps')).stdout, /^ +7 +0 +echo +running +1:\d\d +0\.25 /m);
  const tree = (await aos('ps', '--tree')).stdout.split('\n').map(line => line.trim().split(/ +/)[0]);
  t.deepEqual(tree, ['PID', '7', '8', '9', '']);
  t.like(await parsed('status'), { pid: process.pid, driver: 'none', model: 'mock/default' });
  t.regex((await aos('status')).stdout, new RegExp(`running as ${process.pid}`));
  t.like(await aos('cost'), ok('$0.25\n'));
  t.regex((await aos('cost', '--by=agent')).stdout, /^echo +0\.25 +2$/m);
  t.like(await parsed('cost', '--by', 'model'), { total_usd: 0.25 });
  const budgets = (await aos('cost', '--budgets')).stdout.split('\n').map(line => line.split(/ {2,}/).join('|'));
  t.deepEqual(budgets.slice(1, 4), ['velocity|3|none|1 s|-', 'uid|$0.50|none|1 s|-', 'session|$0.50|$1.00|its life|-']);
  t.like(await aos('search', 'high', 'tide'), ok('/aos/memory/tides.md:3: the tide is high\n'));
  t.is((await aos('search', 'nothing')).code, 1);
  t.regex((await aos('explain', 'read', '/aos/probe/value')).stdout, /^read \/aos\/probe\/value: allowed\n/);
  t.regex((await aos('why', '-n', '1')).stdout, /EACCES {2}\/aos\/x: no grant\n {2}what to do: ask\n$/);
});

test('kill stops a run, and with --force at once', async t => {
  const { aos, fake } = await startShell(t);
  t.like(await aos('kill', '7'), ok(''));
  t.like(await aos('kill', '8', '9', '--force'), ok(''));
  t.deepEqual(fake.ctl, ['7 stop', '8 kill', '9 kill']);
  t.regex((await aos('kill', '99')).stderr, /there is no run 99; see `aos ps -a`/);
});

test('kill tells every run, whatever became of the ones before', async t => {
  const { aos, fake } = await startShell(t);
  const { code, stdout, stderr } = await aos('kill', '98', '7', '99', '8');
  t.like({ code, stdout }, { code: 1, stdout: '' });
  t.deepEqual(fake.ctl, ['7 stop', '8 stop']);
  t.regex(stderr, /^.*there is no run 98; .*\n.*there is no run 99; .*\n$/);
  const json = await aos('kill', '7', '99', '--json');
  t.like({ code: json.code, stderr: json.stderr }, { code: 1, stderr: '' });
  t.like(JSON.parse(json.stdout), [
    { pid: 7, sent: 'stop' },
    { pid: 99, error: { errno: 'ENOENT' } },
  ]);
});

test('what cannot be printed is told of the output, not of the daemon', async t => {
  const { sh } = await startShell(t);
  for (const verb of ['cat /aos/probe/value', 'status', 'status --json', 'cat /aos/probe/broken --json']) {
    const { code, stderr } = await sh(`aos ${verb} > /dev/full`);
    t.is(code, verb.includes('broken') ? 98 : 1, verb);
    t.is(stderr, 'aos: standard output: no space left on the device; make room where it goes to\n', verb);
  }
  t.is((await sh('aos cat /aos/probe/broken 2> /dev/full')).code, 98);
});

test('errors go to stderr with the exit code of their kind; with --json to stdout', async t => {
  const { aos } = await startShell(t);
  t.like(await aos('cat', '/aos/probe/broken'), { code: 98, stdout: '', stderr: 'probe: ünreachable service; wait\n' });
  const { stdout, stderr, code } = await aos('cat', '/aos/probe/broken', '--json');
  t.like(JSON.parse(stdout), {
    error: { kind: 'upstream', errno: 'EIO', component: 'probe', path: null, remedy: 'wait' },
  });
  t.like({ stderr, code }, { stderr: '', code: 98 });
});

test('without a daemon it says so and how to start one', async t => {
  const home = tmpDir(t);
  const env = environment(home, join(home, 'none.sock'));
  const aos = (...args: string[]): Promise<Result> => command(join(ROOT, 'bin/aos'), args, { env });
  for (const verb of [['ps'], ['status'], ['cat', '/aos'], ['umount'], ['invoke', 'a', 'b']]) {
    const { code, stderr } = await aos(...verb);
    t.is(code, 1, verb.join(' '));
    t.regex(stderr, /no daemon answers at .*none\.sock; start it with `aos-mount`/);
  }
  t.regex((await aos('logs')).stderr, /no daemon has written a log/);
});

test('a reader that goes away ends it without a word', async t => {
  const { sh, subject } = await startShell(t);
  await subject.client.ask({ method: 'PUT', path: '/aos/memory/big', body: Buffer.alloc(2_000_000, 'line\n') });
  t.like(await sh('aos cat /aos/memory/big | head -n 1'), ok('line\n'));
  t.like(await sh('aos cat /aos/memory/big --json | head -c 1'), ok('{'));
});

test('logs shows the file as it is and as it grows, with no daemon', async t => {
  const home = tmpDir(t);
  const env = environment(home, join(home, 'none.sock'));
  const sh = (script: string): Promise<Result> => command('/bin/sh', ['-c', script], { env, cwd: home });
  await sh('mkdir log');
  const record = { level: 'warn', time: '2026-11-23T01:00:00.000Z', component: 'store', msg: 'moved', to: 'x y' };
  writeFileSync(join(home, 'log/daemon.log'), `first\n${JSON.stringify(record)}\n`);
  t.like(await sh('aos logs'), ok('first\n2026-11-23T01:00:00.000Z warn  moved component=store to=x y\n'));
  t.like(await sh('aos logs -n 1 --json'), ok(`${JSON.stringify(record)}\n`));
  const grow =
    '(aos logs -f -n 0 > out & echo $! > pid); until [ -s pid ]; do :; done; i=0; until grep -q late out || [ $i = 500 ]; do echo late >> log/daemon.log; i=$((i+1)); sleep 0.02; done; kill $(cat pid); head -n 1 out';
  t.like(await sh(grow), { code: 0, stdout: 'late\n' });
});

test('cat -f follows a log until it ends', async t => {
  const { aos, subject } = await startShell(t);
  subject.log.append('a\n');
  const following = aos('cat', '-f', '/aos/probe/log');
  subject.log.append('b\n');
  await until('somebody follows', () => subject.log.size === 4);
  subject.log.end();
  t.like(await following, ok('a\nb\n'));
});
