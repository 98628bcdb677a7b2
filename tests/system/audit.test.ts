import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { Log, Settled } from '../../core/types.ts';
import { type Audit, openAudit } from '../../system/audit.ts';
import { verifyChain } from '../../system/audit-chain.ts';
import { SILENT } from '../support/core.ts';
import { tmpDir } from '../support/dirs.ts';
import { refusal } from '../support/refusal.ts';
import { until } from '../support/until.ts';
import { makeWorld, who } from './world.ts';

const BASE: Settled = {
  at: 0,
  verb: 'write',
  path: '/aos/memory/a' as Settled['path'],
  uid: 1000,
  pid: 1,
  sid: 1,
  door: 'socket',
  run: undefined,
  agent: undefined,
  cost: 0,
  error: undefined,
  errno: undefined,
  component: undefined,
  why: undefined,
  remedy: undefined,
};

function record(n: number, more: Partial<Settled> = {}): Settled {
  return { ...BASE, at: n * 1000, ...more };
}

function open(dir: string, bytesMax = 1e9, log: Pick<Log, 'error'> = SILENT): Audit {
  return openAudit(dir, { bytesMax: () => bytesMax, now: () => 0, log });
}

function lines(dir: string, file = 'audit.jsonl'): string[] {
  return readFileSync(join(dir, file), 'utf8').split('\n').slice(0, -1);
}

function files(dir: string): string[] {
  return readdirSync(dir).sort();
}

test('the chain holds, over restarts and files put aside', async t => {
  const dir = tmpDir(t);
  for (let start = 0; start < 3; start++) {
    const audit = open(dir, 4096);
    for (let i = 0; i < 20; i++) audit.append(record(i));
    audit.close();
  }
  t.true(files(dir).length > 2);
  t.deepEqual(await verifyChain(dir), { lines: 60, files: files(dir).length, broken: undefined, torn: false });
  const [first = ''] = lines(dir, 'audit-000002.jsonl');
  const last = lines(dir, 'audit-000001.jsonl').at(-1) ?? '';
  t.is(JSON.parse(first).previous, JSON.parse(last).hash);
});

test('where the next file cannot be made, the log goes on in the one there is, whole, and says so', async t => {
  const dir = tmpDir(t);
  const said: string[] = [];
  const audit = open(dir, 4096, { error: (_fields, message) => void said.push(message) });
  // A directory stands where the next file has to be made.
  const inTheWay = join(dir, 'audit.jsonl.next');
  mkdirSync(join(inTheWay, 'x'), { recursive: true });
  for (let i = 0; i < 60; i++) audit.append(record(i));
  t.deepEqual(files(dir), ['audit.jsonl', 'audit.jsonl.next']);
  t.is(lines(dir).length, 60);
  t.is(Buffer.from(audit.source.read(0, 1e6)).toString(), readFileSync(join(dir, 'audit.jsonl'), 'utf8'));
  t.deepEqual(said, ['the audit log could not be put aside and goes on in the same file']);
  t.is((await verifyChain(dir)).broken, undefined);
  rmSync(inTheWay, { recursive: true });
  audit.close();
  const second = open(dir, 4096);
  second.append(record(61));
  second.close();
  t.deepEqual(files(dir), ['audit-000001.jsonl', 'audit.jsonl']);
  t.like(await verifyChain(dir), { lines: 61, broken: undefined });
});

test('text of any kind is one line, and verifies', async t => {
  const dir = tmpDir(t);
  const audit = open(dir);
  for (const why of ['a\nb', 'a\r\nb', 'a\u2028b', '\u0000"\\', 'é😀', '']) audit.append(record(1, { why }));
  audit.close();
  t.is(lines(dir).length, 6);
  t.is((await verifyChain(dir)).broken, undefined);
});

const BREAKS: readonly [string, (lines: string[]) => string[], number][] = [
  ['a line taken out', all => all.toSpliced(4, 1), 5],
  ['the first line taken out', all => all.slice(1), 1],
  ['two lines swapped', all => [...all.slice(0, 2), all[3] ?? '', all[2] ?? '', ...all.slice(4)], 3],
  ['a line twice', all => [...all.slice(0, 3), all[2] ?? '', ...all.slice(3)], 4],
  ['an amount changed', all => all.map((line, i) => (i === 6 ? line.replace('"cost":0', '"cost":1') : line)), 7],
  ['a key added', all => all.map((line, i) => (i === 6 ? line.replace('{', '{"x":1,') : line)), 7],
  ['a space added', all => all.map((line, i) => (i === 6 ? line.replace('{', '{ ') : line)), 7],
  ['something else', all => [...all.slice(0, 8), 'hello', ...all.slice(8)], 9],
  ['an empty line', all => [...all.slice(0, 8), '', ...all.slice(8)], 9],
];

for (const [what, change, line] of BREAKS) {
  test(`verify finds the first broken link: ${what}`, async t => {
    const dir = tmpDir(t);
    const audit = open(dir);
    for (let i = 0; i < 12; i++) audit.append(record(i));
    audit.close();
    writeFileSync(join(dir, 'audit.jsonl'), `${change(lines(dir)).join('\n')}\n`);
    t.like((await verifyChain(dir)).broken, { file: 'audit.jsonl', line });
  });
}

test('verify finds a file that was taken away, or changed after it was put aside', async t => {
  const dir = tmpDir(t);
  const audit = open(dir, 4096);
  for (let i = 0; i < 60; i++) audit.append(record(i));
  audit.close();
  const second = join(dir, 'audit-000002.jsonl');
  const text = readFileSync(second, 'utf8');
  writeFileSync(second, text.replace('"pid":1', '"pid":2'));
  t.like((await verifyChain(dir)).broken, { file: 'audit-000002.jsonl', line: 1 });
  writeFileSync(second, text);
  t.is((await verifyChain(dir)).broken, undefined);
  const third = lines(dir, 'audit-000003.jsonl');
  writeFileSync(join(dir, 'audit-000003.jsonl'), `${third.slice(0, -1).join('\n')}\n`);
  t.like((await verifyChain(dir)).broken, { line: 1 });
});

test('a last line that a crash cut short is taken out at the next start, and a line says so', async t => {
  const dir = tmpDir(t);
  const first = open(dir);
  for (let i = 0; i < 5; i++) first.append(record(i));
  first.close();
  const file = join(dir, 'audit.jsonl');
  const size = readFileSync(file).length;
  truncateSync(file, size - 20);
  t.like(await verifyChain(dir), { lines: 4, broken: undefined, torn: true });
  const second = open(dir);
  second.append(record(6));
  second.close();
  t.like(await verifyChain(dir), { lines: 6, broken: undefined, torn: false });
  const repair = JSON.parse(lines(dir)[4] ?? '');
  t.regex(repair.repair, /cut short/);
  t.regex(repair.torn, /^\{"at":/);
});

test('a crash at any moment leaves a chain that verifies', async t => {
  const dir = tmpDir(t);
  const script = `
    import { openAudit } from '${new URL('../../system/audit.ts', import.meta.url).pathname}';
    const audit = openAudit(process.argv[1], { bytesMax: () => 8192, now: () => 0, log: console });
    for (;;) audit.append(${JSON.stringify(BASE)});`;
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script, dir], { stdio: 'ignore' });
    const ended = new Promise(resolve => child.once('exit', resolve));
    const before = files(dir).length;
    await until('it writes', () => files(dir).length > before + 1);
    child.kill('SIGKILL');
    await ended;
  }
  open(dir).close();
  t.like(await verifyChain(dir), { broken: undefined, torn: false });
});

test('what somebody else wrote at the end does not stop the log, and shows', async t => {
  const dir = tmpDir(t);
  const first = open(dir);
  first.append(record(1));
  first.close();
  appendFileSync(join(dir, 'audit.jsonl'), 'nonsense\n');
  const second = open(dir);
  second.append(record(2));
  second.close();
  t.like((await verifyChain(dir)).broken, { line: 2 });
});

test('refused, paid and changed is one line each; a free read none, unless it is asked for', async t => {
  for (const reads of [false, true]) {
    const world = await makeWorld(t, { audit: { reads } });
    const told = (): string[] =>
      lines(join(world.home, 'audit')).map(line => {
        const { verb, path, error, cost } = JSON.parse(line);
        return `${verb} ${path} ${error ?? 'done'} ${cost}`;
      });
    await world.read(who(), '/aos/system/version');
    t.deepEqual(told(), reads ? ['read /aos/system/version done 0'] : []);
    await refusal(() => world.read(who(), '/aos/mnt/paid/a'));
    await world.call(who(), '/aos/system/unlock', { path: '/aos/mnt/paid', duration_ms: 60_000 });
    await world.read(who(), '/aos/mnt/paid/a');
    await refusal(() => world.read(who({ authority: [] }), '/aos/system/version'));
    t.deepEqual(told().slice(reads ? 1 : 0), [
      'read /aos/mnt/paid/a locked 0',
      'call /aos/system/unlock done 0',
      'read /aos/mnt/paid/a done 10000',
      'read /aos/system/version not_found 0',
    ]);
  }
});

test('one write is one line, whatever kind of file it goes to', async t => {
  const world = await makeWorld(t);
  const told = (): string[] =>
    lines(join(world.home, 'audit')).map(line => {
      const { verb, path } = JSON.parse(line);
      return `${verb} ${path}`;
    });
  const breaker = '/aos/system/breaker' as Settled['path'];
  await world.core.aos.write(who(), breaker, Buffer.from('reset\n'));
  const how = { read: true, write: true, append: false, truncate: false };
  const handle = await world.core.aos.open(who(), '/aos/system/lock' as Settled['path'], how);
  await handle.write(0, Buffer.from('{"path":"/aos/mnt"}'));
  await handle.read(0, 100);
  handle.close();
  t.deepEqual(told(), ['write /aos/system/breaker', 'call /aos/system/lock']);
});

test('a call that only looks is told no more than a read is; one that changes something says what was asked', async t => {
  const world = await makeWorld(t);
  const call = (path: string, request: object) => world.call(who(), path, request);
  const PAID = '/aos/mnt/paid';
  for (const name of ['status', 'spend', 'errors', 'budget', 'blocked', 'leases', 'breaker'])
    await call(`/aos/system/${name}`, {});
  await call('/aos/system/unlock', { path: PAID, duration_ms: 1_800_000, dry_run: true });
  t.deepEqual(lines(`${world.home}/audit`), []);
  await call('/aos/system/unlock', { path: PAID, duration_ms: 1_800_000, budget_usd: 0.5 });
  await call('/aos/system/lock', { path: PAID });
  await call('/aos/system/breaker', { op: 'reset' });
  await refusal(() => call('/aos/system/unlock', { path: '/aos/system/status', duration_ms: 1000 }));
  await refusal(() => call('/aos/system/breaker', { op: 'trip' }));
  t.deepEqual(
    lines(`${world.home}/audit`).map(line => [JSON.parse(line).about, JSON.parse(line).error]),
    [
      ['/aos/mnt/paid for 30m, at most $0.50, scope uid', undefined],
      ['/aos/mnt/paid', undefined],
      ['reset', undefined],
      ['/aos/system/status for 1s', 'invalid'],
      [undefined, 'invalid'],
    ],
  );
});
