/** Kinds of mount: those that come with the system, those of the configured plugins, and files that somebody names. */

import { statSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import {
  AosError,
  asAosError,
  type Caller,
  describeMount,
  isMountType,
  type Log,
  type MountType,
  type MountTypeInfo,
} from '../plugin-sdk/index.ts';

export interface TypeInfo extends MountTypeInfo {
  /** `built in`, a package's name or a file. */
  readonly from: string;
  /** Why it cannot be used. */
  readonly error?: string;
}

const BUILT_IN = 'built in';
const SDK = 'agent-os/plugin-sdk';

export class Catalogue {
  private readonly types = new Map<string, { readonly type: MountType; readonly from: string }>();
  private readonly failed = new Map<string, string>();

  constructor(builtIn: readonly MountType[]) {
    for (const type of builtIn) this.types.set(type.name, { type, from: BUILT_IN });
  }

  /** Takes in what the configuration names. One that cannot be loaded is said in the log and in `aos plugins`. */
  async add(name: string, log: Log): Promise<void> {
    try {
      const type = await load(locate(name), name);
      const known = this.types.get(type.name);
      if (known !== undefined) throw bad(name, `"${type.name}" is ${known.from} already`, 'give it another name');
      this.types.set(type.name, { type, from: name });
    } catch (thrown) {
      const { message } = asAosError(thrown, 'mounts', name);
      this.failed.set(name, message);
      log.error({ plugin: name }, `a plugin could not be loaded: ${message}`);
    }
  }

  all(): TypeInfo[] {
    const known = [...this.types.values()].map(({ type, from }) => ({ ...describeMount(type), from }));
    const failed = [...this.failed].map(([name, error]) => ({
      name,
      help: '',
      notes: null,
      options: [],
      from: name,
      error,
    }));
    return [...known, ...failed];
  }

  /**
   * A kind by its name, by the package that brings it, or by a file's absolute path. What is in a file runs in the daemon: only
   * its own user and root may name one, and no agent. Gives the name under which it is found again.
   */
  find(
    name: string,
    caller: Caller | undefined,
  ): { type: MountType; name: string } | Promise<{ type: MountType; name: string }> {
    const type = this.known(name);
    if (type !== undefined) return { type, name: type.name };
    if (!name.startsWith('/')) {
      const failed = this.failed.get(name);
      if (failed !== undefined) throw bad(name, 'the plugin could not be loaded', `see: aos plugins`);
      const why = `there is no kind of mount "${name}"`;
      const remedy = `there are: ${[...this.types.keys()].join(', ')}; or name a file: ./${name.replace(/^.*\//, '')}`;
      throw new AosError('usage', { component: 'mounts', why, remedy });
    }
    if (caller !== undefined && !mayLoad(caller)) {
      const why = 'what is in a file runs in the daemon, and only its own user may name one';
      throw new AosError('denied', { component: 'mounts', path: name, why, remedy: 'ask whoever runs the daemon' });
    }
    return load(name, name).then(loaded => ({ type: loaded, name }));
  }

  private known(name: string): MountType | undefined {
    const named = this.types.get(name);
    if (named !== undefined) return named.type;
    return [...this.types.values()].find(({ from }) => from === name && from !== BUILT_IN)?.type;
  }
}

function mayLoad(caller: Caller): boolean {
  return caller.run === undefined && (caller.uid === 0 || caller.uid === process.getuid?.());
}

/** A package or a file, as the configuration names it, from where the daemon was started. */
function locate(name: string): string {
  const from = process.cwd();
  try {
    return createRequire(`${from}/`).resolve(name);
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'MODULE_NOT_FOUND';
    // The first line says it; what follows is the way there.
    const why = isMissing ? `there is no such package or file to be found from ${from}` : firstLine(cause);
    const remedy = `install it there (npm install ${name}), or take it out of \`plugins\` in the configuration`;
    throw new AosError('invalid', { component: 'mounts', path: name, why, remedy, cause });
  }
}

function firstLine(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return text.replace(/\n.*/s, '');
}

let hooked = false;

/** A file of somebody else's finds the SDK that this daemon has, wherever it lies. */
function shareSdk(): void {
  if (hooked) return;
  hooked = true;
  const own = new URL(`../plugin-sdk/index.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url).href;
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === SDK ? { url: own, shortCircuit: true } : next(specifier, context),
  });
}

async function load(file: string, name: string): Promise<MountType> {
  shareSdk();
  let module: unknown;
  try {
    // The time is part of the address: an edited file is read again.
    module = await import(`${pathToFileURL(file).href}?at=${statSync(file).mtimeMs}`);
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    const why = missing ? 'there is no such file' : firstLine(cause);
    throw new AosError('invalid', { component: 'mounts', path: name, why, remedy: 'correct it', cause });
  }
  const exported = typeof module === 'object' && module !== null && 'default' in module ? module.default : undefined;
  if (isMountType(exported)) return exported;
  throw bad(name, 'its default export is no mount', 'write: export default defineMount({ ... })');
}

function bad(path: string, why: string, remedy: string): AosError {
  return new AosError('invalid', { component: 'mounts', path, why, remedy });
}
