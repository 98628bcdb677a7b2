/** Admits plugins in the order they need each other, and withdraws them. */

import { AosError } from './errors.ts';
import type { Hooks } from './hooks.ts';
import type { Aos, Caller, Config, Log, Millis, MountPoint, Path, Plugin, PluginApi, State } from './types.ts';

/** What the composition root hands to the core for its plugins. */
export interface PluginHost {
  readonly hooks: Hooks;
  readonly aos: Aos;
  readonly self: Caller;
  readonly state: State;
  /** The one in force. */
  config(): Config;
  now(): Millis;
  log(plugin: string): Log;
  dir(name: string): string;
  mount(point: MountPoint): () => void;
  changed(path: Path): void;
}

export class Plugins {
  private readonly admitted = new Map<string, AbortController>();
  private readonly host: PluginHost;

  constructor(host: PluginHost) {
    this.host = host;
  }

  /** Sets each plugin up, after those it names. Throws `invalid` for one that is missing or a circle. */
  async admit(plugins: readonly Plugin[]): Promise<void> {
    for (const plugin of inOrder(plugins)) {
      const controller = new AbortController();
      this.admitted.set(plugin.name, controller);
      const pending = plugin.setup(this.api(plugin.name, controller.signal));
      if (pending !== undefined) await pending;
    }
  }

  withdraw(name: string): void {
    this.admitted.get(name)?.abort();
    this.admitted.delete(name);
  }

  /** The last admitted first. */
  withdrawAll(): void {
    for (const name of [...this.admitted.keys()].reverse()) this.withdraw(name);
  }

  private api(name: string, signal: AbortSignal): PluginApi {
    const { host } = this;
    return {
      name,
      signal,
      log: host.log(name),
      now: () => host.now(),
      dir: path => host.dir(path),
      state: host.state,
      get config() {
        return host.config();
      },
      aos: host.aos,
      self: host.self,
      announce: event => host.hooks.tellRun(event),
      tap: host.hooks.taps(name, signal),
      changed: path => host.changed(path),
      mount: point => {
        const unmount = host.mount({ ...point, component: name });
        const withdraw = (): void => {
          signal.removeEventListener('abort', withdraw);
          unmount();
        };
        signal.addEventListener('abort', withdraw, { once: true });
        return withdraw;
      },
    };
  }
}

function inOrder(plugins: readonly Plugin[]): Plugin[] {
  const byName = new Map(plugins.map(plugin => [plugin.name, plugin]));
  const done: Plugin[] = [];
  const visit = (plugin: Plugin, way: readonly string[]): void => {
    if (done.includes(plugin)) return;
    if (way.includes(plugin.name)) throw unordered(`plugins wait for each other: ${[...way, plugin.name].join(' → ')}`);
    for (const name of plugin.after ?? []) {
      const other = byName.get(name);
      if (other === undefined) throw unordered(`plugin ${plugin.name} needs ${name}, which is not there`);
      visit(other, [...way, plugin.name]);
    }
    done.push(plugin);
  };
  for (const plugin of plugins) visit(plugin, []);
  return done;
}

function unordered(why: string): AosError {
  return new AosError('invalid', { component: 'core', why, remedy: 'correct the plugins in the configuration' });
}
