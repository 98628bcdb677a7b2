import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'ava';
import { AosError } from '../../core/errors.ts';
import { guarded } from '../../store/guard.ts';

test('a full disk is ENOSPC with a remedy', t => {
  const db = new DatabaseSync(':memory:');
  t.teardown(() => db.close());
  db.exec('CREATE TABLE x (a); PRAGMA max_page_count = 3');
  const fill = (): void => void db.prepare('INSERT INTO x VALUES (zeroblob(100000))').run();
  const error = t.throws(() => guarded(fill), { instanceOf: AosError });
  t.is(error?.kind, 'no_space');
  t.is(error?.errno, 'ENOSPC');
  t.regex(error?.message ?? '', /^store: .*no space left.*; free some space/);
});

test('a store that cannot be written is EIO with a remedy', t => {
  const home = mkdtempSync(join(tmpdir(), 'aos-store-'));
  t.teardown(() => rmSync(home, { recursive: true, force: true }));
  const file = join(home, 'x.db');
  new DatabaseSync(file).close();
  const writer = new DatabaseSync(file);
  writer.exec('CREATE TABLE x (a)');
  writer.close();
  const db = new DatabaseSync(file, { readOnly: true });
  t.teardown(() => db.close());
  const error = t.throws(() => guarded(() => db.exec('INSERT INTO x VALUES (1)')), { instanceOf: AosError });
  t.is(error?.kind, 'io');
  t.regex(error?.message ?? '', /cannot be written; make AOS_HOME/);
});

test('a store that another process holds is EBUSY', t => {
  const home = mkdtempSync(join(tmpdir(), 'aos-store-'));
  t.teardown(() => rmSync(home, { recursive: true, force: true }));
  const file = join(home, 'x.db');
  const holder = new DatabaseSync(file);
  holder.exec('CREATE TABLE x (a); BEGIN EXCLUSIVE');
  const db = new DatabaseSync(file);
  t.teardown(() => {
    holder.close();
    db.close();
  });
  const error = t.throws(() => guarded(() => db.exec('INSERT INTO x VALUES (1)')), { instanceOf: AosError });
  t.is(error?.kind, 'busy');
});
