/** How an open handle comes back through the gate: cheaply while nothing has changed. */

import type { Again } from './nodes/handle.ts';
import type { Caller, Maybe, MountPoint, Path, Stat, Verb } from './types.ts';
import type { Vfs } from './vfs.ts';

export interface Opened {
  readonly caller: Caller;
  readonly path: Path;
  readonly mount: MountPoint;
  /** The file was made by this handle: to create it is to fill it, so whoever may not write may do that much. */
  readonly made: boolean;
  stat(): Maybe<Stat>;
}

export function againThrough(vfs: Vfs, { caller, path, mount, made, stat }: Opened): Again {
  const terms = { mount };
  let epoch = vfs.epoch;
  let always = mount.locked === true || vfs.timed(caller);
  const meant = (verb: Verb): Verb =>
    made && verb === 'write' && !vfs.allows(caller, 'write', path) ? 'create' : verb;
  return {
    component: mount.component,
    check: verb => {
      if (epoch === vfs.epoch && !always) return;
      vfs.comeBack(caller, meant(verb), path, mount);
      if (epoch !== vfs.epoch) always = mount.locked === true || vfs.timed(caller);
      epoch = vfs.epoch;
    },
    perform: (verb, act, cancel) =>
      vfs.perform(caller, meant(verb), path, (_mount, _rest, op) => act(op), cancel, undefined, terms),
    stat,
  };
}
