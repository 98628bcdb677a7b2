/** Which way imports may point, as a function of one import, so that the rules can be tested on imports nobody wrote. */

import type { Import, Source } from './sources.ts';

/** Folders that serve a subtree of /aos: repository folder by name in the tree. */
export const TREE: Readonly<Record<string, string>> = {
  agents: 'agents',
  procs: 'procs',
  conversations: 'conversations',
  memory: 'memory',
  channels: 'channels',
  mnt: 'mounts',
  models: 'models',
  tools: 'tools',
  system: 'system',
  etc: 'etc',
  man: 'man',
};

/** Folders that serve nothing by themselves. `backends` holds what `models` offers. */
export const FIXED = [
  'core',
  'doors',
  'plugin-sdk',
  'store',
  'backends',
  'cli',
  'bin',
  'tests',
  'bench',
  'docs',
  '.ci',
];

const PLUGINS = [...Object.values(TREE), 'backends'];

/** What the SDK may show a plugin of the core: words, not machinery. */
const WORDS = [
  'types',
  'errors',
  'path',
  'limits',
  'maybe',
  'cancel',
  'duration',
  'capabilities/grant',
  'cost/money',
  'config',
  'schema',
  'stream',
].map(name => `core/${name}.ts`);

/** The part of the house a file belongs to: each external mount is one of its own. */
function unitOf(file: string): string {
  const [top = '', second = '', third] = file.split('/');
  return top === 'mounts' && third !== undefined ? `${top}/${second}` : top;
}

/** Why an import may not be, or undefined. */
export function forbidden(from: string, imported: Import): string | undefined {
  if (imported.file !== undefined) return forbiddenFile(from, imported.file);
  if (imported.module !== undefined) return forbiddenModule(from, imported.module);
  return forbiddenBuiltin(from, imported.builtin ?? '');
}

function forbiddenFile(from: string, to: string): string | undefined {
  const [here, there] = [topOf(from), topOf(to)];
  if (here === there) {
    const [mine, other] = [unitOf(from), unitOf(to)];
    // Backends are a family: several servers speak one protocol. External mounts are strangers.
    if (mine === other || mine === here || other === here) return undefined;
    return `${mine} and ${other} are plugins: they meet by path or by a hook`;
  }
  if (here === 'tests' || here === 'bench') return undefined;
  if (there === 'tests' || there === 'bench') return 'what runs does not import its tests';
  if (here === 'cli') return undefined;
  if (there === 'cli') return 'imports point down, and the command line is at the top';
  if (here === 'core') return 'the core imports only itself';
  if (here === 'plugin-sdk') return WORDS.includes(to) ? undefined : `the SDK imports only ${WORDS.join(', ')}`;
  if (here === 'doors' || here === 'store') return there === 'core' ? undefined : `${here} imports only core`;
  if (PLUGINS.includes(here)) return there === 'plugin-sdk' ? undefined : 'a plugin imports only plugin-sdk';
  return `no rule for ${here}: add one`;
}

/** The folders and files that know each of these libraries. */
const HOLDERS: Readonly<Record<string, readonly string[]>> = {
  tapable: ['core/hooks.ts'],
  koffi: ['doors/', 'cli/home.ts'],
  'fuse-native': ['doors/'],
  commander: ['cli/'],
  cosmiconfig: ['cli/'],
  openai: ['backends/openai/'],
};

function forbiddenModule(from: string, name: string): string | undefined {
  const here = topOf(from);
  if (here === 'tests' || here === 'bench') return undefined;
  const holder = HOLDERS[name];
  if (holder !== undefined && !holder.some(prefix => from.startsWith(prefix))) {
    return `only ${holder.join(' and ')} imports ${name}`;
  }
  if (here === 'core' && holder === undefined && !(name === 'zod' && from === 'core/schema.ts')) {
    return 'the core imports no library but tapable for its hooks and zod for its schemas';
  }
  return undefined;
}

const OUTSIDE = /^(fs|net|http|http2|https|tls|dgram|dns|child_process|worker_threads|cluster|sqlite)(\/|$)/;

function forbiddenBuiltin(from: string, name: string): string | undefined {
  const here = topOf(from);
  if (here === 'core' && OUTSIDE.test(name)) return 'the core touches no disk, no network and no process';
  if (name === 'sqlite' && here !== 'store' && here !== 'tests') return 'only store/ opens a database';
  return undefined;
}

/** One round trip through the folders' imports, as `a → b → a`, or undefined. Tests and benchmarks have no place in it. */
export function cycle(all: readonly Source[]): string | undefined {
  const edges = new Map<string, Set<string>>();
  for (const { file, imports } of all) {
    const from = topOf(file);
    if (from === 'tests' || from === 'bench') continue;
    for (const imported of imports) {
      if (imported.file === undefined || topOf(imported.file) === from) continue;
      edges.set(from, (edges.get(from) ?? new Set()).add(topOf(imported.file)));
    }
  }
  const done = new Set<string>();
  const visit = (unit: string, trail: readonly string[]): string | undefined => {
    if (trail.includes(unit)) return [...trail.slice(trail.indexOf(unit)), unit].join(' → ');
    if (done.has(unit)) return undefined;
    for (const next of edges.get(unit) ?? []) {
      const found = visit(next, [...trail, unit]);
      if (found !== undefined) return found;
    }
    done.add(unit);
    return undefined;
  };
  for (const unit of edges.keys()) {
    const found = visit(unit, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

function topOf(file: string): string {
  return file.split('/')[0] ?? '';
}
