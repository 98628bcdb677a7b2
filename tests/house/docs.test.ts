import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { allFiles, ROOT, sources, textOf } from './sources.ts';

/** `| claim | tests/... |` rows of a Markdown text. A test file may be followed by a title in it: `tests/x.test.ts: title`. */
function claims(text: string): { claim: string; file: string; title: string | undefined }[] {
  return text.split('\n').flatMap(line => {
    const cells = line.split('|').map(cell => cell.trim().replaceAll('`', ''));
    const proof = cells.find(cell => cell.startsWith('tests/') || cell.startsWith('bench/'));
    if (!line.startsWith('|') || proof === undefined) return [];
    return proof.split(/,\s+(?=tests\/|bench\/)/).map(one => {
      const [file = '', title] = one.split(/:\s+/, 2);
      return { claim: cells[1] ?? '', file, title };
    });
  });
}

function unproven(text: string): string[] {
  return claims(text)
    .filter(
      ({ file, title }) => !existsSync(join(ROOT, file)) || (title !== undefined && !textOf(file).includes(title)),
    )
    .map(
      ({ claim, file, title }) =>
        `"${claim}" rests on ${file}${title === undefined ? '' : `: ${title}`}, which is not there`,
    );
}

test('every claim in the README has a test that exists', t => {
  const readme = textOf('README.md');
  t.true(claims(readme).length > 0, 'README.md has a table of what works: | claim | tests/... |');
  t.deepEqual(unproven(readme), []);
});

test('a claim without its test is found', t => {
  t.deepEqual(unproven('| it works | `tests/nowhere.test.ts` |'), [
    '"it works" rests on tests/nowhere.test.ts, which is not there',
  ]);
  t.is(
    unproven(
      '| it works | tests/house/docs.test.ts: no such title in any test |'.replace('no such', 'no'.concat('such')),
    ).length,
    1,
  );
  t.deepEqual(unproven('| it works | tests/house/docs.test.ts: a claim without its test is found |'), []);
});

test('links between the documents lead somewhere', t => {
  const broken = allFiles()
    .filter(file => file.endsWith('.md'))
    .flatMap(file =>
      [...textOf(file).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)]
        .map(match => join(file, '..', match[1] ?? ''))
        .filter(target => !existsSync(join(ROOT, target)))
        .map(target => `${file} → ${target}`),
    );
  t.deepEqual(broken, []);
});

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

// The file is npm's own, and npm checks its shape.
const manifest = JSON.parse(textOf('package.json')) as Manifest;
const shipped = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }).sort();

test('the libraries imported are the dependencies declared', t => {
  const imported = sources()
    .filter(({ file }) => !/^(tests|bench)\//.test(file))
    .flatMap(({ imports }) => imports.flatMap(({ module }) => module ?? []));
  t.deepEqual([...new Set(imported)].sort(), shipped);
});

test('tests and benchmarks import what is declared', t => {
  const declared = [...shipped, ...Object.keys(manifest.devDependencies ?? {})];
  const wrong = sources()
    .filter(({ file }) => /^(tests|bench)\//.test(file))
    .flatMap(({ file, imports }) =>
      imports
        .filter(({ module }) => module !== undefined && !declared.includes(module))
        .map(({ module }) => `${file}: ${module}`),
    );
  t.deepEqual(wrong, []);
});

test('every dependency has its sentence in docs/dependencies.md', t => {
  const rows = textOf('docs/dependencies.md')
    .split('\n')
    .flatMap(line => /^\| `([^`]+)` +\|/.exec(line)?.[1] ?? []);
  t.deepEqual(rows.sort(), [...shipped, ...Object.keys(manifest.devDependencies ?? {})].sort());
});
