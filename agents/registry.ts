/** The definitions on the disk. A change takes effect at the next look: nothing watches, every access checks the file. */

import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readFileSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { AosError, asAosError, type Millis, type PluginApi } from '../plugin-sdk/index.ts';
import { AGENT_NAME, type AgentConfig, invalid, parseAgent, printAgent, sourcePath } from './source.ts';

const SUFFIX = '.yaml';
const BYTES_MAX = 256 * 1024;
/** A definition that was looked at this recently is not looked at again. */
const FRESH_MS = 20;
/** Namespace of the last good text of each definition, so that an invalid edit survives a restart too. */
const GOOD = 'agents.good';

/** One definition as it was last seen. */
export interface Definition {
  readonly name: string;
  /** The last good one; undefined where there never was one. */
  readonly config: AgentConfig | undefined;
  /** `config` as YAML. */
  readonly text: string;
  /** What is wrong with the file as it is now. */
  readonly error: AosError | undefined;
  readonly mtime: Millis;
}

interface Seen {
  /** Of the file that was read; undefined where it has to be looked at again, changed or not. */
  readonly stamp: string | undefined;
  readonly definition: Definition;
  checked: Millis;
}

/** What came of reading a definition. */
interface Loaded {
  readonly definition: Definition;
  /** It holds for as long as the file stays as it is: nothing but the text decided it, and all is kept that is to be. */
  readonly settled: boolean;
}

export class Registry {
  private readonly dir: string;
  private readonly api: Pick<PluginApi, 'now' | 'state' | 'log'>;
  private readonly changed: (definition: Definition) => void;
  private readonly seen = new Map<string, Seen>();
  private readonly strangers = new Set<string>();

  /** `changed` hears of each definition that was read anew. */
  constructor(dir: string, api: Pick<PluginApi, 'now' | 'state' | 'log'>, changed: (definition: Definition) => void) {
    this.dir = dir;
    this.api = api;
    this.changed = changed;
  }

  /** Undefined where there is no such agent. `exact`: as the file is now, not as it was some milliseconds ago. */
  find(name: string, exact: boolean): Definition | undefined {
    const seen = this.seen.get(name);
    const now = this.api.now();
    if (seen !== undefined && !exact && now - seen.checked < FRESH_MS) return seen.definition;
    return AGENT_NAME.test(name) ? this.look(name, now) : undefined;
  }

  /** Every agent there is now, by name. */
  all(): Definition[] {
    const now = this.api.now();
    const names = this.names();
    for (const known of this.seen.keys()) if (!names.includes(known)) this.forget(known);
    return names.flatMap(name => this.look(name, now) ?? []);
  }

  names(): string[] {
    const names: string[] = [];
    for (const file of readdirSync(this.dir)) {
      const name = file.endsWith(SUFFIX) ? file.slice(0, -SUFFIX.length) : '';
      if (AGENT_NAME.test(name)) names.push(name);
      else this.passOver(file);
    }
    return names.sort();
  }

  private look(name: string, now: Millis): Definition | undefined {
    const stats = lstatSync(join(this.dir, name + SUFFIX), { throwIfNoEntry: false });
    if (stats === undefined) {
      this.forget(name);
      return undefined;
    }
    const seen = this.seen.get(name);
    const stamp = stampOf(stats);
    if (seen !== undefined && seen.stamp === stamp) {
      seen.checked = now;
      return seen.definition;
    }
    const { definition, settled } = this.load(name, stats, seen);
    this.seen.set(name, { stamp: settled ? stamp : undefined, definition, checked: now });
    if (seen === undefined || !isSame(seen.definition, definition)) this.changed(definition);
    return definition;
  }

  /** The file is gone: what a new one of that name may fall back on begins anew. */
  private forget(name: string): void {
    if (this.seen.delete(name)) this.api.state.keys.remove(GOOD, name);
  }

  private load(name: string, stats: Stats, before: Seen | undefined): Loaded {
    const mtime = stats.mtimeMs;
    try {
      const text = this.read(name);
      const config = parseAgent(name, text);
      const definition = { name, config, text: printAgent(config), error: undefined, mtime };
      return { definition, settled: this.keep(name, text, before) };
    } catch (thrown) {
      const error = asAosError(thrown, 'agents', sourcePath(name));
      const config = before?.definition.config ?? this.lastGood(name);
      const definition = { name, config, text: config === undefined ? '' : printAgent(config), error, mtime };
      return { definition, settled: error.kind === 'invalid' };
    }
  }

  /** A good definition counts, whether or not the store has room for it. False: it is still to be kept. */
  private keep(name: string, text: string, before: Seen | undefined): boolean {
    const { keys } = this.api.state;
    try {
      if (keys.get(GOOD, name) !== text) keys.set(GOOD, name, text);
      return true;
    } catch (err) {
      const said = before !== undefined && before.stamp === undefined;
      if (!said)
        this.api.log.warn({ agent: name, err }, 'a definition could not be stored; tried again at the next look');
      return false;
    }
  }

  /** Only a real file: a link could make the daemon read, and quote in an error, what its maker may not. */
  private read(name: string): string {
    let fd: number;
    try {
      fd = openSync(join(this.dir, name + SUFFIX), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (thrown) {
      const error = asAosError(thrown, 'agents', sourcePath(name));
      throw error.kind === 'link_loop' ? invalid(name, 'it is a link, not a file') : error;
    }
    try {
      const stats = fstatSync(fd);
      if (!stats.isFile()) throw invalid(name, 'it is not a file');
      if (stats.size > BYTES_MAX) throw invalid(name, `it is larger than ${BYTES_MAX} bytes`);
      return readFileSync(fd, 'utf8');
    } finally {
      closeSync(fd);
    }
  }

  private lastGood(name: string): AgentConfig | undefined {
    const text = this.api.state.keys.get(GOOD, name);
    if (text === undefined) return undefined;
    try {
      return parseAgent(name, text);
    } catch (thrown) {
      // Good for an earlier version of the program only.
      if (thrown instanceof AosError) return undefined;
      throw thrown;
    }
  }

  /** Says once that a file is no definition. Editors' own files begin with a dot or end with a tilde. */
  private passOver(file: string): void {
    if (file.startsWith('.') || file.endsWith('~') || this.strangers.has(file)) return;
    this.strangers.add(file);
    this.api.log.warn({ file }, 'passed over in agents.d: a definition is called <name>.yaml');
  }
}

/** Whether there is nothing new to say of a definition. */
function isSame(one: Definition, other: Definition): boolean {
  return one.mtime === other.mtime && one.text === other.text && one.error?.message === other.error?.message;
}

function stampOf({ mtimeMs, ctimeMs, size, ino }: Stats): string {
  return `${mtimeMs} ${ctimeMs} ${size} ${ino}`;
}
