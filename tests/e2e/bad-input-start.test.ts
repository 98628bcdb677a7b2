/** What keeps a daemon from starting: each says so in one sentence, leaves nothing behind, and disturbs no other daemon. */

import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Daemon, prepareDaemon, startDaemon } from '../support/daemon.ts';
import { mountsBelow } from '../support/dirs.ts';
import { needs } from '../support/need.ts';
import { health, isSentence, isShape, oneDaemon, type Refusal } from './bad-input.ts';

const fuseTest = needs(test.serial, { fuse: true });
/** Runs all the while. */
const other = oneDaemon();

/** `aos-mount` with this line after it, for people and for scripts. */
async function failsToStart(t: ExecutionContext, daemon: Daemon, line: string, want: Refusal): Promise<void> {
  const text = await daemon.sh(`aos-mount ${line}`);
  t.is(text.code, want.code, `${line}: ${text.stdout}${text.stderr}`);
  t.is(text.stdout, '');
  isSentence(t, text.stderr, want, line);
  const json = await daemon.sh(`aos-mount ${line} --json`);
  t.is(json.code, want.code, line);
  t.is(json.stderr, '');
  isShape(t, json.stdout, want, line);
  t.false(existsSync(daemon.socket), 'no socket is left behind');
  t.deepEqual(mountsBelow(dirname(daemon.home)), [], 'no mount is left behind');
  t.is(await health(other()), 'ok', 'the other daemon goes on');
}

const CONFIGS: readonly (readonly [string, RegExp, RegExp?])[] = [
  ['', /it is empty/, /write at least one key/],
  ['# only a comment\n', /it is empty/, /write at least one key/],
  ['- a\n- list\n', /it holds a list, not keys and values/, /docs\/configuration\.md/],
  ['just words', /it holds a string/, /docs\/configuration\.md/],
  ['model: offline/search\nbudgetz: 1\n', /line 2: unknown key "budgetz"/],
  ['budgets:\n  pid:\n    usd: 1\n    pre: 60s\n', /line 4: unknown key "budgets\.pid\.pre"/],
  ['# money\nbudgets:\n  pid:\n    usd: -1\n', /line 4: "budgets\.pid\.usd" is -1: not an amount/],
  ['budgets:\n  pid:\n    usd: .nan\n', /line 3: "budgets\.pid\.usd" is/],
  ['budgets:\n  velocity: fast\n', /line 2: "budgets\.velocity" is "fast"/],
  ['budgets:\n  uid:\n    usd: 1\n    per: soon\n', /line 4: "budgets\.uid\.per" is "soon": not a duration/],
  ['grants:\n  alice: []\n', /line 2: "grants\.alice"/],
  ['grants:\n  "0":\n    - verbs: [fly]\n      path: /aos/**\n', /line 3: "grants\.0\.0\.verbs\.0" is "fly"/],
  ['model: 12\n', /line 1: "model" is 12/],
  ['model: no/such\n', /"model" is "no\/such": there is no model/],
  ['model: [\n', /line 2: /, /correct the line/],
];

test.serial('a configuration that is not one is refused with its key, value and line', async t => {
  for (const [config, why, remedy = /correct it, or remove the key/] of CONFIGS) {
    const daemon = prepareDaemon(t, { config, fuse: false });
    const { code, stderr } = await daemon.sh('aos-mount --no-fuse');
    t.is(code, 2, `${config}: ${stderr}`);
    isSentence(t, stderr, { why, remedy }, config);
    t.true(stderr.startsWith(`config: ${daemon.env.AOS_CONFIG}: `), stderr);
    t.false(existsSync(daemon.socket));
  }
  const daemon = prepareDaemon(t, { config: 'budgetz: 1\n', fuse: false });
  const want = { code: 2, errno: 'EINVAL', why: /unknown key "budgetz"/, remedy: /correct it/ };
  await failsToStart(t, daemon, '--no-fuse', want);
});

test.serial('a configuration, a home, a socket or a file of answers that cannot be used', async t => {
  const daemon = prepareDaemon(t, { fuse: false });
  const base = dirname(daemon.home);
  writeFileSync(join(base, 'file'), 'mine');
  symlinkSync(join(base, 'nowhere'), join(base, 'dangling'));
  const long = join(base, 'x'.repeat(120));
  const lines: readonly (readonly [string, string, RegExp, RegExp])[] = [
    [`AOS_CONFIG=${base}/none.yaml`, 'ENOENT', /none\.yaml: no such file/, /correct AOS_CONFIG/],
    [`AOS_CONFIG=${base}`, 'EISDIR', /is a directory/, /correct AOS_CONFIG/],
    [`AOS_HOME=${base}/file AOS_SOCKET=`, 'EEXIST', /file/, /set AOS_HOME/],
    [`AOS_HOME=${base}/file/in AOS_SOCKET=`, 'ENOTDIR', /not a directory/, /set AOS_HOME/],
    [`AOS_HOME=${base}/dangling/in AOS_SOCKET=`, 'EEXIST', /dangling/, /set AOS_HOME/],
    ['AOS_HOME=/proc/none AOS_SOCKET=', 'ENOENT', /\/proc\/none/, /set AOS_HOME/],
    [`AOS_SOCKET=${base}/file`, 'EEXIST', /not a socket/, /AOS_SOCKET/],
    [`AOS_SOCKET=${long}`, 'ENAMETOOLONG', /\d+ bytes and the system takes 107/, /AOS_SOCKET to a shorter path/],
  ];
  for (const [vars, errno, why, remedy] of lines) {
    const text = await daemon.sh(`env ${vars} aos-mount --no-fuse`);
    t.not(text.code, 0, vars);
    isSentence(t, text.stderr, { why, remedy }, vars);
    const json = await daemon.sh(`env ${vars} aos-mount --no-fuse --json`);
    t.is(json.code, text.code, vars);
    isShape(t, json.stdout, { errno, why, remedy }, vars);
  }
  t.is(readFileSync(join(base, 'file'), 'utf8'), 'mine');
  const client = await daemon.sh(`AOS_SOCKET=${long} aos ps`);
  t.is(client.code, 2);
  isSentence(t, client.stderr, { why: /too long for a socket/, remedy: /107 bytes/ }, 'aos ps');
  const missing = { code: 1, errno: 'ENOENT', why: /answers\.jsonl: no such file/, remedy: /canned answers/ };
  await failsToStart(t, daemon, `--no-fuse --mock ${base}/answers.jsonl`, missing);
  const driver = { code: 2, errno: 'EINVAL', why: /--driver takes kernel or fuse-native/, remedy: /--help/ };
  await failsToStart(t, daemon, '--driver=moon', driver);
});

test.serial('a verb without a daemon says how to start one', async t => {
  const daemon = prepareDaemon(t);
  for (const line of ['ps', 'cat /aos/README.md', 'invoke researcher hi', 'why', 'umount']) {
    const { code, stderr } = await daemon.sh(`aos ${line}`);
    t.is(code, 1, line);
    isSentence(t, stderr, { why: /no daemon answers at/, remedy: /aos-mount/ }, line);
  }
});

test.serial('a second daemon on the same home is refused, and the first one goes on', async t => {
  const first = other();
  for (const line of ['--no-fuse', `${dirname(first.home)}/elsewhere`]) {
    const { code, stderr } = await first.sh(`aos-mount ${line}`);
    t.is(code, 1);
    const why = new RegExp(`${first.home}: a daemon \\(pid ${first.pid}\\) serves this home already`);
    isSentence(t, stderr, { why, remedy: /aos umount/ }, line);
    t.is(await health(first), 'ok');
  }
  t.false(existsSync(`${dirname(first.home)}/elsewhere`));
});

fuseTest('a mountpoint that cannot be one is refused and left as it was', async t => {
  const daemon = prepareDaemon(t);
  const base = dirname(daemon.home);
  writeFileSync(join(base, 'file'), 'mine');
  mkdirSync(join(base, 'full'));
  writeFileSync(join(base, 'full', 'kept'), 'mine');
  const lines: readonly (readonly [string, string, RegExp, RegExp])[] = [
    [join(base, 'file'), 'ENOTDIR', /not a directory/, /AOS_MOUNT/],
    [join(base, 'file', 'in'), 'ENOTDIR', /not a directory/, /AOS_MOUNT/],
    [join(base, 'full'), 'ENOTEMPTY', /holds a file, which the mount would hide/, /AOS_MOUNT to an empty directory/],
    [other().mount, 'EBUSY', /mounted there already/, /AOS_MOUNT/],
    ['/proc/none', 'ENOENT', /cannot be mounted on/, /AOS_MOUNT/],
  ];
  for (const [dir, errno, why, remedy] of lines) await failsToStart(t, daemon, dir, { code: 1, errno, why, remedy });
  t.is(readFileSync(join(base, 'file'), 'utf8'), 'mine');
  t.deepEqual(readdirSync(join(base, 'full')), ['kept']);
  t.is((await daemon.sh(`aos-mount ${base}/not/there/yet`)).code, 0, 'a missing directory is made');
  t.is((await daemon.sh('aos umount')).code, 0);
});

test.serial('a store that is no database is moved aside, said, kept, and the daemon runs', async t => {
  const content = 'these are notes and not a database, but somebody may want them\n';
  const daemon = await startDaemon(t, {
    fuse: false,
    prepare: home => writeFileSync(join(home, 'aos.db'), content),
  });
  const kept = readdirSync(daemon.home).find(name => name.startsWith('aos.db.not-a-database'));
  t.is(readFileSync(join(daemon.home, kept ?? ''), 'utf8'), content);
  const { stdout } = await daemon.aos('logs');
  t.regex(stdout, /aos\.db is not a database; it was moved to \S+/);
  t.is((await daemon.aos('invoke', 'researcher', 'hi', '--wait')).code, 0);
  await daemon.stop();
  writeFileSync(join(daemon.home, 'aos.db'), content);
  const again = await daemon.sh('aos-mount --no-fuse');
  t.is(again.code, 0);
  t.regex(again.stderr, /^aos-mount: store: [^\n]*not-a-database[^\n]*\n$/);
  t.is(readdirSync(daemon.home).filter(name => name.includes('not-a-database')).length, 2);
  t.is((await daemon.aos('ps', '--json')).code, 0);
});
