import type { Plugin } from '../core/types.ts';

/** Names a plugin. The value itself is what the daemon admits. */
export function definePlugin(plugin: Plugin): Plugin {
  return Object.freeze(plugin);
}
