import { appendFileSync, closeSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { openLog } from '../../cli/log.ts';
import { tmpDir } from '../support/dirs.ts';

test('a log makes room while it is written, line by line whole, and one older file is kept', t => {
  const file = join(tmpDir(t), 'daemon.log');
  // As the daemon's standard error is: open from the start.
  const standardError = openSync(file, 'a', 0o600);
  const log = openLog(file, 'info', 10_000)('test');
  for (let i = 0; i < 500; i++) log.info({ i }, 'x'.repeat(50));
  appendFileSync(standardError, 'said by a library\n');
  closeSync(standardError);
  const numbers = (from: string): number[] =>
    readFileSync(from, 'utf8')
      .split('\n')
      .filter(line => line.startsWith('{'))
      .map(line => Number(JSON.parse(line).i));
  t.true(statSync(file).size <= 10_000 + 100 && statSync(`${file}.1`).size <= 10_000);
  const all = [...numbers(`${file}.1`), ...numbers(file)];
  t.deepEqual(
    all,
    Array.from({ length: all.length }, (_, at) => 500 - all.length + at),
  );
  t.true(all.length > 60);
  t.true(readFileSync(file, 'utf8').endsWith('said by a library\n'));
  t.is(statSync(`${file}.1`).mode & 0o777, 0o600);
});

test('a log that was large when it was opened makes room with the first line', t => {
  const file = join(tmpDir(t), 'daemon.log');
  writeFileSync(file, `${'x'.repeat(20_000)}\n`, { mode: 0o600 });
  openLog(file, 'info', 10_000)('test').info({}, 'first');
  t.regex(readFileSync(file, 'utf8'), /^\{.*"first"\}\n$/);
  t.is(statSync(`${file}.1`).size, 20_001);
});
