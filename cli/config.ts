/** Finds and reads the configuration. What may be in it is core/config.ts's business. */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkConfig, DEFAULT_CONFIG, type LineOf } from '../core/config.ts';
import { AosError, asAosError } from '../core/errors.ts';
import type { Config } from '../core/types.ts';
import { yaml } from '../plugin-sdk/yaml.ts';

const PLACES = ['aos.config.yaml', 'aos.config.json', 'aos.config.ts', 'aos.config.js'];

export interface FoundConfig {
  readonly config: Config;
  /** Undefined where there is none. */
  readonly file: string | undefined;
}

/**
 * Reads `file`; without one, the first `aos.config.{yaml,json,ts,js}` from `from` up, then in the user's configuration
 * directory; else the defaults. Relative paths in it are made absolute. Throws `invalid` naming file, line, key and value.
 */
export async function loadConfig(
  file: string | undefined,
  from: string,
  vars: NodeJS.ProcessEnv = process.env,
): Promise<FoundConfig> {
  const path = file ?? (await find(from, vars));
  if (path === undefined) return { config: DEFAULT_CONFIG, file: undefined };
  const { value, lineOf } = await read(path);
  return { config: anchored(checkConfig(value, path, lineOf), dirname(path)), file: path };
}

/** What a configuration names by a relative path lies relative to it, wherever the daemon is started. */
function anchored(config: Config, dir: string): Config {
  const plugins = config.plugins.map(name => (/^\.\.?\//.test(name) ? resolve(dir, name) : name));
  const { mock } = config.backends;
  if (typeof mock?.file !== 'string' || mock.file === '') return Object.freeze({ ...config, plugins });
  const backends = { ...config.backends, mock: { ...mock, file: resolve(dir, mock.file) } };
  return Object.freeze({ ...config, plugins, backends });
}

async function find(from: string, vars: NodeJS.ProcessEnv): Promise<string | undefined> {
  const own = vars.XDG_CONFIG_HOME || join(vars.HOME || homedir(), '.config');
  if (!isAnywhere(from, own)) return undefined;
  const { cosmiconfig, defaultLoaders } = await import('cosmiconfig');
  // Only the place is wanted: the content is read below, where lines are known.
  const loaders = Object.fromEntries(
    ['.yaml', '.json', '.ts', '.js'].map(ext => [ext, (_path: string, content: string) => ({ content })]),
  );
  const options = { searchPlaces: PLACES, loaders: { ...defaultLoaders, ...loaders } };
  const up = await cosmiconfig('aos', { ...options, searchStrategy: 'global', stopDir: '/' }).search(from);
  if (up !== null) return up.filepath;
  const found = await cosmiconfig('aos', { ...options, searchStrategy: 'none' }).search(`${own}/aos`);
  return found?.filepath;
}

/** Whether there is something to search for: mostly there is not, and the start does not wait for a library to say so. */
function isAnywhere(from: string, own: string): boolean {
  const dirs = [join(own, 'aos')];
  for (let dir = from; ; dir = dirname(dir)) {
    dirs.push(dir);
    if (dir === dirname(dir)) break;
  }
  return dirs.some(dir => PLACES.some(place => existsSync(join(dir, place))));
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
      remedy: 'put the file there, or correct AOS_CONFIG',
      cause: thrown,
    });
  }
  return parse(path, text);
}

/** YAML, and JSON as a part of it. What a program wrote as JSON is read without the YAML library. */
function parse(path: string, text: string): Content {
  const value = asWritten(text);
  if (value === undefined) return parseYaml(path, text);
  return { value, lineOf: key => parseYaml(path, text).lineOf(key) };
}

/** The value of text that is exactly what `JSON.stringify` writes of it; so no key is in it twice. */
function asWritten(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return [0, 2, 4].some(indent => JSON.stringify(value, null, indent) === text.trim()) ? value : undefined;
  } catch {
    return undefined;
  }
}

function parseYaml(path: string, text: string): Content {
  const { LineCounter, parseDocument } = yaml();
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
