/** The repository as text: its files, and what each source imports. */

import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative } from 'node:path';

export const ROOT = dirname(dirname(import.meta.dirname));

const NOT_OURS = new Set(['node_modules', 'dist', '.git', '.aos']);

/** Every file, relative to the root, sorted. */
export function allFiles(dir: string = ROOT): string[] {
  return readdirSync(dir, { withFileTypes: true })
    .filter(entry => !NOT_OURS.has(entry.name))
    .flatMap(entry => {
      const path = join(dir, entry.name);
      return entry.isDirectory() ? allFiles(path) : [relative(ROOT, path)];
    })
    .sort();
}

export function textOf(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

export interface Source {
  readonly file: string;
  readonly text: string;
  readonly lines: number;
  readonly imports: readonly Import[];
}

export interface Import {
  /** As written. */
  readonly specifier: string;
  /** Relative to the root, for one of our own files. */
  readonly file: string | undefined;
  /** The package's name, for somebody else's. */
  readonly module: string | undefined;
  /** `node:fs` and the like. */
  readonly builtin: string | undefined;
}

export function source(file: string, text: string = textOf(file)): Source {
  const imports = specifiers(text).map(specifier => resolveImport(file, specifier));
  return { file, text, lines: text.split('\n').length - 1, imports };
}

/** Every TypeScript file. */
export function sources(): Source[] {
  return allFiles()
    .filter(file => file.endsWith('.ts'))
    .map(file => source(file));
}

/** `import ... from 'x'`, `export ... from 'x'`, `import 'x'`, `import('x')`, `require('x')`, `import.meta.resolve('x')`. */
const IMPORT =
  /(?:^(?:import|export)\b[^'"`;]*?\bfrom\s*|^import\s*|\bimport\(\s*|\brequire(?:\([^()]*\))?\(\s*|\bcreateRequire\([^()]*\)\(\s*|\bimport\.meta\.resolve\(\s*)['"]([^'"\n]+)['"]/gm;

function specifiers(text: string): string[] {
  // Comments talk about imports; they make none.
  const code = text.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '');
  return [...code.matchAll(IMPORT)].flatMap(match => match[1] ?? []);
}

function resolveImport(from: string, specifier: string): Import {
  const none = { specifier, file: undefined, module: undefined, builtin: undefined };
  if (specifier.startsWith('.')) return { ...none, file: join(dirname(from), specifier) };
  const bare = specifier.replace(/^node:/, '');
  if (specifier.startsWith('node:') || builtinModules.includes(bare)) return { ...none, builtin: bare };
  const parts = specifier.split('/');
  return { ...none, module: parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/') };
}
