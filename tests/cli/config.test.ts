import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { loadConfig } from '../../cli/config.ts';
import { tmpDir } from '../support/dirs.ts';

const TEXT = 'backends:\n  mock: { file: ./answers.jsonl }\nplugins: [./mine.ts, ../other.ts, a-package]\n';

test('relative paths in a configuration are relative to it, however it was found', async t => {
  const dir = tmpDir(t);
  const file = join(dir, 'aos.config.yaml');
  writeFileSync(file, TEXT);
  mkdirSync(join(dir, 'deep/down'), { recursive: true });
  const vars = { HOME: join(dir, 'deep') };
  for (const found of [await loadConfig(file, '/', vars), await loadConfig(undefined, join(dir, 'deep/down'), vars)]) {
    t.is(found.file, file);
    t.is(found.config.backends.mock?.file, join(dir, 'answers.jsonl'));
    t.deepEqual(found.config.plugins, [join(dir, 'mine.ts'), join(dir, '../other.ts'), 'a-package']);
  }
});

test('an absolute path in a configuration stays as it is', async t => {
  const file = join(tmpDir(t), 'aos.config.json');
  writeFileSync(file, JSON.stringify({ backends: { mock: { file: '/srv/answers.jsonl' } } }));
  t.is((await loadConfig(file, '/', {})).config.backends.mock?.file, '/srv/answers.jsonl');
});
