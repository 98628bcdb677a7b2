/** What the levers of policy work with. */

import type { PluginApi, PolicyControl } from '../plugin-sdk/index.ts';

export interface Keeper {
  readonly api: PluginApi;
  readonly policy: PolicyControl;
}
