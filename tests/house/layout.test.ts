import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { cycle, FIXED, forbidden, TREE } from './rules.ts';
import { allFiles, ROOT, source, sources, textOf } from './sources.ts';

const all = sources();
const programs = all.filter(({ file }) => !/^(tests|bench)\//.test(file));

const LINES_MAX = 300;

test('the folders are those of the tree, and the fixed ones', t => {
  const folders = readdirSync(ROOT, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && !['node_modules', 'dist', '.git'].includes(entry.name))
    .map(entry => entry.name);
  const known = [...Object.values(TREE), ...FIXED];
  t.deepEqual(
    folders.filter(name => !known.includes(name)),
    [],
    'a folder that /aos does not have',
  );
  for (const folder of Object.values(TREE)) {
    t.true(existsSync(join(ROOT, folder, 'index.ts')), `${folder}/index.ts serves /aos/${folder}`);
  }
});

test('imports point one way', t => {
  const wrong = programs.flatMap(({ file, imports }) =>
    imports.flatMap(imported => {
      const why = forbidden(file, imported);
      return why === undefined ? [] : [`${file} imports ${imported.specifier}: ${why}`];
    }),
  );
  t.deepEqual(wrong, []);
  t.is(cycle(all), undefined);
});

test('the rules refuse what they are there for', t => {
  const refused = (file: string, text: string) => {
    const [first] = source(file, text).imports;
    return first !== undefined && forbidden(file, first) !== undefined;
  };
  t.true(refused('core/vfs.ts', "import { x } from '../store/index.ts';"));
  t.true(refused('core/vfs.ts', "import fs from 'node:fs';"));
  t.true(refused('core/vfs.ts', "import type {\n  A,\n} from '../agents/index.ts';"));
  t.true(refused('core/plugins.ts', "import { SyncHook } from 'tapable';"));
  t.true(refused('agents/index.ts', "import { x } from '../core/types.ts';"));
  t.true(refused('agents/index.ts', "export * from '../procs/index.ts';"));
  t.true(refused('agents/index.ts', "const x = await import('../../cli/main.ts');".replace('../../', '../')));
  t.true(refused('mounts/s3/index.ts', "import { x } from '../github/index.ts';"));
  t.true(refused('plugin-sdk/index.ts', "import { perform } from '../core/vfs.ts';"));
  t.true(refused('doors/fuse/index.ts', "import { x } from '../../plugin-sdk/index.ts';"));
  t.true(refused('agents/index.ts', "import { DatabaseSync } from 'node:sqlite';"));
  t.false(refused('core/hooks.ts', "import { SyncHook } from 'tapable';"));
  t.false(refused('doors/fuse/index.ts', "import { x } from '../../core/types.ts';"));
  t.false(refused('doors/fuse/index.ts', "import { x } from '../identity.ts';"));
  t.false(refused('backends/openai/index.ts', "import { x } from '../../plugin-sdk/index.ts';"));
  t.false(refused('cli/daemon.ts', "import { x } from '../core/vfs.ts';"));
  const round = [
    source('memory/index.ts', "import '../plugin-sdk/index.ts';"),
    source('plugin-sdk/index.ts', "import '../memory/index.ts';"),
  ];
  t.is(cycle(round), 'memory → plugin-sdk → memory');
});

test('what decides about authority and money has no clock', t => {
  const clocked = programs.filter(
    ({ file, text }) =>
      /^core\/(capabilities|cost)\//.test(file) && /\bDate\.now\(|\bnew Date\(\)|performance\.now/.test(text),
  );
  t.deepEqual(
    clocked.map(({ file }) => file),
    [],
  );
});

test(`no file is longer than ${LINES_MAX} lines`, t => {
  const long = programs.filter(({ lines }) => lines > LINES_MAX).map(({ file }) => file);
  t.deepEqual(long, [], 'split it');
});

/** Written so that this file does not match its own patterns. */
const BANNED: Readonly<Record<string, RegExp>> = {
  'a cast through unknown': /\bas unknown as\b/,
  'a switched-off type check': /@ts-(?:ignore|nocheck|expect-error)/,
  'an any that the lint was told to overlook': /biome-ignore[^\n]*noExplicitAny/,
  'a switched-off lint without a reason': /biome-ignore[^:\n]*:?\s*$/m,
  'a test that runs alone': /\btest(?:\.serial)?\.only\(/,
  'a test that is meant to fail': /\btest(?:\.serial)?\.failing\(/,
  'a note to oneself': /\b(?:TO[D]O|FIX[M]E|X[X]X)\b/,
};

test('nothing switches the checks off', t => {
  const found = all.flatMap(({ file, text }) =>
    Object.entries(BANNED)
      .filter(([, pattern]) => file !== 'tests/house/layout.test.ts' && pattern.test(text))
      .map(([what, pattern]) => `${file}: ${what}: ${pattern.exec(text)?.[0]}`),
  );
  t.deepEqual(found, []);
  t.regex(textOf('biome.json'), /"noExplicitAny": "error"/);
  t.regex(textOf('biome.json'), /"noNonNullAssertion": "error"/);
});

test('no text names the machine it was written on', t => {
  const names =
    /(?:^|[\s'"`(=])\/(?:work|root|home\/(?!u\/)[a-z]\w*)\/|\bregistry(?:\.[a-z0-9-]+){2,}|\bverdaccio\b|\bartifactory\b/i;
  const found = allFiles()
    .filter(file => file !== 'tests/house/layout.test.ts' && !/\.(png|ico|gz)$/.test(file))
    .flatMap(file => {
      const line = textOf(file)
        .split('\n')
        .find(text => names.test(text));
      return line === undefined ? [] : [`${file}: ${line.trim()}`];
    });
  t.deepEqual(found, []);
});
