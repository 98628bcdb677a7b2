/** A disk that is full under the ledger, and a ledger that was half written. */

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { openStore } from '../../store/index.ts';
import { SILENT } from '../support/core.ts';
import { tmpDir } from '../support/dirs.ts';
import { needs } from '../support/need.ts';
import { done, PRICE, paid, spentOnApi } from './paid.ts';

const BYTES = 8 * 1024 * 1024;
const TRIES = 300;

needs(test.serial, { root: true, fuse: true })(
  'on a full disk nothing is bought that cannot be written down, and with room it goes on',
  async t => {
    const { daemon, server, dir } = await paid(t, {
      prepare: home =>
        void execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${BYTES},mode=700`, 'none', home], { stdio: 'pipe' }),
    });
    await daemon.sh('dd if=/dev/zero of=filler bs=4096 2> /dev/null; true');
    const { stdout, stderr } = await daemon.sh(
      `i=0; while [ $i -lt ${TRIES} ] && cat ${dir}/n-$i; do i=$((i+1)); done`,
    );
    t.regex(stderr, /No space left on device/);
    const read = stdout.split('\n').length - 1;
    // The one that was refused may have been sent: then only its bill could not be written.
    t.true(server.count() === read || server.count() === read + 1, `${server.count()} ${read}`);
    rmSync(join(daemon.home, 'filler'));
    t.is((await daemon.sh(`cat ${dir}/again`)).stdout, '/again\n');
    await daemon.kill('SIGKILL');
    await daemon.start();
    t.true((await spentOnApi(daemon)).micros >= server.count() * PRICE);
    t.is(JSON.parse(await done(daemon, 'audit', 'verify', '--json')).ok, true);
  },
);

test('a journal that was cut anywhere opens with what was written before the cut', t => {
  const base = tmpDir(t);
  const file = join(base, 'aos.db');
  const store = openStore(file, { now: () => 0, log: SILENT });
  t.teardown(store.close);
  const entry = {
    at: 1,
    path: '/aos/mnt/x',
    uid: 0,
    agent: '',
    model: '',
    mount: '/aos/mnt/x',
    runs: [],
    scopes: [],
    summed: [],
  };
  for (let i = 0; i < 100; i++) {
    const id = store.state.ledger.reserve({ ...entry, micros: 10 });
    if (i % 3 !== 0) store.state.ledger.settle(id, 10, 1);
  }
  const size = statSync(`${file}-wal`).size;
  let copies = 0;
  const totalAt = (length: number): number => {
    const dir = join(base, String(copies++));
    mkdirSync(dir);
    const copy = join(dir, 'aos.db');
    copyFileSync(file, copy);
    copyFileSync(`${file}-wal`, `${copy}-wal`);
    truncateSync(`${copy}-wal`, length);
    const opened = openStore(copy, { now: () => 0, log: SILENT });
    try {
      t.is(opened.moved, undefined, `cut at ${length}`);
      opened.state.ledger.recover(1);
      const total = opened.state.ledger.total(0);
      opened.state.ledger.settle(opened.state.ledger.reserve({ ...entry, micros: 5 }), 5, 1);
      return opened.state.ledger.total(0) === total + 5 ? total : Number.NaN;
    } finally {
      opened.close();
      rmSync(dir, { recursive: true });
    }
  };
  t.is(totalAt(size), 1000, 'whole, what was never settled counts in full');
  const cut = fc.integer({ min: 0, max: size });
  const property = fc.property(cut, cut, (one, other) => {
    const [less, more] = [totalAt(Math.min(one, other)), totalAt(Math.max(one, other))];
    return less <= more && more <= 1000 && less % 10 === 0;
  });
  t.notThrows(() => fc.assert(property, { numRuns: 20 }));
});
