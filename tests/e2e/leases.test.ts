/** Locks, leases and what is edited in the configuration, by real processes through the real mount. */

import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type CountingServer, countingServer } from '../support/counting-server.ts';
import { missing } from '../support/machine.ts';
import { until } from '../support/until.ts';
import { CAN_MOUNT, ok, shareDaemon } from './shared.ts';

const fuseTest = CAN_MOUNT ? test.serial : test.serial.skip;
const daemon = shareDaemon();
const ends: (() => Promise<void> | void)[] = [];
let service: CountingServer | undefined;

test.before('a paid service stands outside', async () => {
  if (!CAN_MOUNT) return;
  service = await countingServer({ teardown: end => ends.push(end) }, ({ path }) => `hello ${path}\n`);
  const { aos } = await until('the daemon runs', () => daemon(), 20_000);
  const options = [`--base-url=${service.url}`, '--allow-private', '--price=0.001', '--ttl=0'];
  const { code, stderr } = await aos('mount', 'http', ...options, '/aos/mnt/api');
  if (code !== 0) throw new Error(stderr);
});

test.after.always('it goes', async () => {
  for (const end of ends.splice(0)) await end();
});

/** What reached the service. */
function requests(): string[] {
  return (service?.seen ?? []).map(request => request.path);
}

test.afterEach.always(async () => {
  if (CAN_MOUNT) await daemon().sh('aos lock /aos/mnt/api');
  service?.reset();
});

fuseTest('a mount is locked until it is unlocked, and again when it is locked', async t => {
  const cat = () => daemon().sh('cat "$AOS_MOUNT"/mnt/api/a');
  t.regex((await cat()).stderr, /Permission denied/);
  const { stdout } = await daemon().aos('unlock', '/aos/mnt/api', '--duration=30m', '--budget=0.5');
  t.regex(
    stdout,
    /open until .*, for at most \$0\.50\nscope: uid \(.*script.*\)\nshut it with: aos lock \/aos\/mnt\/api\n/,
  );
  t.is((await cat()).stdout, 'hello /a\n');
  t.is((await daemon().aos('lock', '/aos/mnt/api')).code, 0);
  t.regex((await cat()).stderr, /Permission denied/);
  t.deepEqual(requests(), ['/a']);
});

fuseTest('each read of an open file that the lock refuses is in the audit log, and the last in aos why', async t => {
  const script = `aos unlock /aos/mnt/api --duration=30m > /dev/null; exec 3< "$AOS_MOUNT"/mnt/api/held; dd bs=2 count=1 <&3
    aos lock /aos/mnt/api > /dev/null; echo; for i in 1 2; do dd bs=2 count=1 <&3; done; aos why -n 1`;
  const { stdout, stderr } = await daemon().sh(`dd() { command dd status=none "$@"; }; ${script}`);
  t.is(stderr, "dd: error reading 'standard input': Permission denied\n".repeat(2));
  t.regex(stdout, /^he\n.*EACCES {2}\/aos\/mnt\/api\/held: it is locked/);
  const audit = await ok(daemon(), `grep '"path":"/aos/mnt/api/held"' "$AOS_MOUNT"/system/audit.jsonl`);
  const refused = audit.split('\n').filter(line => /"verb":"read".*"error":"locked"/.test(line));
  t.is(refused.length, 2);
});

fuseTest('run serves its command and the children of it, and nobody else', async t => {
  const script = `
    aos run --unlock=/aos/mnt/api --duration=30m -- sh -c '
      cat "$AOS_MOUNT"/mnt/api/own; sh -c "cat $AOS_MOUNT/mnt/api/child"; touch "$AOS_HOME"/inside
      while [ ! -e "$AOS_HOME"/seen ]; do sleep 0.01; done; exit 7' &
    while [ ! -e "$AOS_HOME"/inside ]; do sleep 0.01; done
    cat "$AOS_MOUNT"/mnt/api/stranger
    ls "$AOS_MOUNT"/system/leases | wc -l
    touch "$AOS_HOME"/seen
    wait $!
    echo "exit $?"
    cat "$AOS_MOUNT"/mnt/api/after; ls "$AOS_MOUNT"/system/leases | wc -l`;
  const { stdout, stderr } = await daemon().sh(script);
  t.is(stdout, 'hello /own\nhello /child\n1\nexit 7\n0\n');
  t.regex(stderr, /stranger: Permission denied/);
  t.regex(stderr, /after: Permission denied/);
  t.deepEqual(requests(), ['/own', '/child']);
});

fuseTest('run opens as many paths as it is asked to, or none', async t => {
  const { aos, sh } = daemon();
  const options = [`--base-url=${service?.url}`, '--allow-private', '--price=0.001', '--ttl=0'];
  t.is((await aos('mount', 'http', ...options, '/aos/mnt/second')).code, 0);
  const both = 'aos run --unlock=/aos/mnt/api --unlock=/aos/mnt/second --duration=30m --';
  t.is(
    (await sh(`${both} sh -c 'cat "$AOS_MOUNT"/mnt/api/a "$AOS_MOUNT"/mnt/second/b'`)).stdout,
    'hello /a\nhello /b\n',
  );
  const one = await sh('aos run --unlock=/aos/mnt/api --unlock=/aos/mnt/third --duration=30m -- echo ran');
  t.like({ code: one.code, stdout: one.stdout }, { code: 1, stdout: '' });
  t.is((await aos('ls', '/aos/system/leases')).stdout, '');
  t.is((await aos('umount', '/aos/mnt/second')).code, 0);
});

fuseTest('run passes on signals, and the end of its command', async t => {
  const run = 'aos run --unlock=/aos/mnt/api --duration=30m --';
  t.is((await daemon().sh(`${run} sh -c 'kill -KILL $$'`)).code, 137);
  const missingCommand = await daemon().sh(`${run} no-such-command-here`);
  t.is(missingCommand.code, 127);
  t.regex(missingCommand.stderr, /no such command/);
  const script = `
    ${run} sh -c 'trap "echo got TERM; exit 9" TERM; touch "$AOS_HOME"/up; while :; do sleep 0.01; done' & pid=$!
    while [ ! -e "$AOS_HOME"/up ]; do sleep 0.01; done
    kill -TERM $pid; wait $pid; echo "exit $?"; ls "$AOS_MOUNT"/system/leases | wc -l`;
  t.is((await daemon().sh(script)).stdout, 'got TERM\nexit 9\n0\n');
});

const ptyTest = CAN_MOUNT && missing({ command: 'script' }) === undefined ? test.serial : test.serial.skip;

ptyTest('unlocked from a terminal it serves what has one, and no script', async t => {
  const terminal = (line: string) => daemon().sh(`script -qec '${line}' /dev/null`);
  const { stdout } = await terminal('aos unlock /aos/mnt/api --duration=30m; cat $AOS_MOUNT/mnt/api/here');
  t.regex(stdout, /scope: session \(asked from a terminal/);
  t.regex(stdout, /hello \/here/);
  t.regex((await terminal('cat $AOS_MOUNT/mnt/api/other')).stdout, /hello \/other/);
  t.regex((await daemon().sh('cat "$AOS_MOUNT"/mnt/api/script')).stderr, /Permission denied/);
});

fuseTest('through the files alone: unlock, lease, lock', async t => {
  const script = `
    exec 3<>"$AOS_MOUNT"/system/unlock
    echo '{"path":"/aos/mnt/api","duration_ms":60000}' >&3; cat <&3; exec 3>&-
    cat "$AOS_MOUNT"/mnt/api/a; cat "$AOS_MOUNT"/system/leases/*
    exec 3<>"$AOS_MOUNT"/system/lock; echo '{"path":"/aos/mnt"}' >&3; cat <&3`;
  const [asked = '', body, lease = '', locked = ''] = (await ok(daemon(), script)).split('\n');
  t.like(JSON.parse(asked), { path: '/aos/mnt/api', scope: 'uid', budget_usd: null });
  t.is(body, 'hello /a');
  t.is(JSON.parse(lease).id, JSON.parse(asked).id);
  t.deepEqual(JSON.parse(locked).ended, [JSON.parse(asked).id]);
});

const WRONG: readonly [string, RegExp][] = [
  ['/aos/mnt/api --duration=30', /"30" has no unit; write 30m/],
  ['/aos/mnt/api --duration="30 minutes"', /"30 minutes" is not a duration; write 30m/],
  ['/aos/mnt/api --duration=0', /"0" is no time at all; write a number and a unit/],
  ['/aos/mnt/api --duration=-1', /"-1" is less than no time/],
  ['/aos/mnt/api --duration=365d', /a lease lasts 24h at most/],
  ['/aos/mnt/api', /--duration=30m/],
  ['/aos/mnt/api --duration=1m --budget=-1', /--budget takes a number above 0/],
  ['/aos/mnt/api --duration=1m --budget=NaN', /--budget takes a number above 0/],
  ['/aos/mnt/api --duration=1m --budget=1e309', /--budget takes a number above 0/],
  ['/aos/mnt/api --duration=1m --budget=1e12', /is not an amount/],
  ['/aos/mnt/api --duration=1m --scope=all', /"all" is not a scope/],
  ['/aos/mnt/none --duration=1m', /no such file/],
  ['/aos/system/status --duration=1m', /it is not locked/],
];

for (const [line, why] of WRONG) {
  fuseTest(`unlock ${line} is refused in one sentence, and opens nothing`, async t => {
    const { code, stdout, stderr } = await daemon().sh(
      `aos unlock ${line}; code=$?; ls "$AOS_MOUNT"/system/leases; exit $code`,
    );
    t.true(code === 1 || code === 2);
    t.is(stdout, '');
    t.regex(stderr, why);
    t.is(stderr.trim().split('\n').length, 1);
  });
}

fuseTest(
  'why says what a program that saw an errno was refused, by lease budget, with the command that raises it',
  async t => {
    await ok(daemon(), 'aos unlock /aos/mnt/api --duration=30m --budget=0.002');
    const { stderr } = await daemon().sh('for i in 1 2 3; do cat "$AOS_MOUNT"/mnt/api/$i; done');
    t.regex(stderr, /3: Disk quota exceeded/);
    const { stdout } = await daemon().aos('why', '-n', '1');
    t.regex(stdout, /EDQUOT {2}\/aos\/mnt\/api\/3: the lease budget of \$0\.002 has \$0\.002 spent/);
    t.regex(stdout, /what to do: raise it with: aos unlock \/aos\/mnt\/api --duration=30m --budget=USD/);
    t.is((await daemon().sh('cat "$AOS_MOUNT"/system/blocked/*')).stdout.trim().split('\n').length, 1);
    t.deepEqual(requests(), ['/1', '/2']);
  },
);

fuseTest('an indexer is refused by its name, also under a lease', async t => {
  const indexer = join(daemon().home, 'updatedb');
  copyFileSync('/bin/cat', indexer);
  await ok(daemon(), `chmod +x ${indexer}; aos unlock /aos/mnt/api --duration=30m`);
  t.regex((await daemon().sh(`${indexer} "$AOS_MOUNT"/mnt/api/a`)).stderr, /Permission denied/);
  t.regex((await daemon().aos('why', '-n', '1')).stdout, /updatedb is known to index whole trees/);
  t.is(await ok(daemon(), 'cat "$AOS_MOUNT"/mnt/api/a'), 'hello /a\n');
  t.deepEqual(requests(), ['/a']);
});

fuseTest(
  'a ceiling written into the configuration counts at once, also for what is open; a wrong one is not taken',
  async t => {
    const config = daemon().env.AOS_CONFIG ?? '';
    const said = () => readFileSync(join(daemon().home, 'log/daemon.log'), 'utf8');
    await ok(daemon(), 'echo fact > "$AOS_MOUNT"/memory/note');
    writeFileSync(config, 'ceilings: { "/aos/memory/**": [list] }');
    await until('the ceiling is in force', async () => (await daemon().aos('cat', '/aos/memory/note')).code === 96);
    writeFileSync(config, 'ceilings: { "/aos/memory/**": [fly] }');
    await until('it is logged', () => /was not taken over/.test(said()));
    t.is((await daemon().aos('cat', '/aos/memory/note')).code, 96);
    t.regex(said(), /ceilings/);
    writeFileSync(config, '{}');
    await until('it is gone', async () => (await daemon().aos('cat', '/aos/memory/note')).code === 0);
    const held = `exec 3<"$AOS_MOUNT"/system/version; echo 'ceilings: { "/aos/system/version": [list] }' > "$AOS_CONFIG"
    while aos cat /aos/system/version > "$AOS_HOME"/out 2>&1; do :; done; cat <&3`;
    t.regex((await daemon().sh(held)).stderr, /Permission denied/);
    writeFileSync(config, '{}');
    await until('it is gone', async () => (await daemon().aos('cat', '/aos/system/version')).code === 0);
  },
);

fuseTest(
  'the audit log verifies while the daemon runs, after it was killed under load, and after the next start',
  async t => {
    const verify = async () => JSON.parse((await daemon().aos('audit', 'verify', '--json')).stdout);
    t.like(await verify(), { ok: true, broken: null });
    const load = daemon().sh('while echo x > "$AOS_MOUNT"/memory/load; do :; done');
    const lines = async (): Promise<number> => (await verify()).lines;
    const before = await lines();
    await until('it is under load', async () => (await lines()) > before + 20);
    await daemon().kill('SIGKILL');
    await load;
    t.like(await verify(), { ok: true });
    await daemon().start();
    t.like(await verify(), { ok: true, torn: false });
    t.true((await lines()) > before + 20);
    const file = join(daemon().home, 'audit/audit.jsonl');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace('"pid":', '"pid":1'));
    const broken = await daemon().aos('audit', 'verify');
    t.is(broken.code, 1);
    t.regex(broken.stdout, /audit\.jsonl line 1: it was changed after it was written/);
    writeFileSync(file, text);
  },
);
