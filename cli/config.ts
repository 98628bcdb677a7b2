/** Finds and reads the configuration. What may be in it is core/config.ts's business. */

import { readFileSync, statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { cosmiconfig, defaultLoaders } from 'cosmiconfig';
import { LineCounter, parseDocument } from 'yaml';
import { checkConfig, DEFAULT_CONFIG, type LineOf } from '../core/config.ts';
import { AosError, asAosError } from '../core/errors.ts';
import type { Config } from '../core/types.ts';

const PLACES = ['aos.config.yaml', 'aos.config.json', 'aos.config.ts', 'aos.config.js'];

export interface FoundConfig {
  readonly config: Config;
  /** Undefined where there is none. */
  readonly file: string | undefined;
}

/**
 * Reads `file`; without one, the first `aos.config.{yaml,json,ts,js}` from `from` up, then in the user's configuration
 * directory; else the defaults. Throws `invalid` naming file, line, key and value.
 */
export async function loadConfig(
  file: string | undefined,
  from: string,
  vars: NodeJS.ProcessEnv = process.env,
): Promise<FoundConfig> {
  const path = file ?? (await find(from, vars));
  if (path === undefined) return { config: DEFAULT_CONFIG, file: undefined };
  const { value, lineOf } = await read(path);
  return { config: checkConfig(value, path, lineOf), file: path };
}

async function find(from: string, vars: NodeJS.ProcessEnv): Promise<string | undefined> {
  // Only the place is wanted: the content is read below, where lines are known.
  const loaders = Object.fromEntries(
    ['.yaml', '.json', '.ts', '.js'].map(ext => [ext, (_path: string, content: string) => ({ content })]),
  );
  const options = { searchPlaces: PLACES, loaders: { ...defaultLoaders, ...loaders } };
  const up = await cosmiconfig('aos', { ...options, searchStrategy: 'global', stopDir: '/' }).search(from);
  if (up !== null) return up.filepath;
  const own = vars.XDG_CONFIG_HOME || (vars.HOME ? `${vars.HOME}/.config` : '');
  if (own === '') return undefined;
  const found = await cosmiconfig('aos', { ...options, searchStrategy: 'none' }).search(`${own}/aos`);
  return found?.filepath;
}

interface Content {
  readonly value: unknown;
  readonly lineOf: LineOf;
}

async function read(path: string): Promise<Content> {
  if (/\.[jt]s$/.test(path)) return { value: await importDefault(path), lineOf: () => undefined };
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (thrown) {
    const error = asAosError(thrown, 'config', path);
    throw new AosError(error.kind, {
      component: 'config',
      path,
      why: error.why,
      remedy: 'correct AOS_CONFIG',
      cause: thrown,
    });
  }
  return parse(path, text);
}

/** YAML, and JSON as a part of it. */
function parse(path: string, text: string): Content {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const wrong = document.errors[0];
  if (wrong !== undefined) {
    const { line } = lines.linePos(wrong.pos[0]);
    const why = `line ${line}: ${wrong.message.split('\n')[0]}`;
    throw new AosError('invalid', { component: 'config', path, why, remedy: 'correct the line' });
  }
  const lineOf: LineOf = key => {
    for (let length = key.length; length > 0; length--) {
      const node = document.getIn(key.slice(0, length).map(String), true);
      if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) continue;
      return lines.linePos(Number(node.range[0])).line;
    }
    return undefined;
  };
  return { value: document.toJS(), lineOf };
}

async function importDefault(path: string): Promise<unknown> {
  try {
    // A module is loaded once for each address: another moment is another one.
    const module: unknown = await import(`${pathToFileURL(path).href}?at=${statSync(path).mtimeMs}`);
    if (typeof module === 'object' && module !== null && 'default' in module) return module.default;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AosError('invalid', { component: 'config', path, why, remedy: 'correct the file', cause });
  }
  throw new AosError('invalid', {
    component: 'config',
    path,
    why: 'it has no default export',
    remedy: 'write: export default { ... }',
  });
}
