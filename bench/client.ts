/** client.c for machines without a C compiler: `node client.ts FILE DIR N`. Node's own cost is in every number, on both sides. */

import { closeSync, opendirSync, openSync, readSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';

const [file = '', dir = '', count = '0'] = process.argv.slice(2);
const buffer = Buffer.alloc(4096);

/** Nanoseconds for each of N calls, after a tenth as many to warm up. */
function timed(op: () => void): number {
  const n = Number(count);
  for (let i = 0; i <= n / 10; i++) op();
  const start = process.hrtime.bigint();
  for (let i = 0; i < n; i++) op();
  return Number(process.hrtime.bigint() - start) / n;
}

function openReadClose(name: string): void {
  const fd = openSync(name, 'r');
  readSync(fd, buffer, 0, 4096, null);
  closeSync(fd);
}

let entries = 0;
function listDir(name: string): void {
  const opened = opendirSync(name);
  for (entries = 0; opened.readSync() !== null; ) entries++;
  opened.closeSync();
}

const fullPath = timed(() => statSync(file));
process.chdir(dirname(file));
const name = basename(file);
const fd = openSync(name, 'r');
const times = {
  pread: timed(() => readSync(fd, buffer, 0, 4096, 0)),
  stat: timed(() => statSync(name)),
  open_read_close: timed(() => openReadClose(name)),
};
process.chdir(dirname(dir));
const listdir = timed(() => listDir(basename(dir)));
process.stdout.write(`${JSON.stringify({ ...times, listdir, stat_full_path: fullPath, entries })}\n`);
