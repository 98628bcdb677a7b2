/** A daemon that is killed in the middle of its work never forgets money, and its audit log stays whole. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { type Client, makeClient } from '../../cli/client.ts';
import { verifyChain } from '../../system/audit-chain.ts';
import { type CountingServer, countingServer } from '../support/counting-server.ts';
import { type Daemon, isRunning, prepareDaemon } from '../support/daemon.ts';
import { atEnd } from '../support/ending.ts';
import { missing } from '../support/need.ts';
import { until } from '../support/until.ts';
import { API, done, mountFlags, PRICE, WIDE } from './paid.ts';

const CRASHES = Number(process.env.AOS_CRASHES ?? 40);
const SEED = Number(process.env.AOS_SEED ?? Date.now() % 1e9);
/** One start in so many is a kernel mount, and one kill in so many comes while the daemon still starts. */
const MOUNT_EVERY = 8;
const EARLY_EVERY = 6;
/** Who reads at once: through the socket, and through the mount where there is one. */
const READERS = 6;
const PROGRAMS = 3;
/** It is killed after a random number of requests, and a random part of a request's time after that. */
const REQUESTS = 40;
const REQUEST_MS = 10;
const LOAD_MS = 3000;
/** While it starts: after a random part of this. */
const START_MS = 300;

const ROOT = dirname(dirname(import.meta.dirname));
const BUILT = join(ROOT, 'dist/cli/daemon.js');
const PROGRAM = existsSync(BUILT) ? BUILT : join(ROOT, 'cli/daemon.ts');

/** Numbers from 0 to 1, the same for the same seed: mulberry32. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The daemon's own process, without the command line around it. */
class Life {
  readonly child: ChildProcess;
  /** True once it answers, false where it ended before. */
  readonly ready: Promise<boolean>;

  /** Whether the tree is mounted. */
  readonly fuse: boolean;
  killed = false;

  constructor({ env, mount }: Daemon, fuse: boolean) {
    this.fuse = fuse;
    const args = [PROGRAM, '--mount', mount, ...(fuse ? [] : ['--no-fuse'])];
    this.child = spawn(process.execPath, args, { env: { ...env }, stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
    this.ready = new Promise(resolve => {
      let said = '';
      this.child.stdio[3]?.on('data', chunk => {
        said += String(chunk);
        if (said.includes('\n')) resolve(JSON.parse(said).ok === true);
      });
      this.child.once('exit', () => resolve(false));
    });
  }

  async kill(): Promise<void> {
    this.killed = true;
    this.child.kill('SIGKILL');
    await until('it is gone', () => !isRunning(this.child.pid ?? 0));
  }
}

/** Reads through the socket until the daemon is gone. */
async function reader(client: Client, name: string): Promise<void> {
  for (let i = 0; ; i++) {
    try {
      await client.ask({ method: 'GET', path: `${API}/${name}-${i}` });
    } catch {
      return;
    }
  }
}

/** A program that reads through the mount until that is gone. */
function program({ env, mount }: Daemon, name: string): ChildProcess {
  const script = `i=0; while read -r line < ${mount}/mnt/api/${name}-$i; do i=$((i+1)); done 2>/dev/null`;
  return spawn('bash', ['-c', script], { env: { ...env }, cwd: '/', stdio: 'ignore' });
}

interface Ledger {
  readonly micros: number;
  readonly operations: number;
}

async function ledgerOf(client: Client): Promise<Ledger> {
  // The shape of contract section 6.
  const { by } = (await client.call('/aos/system/spend', { by: 'mount' })) as {
    by: { key: string; usd: number; operations: number }[];
  };
  const row = by.find(({ key }) => key === API);
  return { micros: Math.round((row?.usd ?? 0) * 1e6), operations: row?.operations ?? 0 };
}

/** What has to hold after each restart. */
async function check(t: ExecutionContext, where: string, subject: Subject): Promise<void> {
  const { daemon, client, server, before } = subject;
  const now = await ledgerOf(client);
  const seen = server.count();
  t.true(now.micros >= seen * PRICE, `${where}: ${seen} requests were seen, and the ledger has ${now.micros}`);
  t.true(now.micros >= before.micros, `${where}: the ledger had ${before.micros} and has ${now.micros}`);
  const most = (seen + subject.crashes * (READERS + PROGRAMS)) * PRICE;
  t.true(now.micros <= most, `${where}: no more than was under way is counted without having been seen`);
  const { broken, torn } = await verifyChain(join(daemon.home, 'audit'));
  t.is(broken, undefined, `${where}: the audit log`);
  t.false(torn, `${where}: a line that was cut short was taken out`);
  subject.before = now;
}

interface Subject {
  readonly daemon: Daemon;
  readonly client: Client;
  readonly server: CountingServer;
  crashes: number;
  before: Ledger;
}

test(`killed at ${CRASHES} random moments under load, nothing that was spent is forgotten`, async t => {
  t.timeout(20_000 + CRASHES * 3000);
  const chance = random(SEED);
  t.log(`AOS_SEED=${SEED} AOS_CRASHES=${CRASHES}`);
  const server = await countingServer(t);
  const daemon = prepareDaemon(t, { config: { budgets: WIDE } });
  const client = makeClient(daemon.socket);
  const subject: Subject = { daemon, client, server, crashes: 0, before: { micros: 0, operations: 0 } };
  let life = new Life(daemon, false);
  atEnd(t, () => void life.child.kill('SIGKILL'));
  t.true(await life.ready);
  await done(daemon, 'mount', 'http', ...mountFlags(server), API);
  await done(daemon, 'unlock', API, '--duration=24h', '--scope=uid');

  const canMount = missing({ fuse: true }) === undefined;
  let mounts = 0;
  for (let i = 1; i <= CRASHES; i++) {
    const where = `crash ${i} of seed ${SEED}`;
    // One that was to be killed while it started may have been ready by then.
    if (!life.killed && (await life.ready)) {
      const programs = life.fuse ? starts(PROGRAMS, n => program(daemon, `${i}-p${n}`)) : [];
      const readers = starts(READERS, n => reader(client, `${i}-r${n}`));
      const enough = server.count() + chance() * REQUESTS;
      await until('it is under load', () => server.count() >= enough, LOAD_MS);
      await pause(chance() * REQUEST_MS);
      await life.kill();
      await Promise.all(readers);
      for (const child of programs) child.kill('SIGKILL');
    }
    subject.crashes++;
    const fuse = canMount && i % MOUNT_EVERY === 0;
    mounts += fuse ? 1 : 0;
    life = new Life(daemon, fuse);
    if (chance() < 1 / EARLY_EVERY && i < CRASHES) {
      await pause(chance() * START_MS);
      await life.kill();
      continue;
    }
    t.true(await life.ready, `${where}: it starts again`);
    await check(t, where, subject);
  }
  const verified = await daemon.aos('audit', 'verify');
  t.is(verified.code, 0, verified.stdout);
  t.log(
    `${server.count()} requests were seen, ${subject.before.operations} are in the ledger, ${mounts} lives had a mount`,
  );
});

function starts<T>(count: number, start: (n: number) => T): T[] {
  return Array.from({ length: count }, (_, n) => start(n));
}
